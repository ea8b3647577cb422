"""Obsolete equipment and processes: what a list's patterns find, deadlines, capacities, age, drift, and what is not known."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from pipelines.assessment.obsolete_asset import OBSOLETE_ASSETS
from pipelines.contracts.standards import Standards
from tests.assessment.frames import frames, only, own_rows, run

TODAY = date(2026, 1, 20)
SEED_OF = {"entries": "obsolete_entries", "lives": "equipment_lives"}
ENTRY = {
    "list_id": "CITY", "list_name_zh": "市淘汰目录", "entry_id": "kiln", "category": "eliminated", "asset_kind": "equipment",
    "match_field": "name", "match_pattern": "(?i)kiln", "name": "Kilns", "name_zh": "窑",
}  # fmt: skip


def piece(equipment_id: str = "Q1", **cells: Any) -> dict:
    return {"equipment_id": equipment_id, "enterprise_id": "E1", "process_id": "P1", "name": "A piece"} | cells


def found(standards: Standards, equipment: list[dict] = (), processes: list[dict] = ()) -> pl.DataFrame:
    made = frames(OBSOLETE_ASSETS, standards, SEED_OF, equipment=list(equipment), processes=list(processes))
    return run(OBSOLETE_ASSETS, made, TODAY, standards).frames["obsolete_asset"]


def matches(standards: Standards, **cells: Any) -> dict[str, str]:
    rows = found(standards, [piece(**cells)]).filter(pl.col("check_kind") == "list")
    return dict(rows.select("entry_id", "verdict").iter_rows())


class TestModels:
    @pytest.mark.parametrize("model", ["Y132S-4", "Y160M1-2", "Y801-2", "Y355M2-6", "Y90L-4", "Y280S 4"])
    def test_motors_of_series_y(self, shipped_standards: Standards, model: str) -> None:
        assert matches(shipped_standards, model=model) == {"motor-y": "eliminated"}

    @pytest.mark.parametrize("model", ["YE3-132S-4", "YE4-160M1-2", "YX3-200L-4", "YVF2-132S-4", "Y400-4", "YB3-132", None])
    def test_other_series_are_left_alone(self, shipped_standards: Standards, model: str | None) -> None:
        assert matches(shipped_standards, model=model) == {}

    @pytest.mark.parametrize(
        ("model", "entry"),
        [("JO2-51-4", "motor-jo2"), ("S7-500/10", "transformer-s7"), ("SL7-315/10", "transformer-sl7"), ("S9-1000/10", "transformer-s9")],
    )
    def test_older_machines(self, shipped_standards: Standards, model: str, entry: str) -> None:
        assert matches(shipped_standards, model=model) == {entry: "eliminated"}

    def test_a_row_names_list_edition_source_and_how_sure_it_is(self, shipped_standards: Standards) -> None:
        row = only(found(shipped_standards, [piece(model="JO2-51-4", pieces=6)]), check_kind="list")
        assert (row["list_id"], row["list_version"], row["pieces"]) == ("MIIT-ELIMINATION-1", "2009", 6)
        assert "工节〔2009〕第67号" in row["source_ref"]
        assert (row["verification_status"], row["state"]) == ("unverified", "self_reported")


class TestCapacity:
    @pytest.mark.parametrize(
        ("capacity", "verdict"), [(10.0, {"boiler-coal-10": "eliminated"}), (4.0, {"boiler-coal-10": "eliminated"}), (10.5, {})]
    )
    def test_up_to_and_including(self, shipped_standards: Standards, capacity: float, verdict: dict) -> None:
        assert matches(shipped_standards, equipment_code="coal_boiler", capacity=capacity, unit="t/h") == verdict

    @pytest.mark.parametrize(("capacity", "verdict"), [(90.0, {}), (89.0, {"sinter-90": "eliminated"})])
    def test_below(self, shipped_standards: Standards, capacity: float, verdict: dict) -> None:
        assert matches(shipped_standards, equipment_code="sinter_machine", capacity=capacity, unit="m2") == verdict

    @pytest.mark.parametrize("cells", [{}, {"capacity": 7.0, "unit": "MW"}, {"capacity": 7.0}])
    def test_a_capacity_that_cannot_be_compared_may_be_listed(self, shipped_standards: Standards, cells: dict) -> None:
        row = only(found(shipped_standards, [piece(equipment_code="coal_boiler", **cells)]), check_kind="list")
        assert (row["verdict"], row["state"], row["threshold"], row["unit"]) == ("possibly_listed", "missing", 10.0, "t/h")


class TestProcesses:
    @pytest.mark.parametrize(
        ("code", "verdict"),
        [("cyanide_plating", "eliminated"), ("hexavalent_chromium_passivation", "restricted"), ("cyanide_free_plating", "encouraged")],
    )
    def test_by_code(self, shipped_standards: Standards, code: str, verdict: str) -> None:
        rows = found(shipped_standards, processes=[{"process_id": "P1", "enterprise_id": "E1", "name": "Plating", "process_code": code}])
        assert rows["verdict"].to_list() == [verdict]
        assert rows["asset_kind"].to_list() == ["process"]

    def test_a_process_is_not_compared_with_what_is_about_equipment(self, shipped_standards: Standards) -> None:
        assert found(
            shipped_standards, processes=[{"process_id": "P1", "enterprise_id": "E1", "name": "x", "process_code": "coal_boiler"}]
        ).is_empty()


class TestOwnLists:
    @pytest.mark.parametrize(
        ("deadline", "verdict", "overdue"),
        [("2026-01-20", "eliminated", 0), ("2025-12-31", "eliminated", 20), ("2026-01-21", "to_be_eliminated", None)],
    )
    def test_a_park_adds_entries_with_deadlines(
        self, shipped_standards: Standards, deadline: str, verdict: str, overdue: int | None
    ) -> None:
        own = own_rows(shipped_standards, "obsolete_entries", ENTRY | {"deadline": deadline})
        row = only(found(own, [piece(name="Tunnel Kiln 2")]), check_kind="list")
        assert (row["verdict"], row["days_overdue"], row["deadline"]) == (verdict, overdue, date.fromisoformat(deadline))

    def test_a_pattern_that_is_none_is_refused_by_name(self, shipped_standards: Standards) -> None:
        own = own_rows(shipped_standards, "obsolete_entries", ENTRY | {"match_pattern": "(kiln"})
        with pytest.raises(ValueError, match=r"reference.obsolete CITY / kiln: match_pattern = '\(kiln' is no regular expression"):
            found(own, [piece()])

    def test_two_patterns_of_one_entry_list_an_asset_once(self, shipped_standards: Standards) -> None:
        own = own_rows(shipped_standards, "obsolete_entries", ENTRY, ENTRY | {"match_pattern": "Tunnel"})
        assert found(own, [piece(name="Tunnel Kiln 2")]).filter(pl.col("check_kind") == "list").height == 1


class TestAgeAndDrift:
    def test_past_its_design_life(self, shipped_standards: Standards) -> None:
        old = piece("Q1", equipment_code="motor", commissioned_on=date(2010, 1, 20))
        young = piece("Q2", equipment_code="transformer", commissioned_on=date(2010, 1, 20))
        rows = found(shipped_standards, [old, young]).filter(pl.col("check_kind") == "age")
        assert rows["verdict"].to_list() == ["past_design_life", "within_design_life"]
        assert rows["value"].to_list() == pytest.approx([16.0, 16.0], abs=0.01)
        assert rows["threshold"].to_list() == [15.0, 25.0]

    def test_a_kind_without_a_row_of_its_own_has_the_general_one(self, shipped_standards: Standards) -> None:
        row = only(found(shipped_standards, [piece(equipment_code="press", commissioned_on=date(2000, 1, 1))]), check_kind="age")
        assert (row["threshold"], row["verdict"]) == (15.0, "past_design_life")

    @pytest.mark.parametrize(
        ("actual", "share", "verdict"),
        [(0.85, 0.0555555, "drifted"), (0.89, 0.0111111, "within_drift"), (0.91, -0.0111111, "within_drift")],
    )
    def test_loss_of_efficiency(self, shipped_standards: Standards, actual: float, share: float, verdict: str) -> None:
        row = only(
            found(shipped_standards, [piece(equipment_code="motor", rated_efficiency=0.9, actual_efficiency=actual)]),
            check_kind="efficiency",
        )
        assert row["value"] == pytest.approx(share, abs=1e-6)
        assert (row["verdict"], row["threshold"]) == (verdict, 0.05)

    def test_what_nobody_tested_is_unknown_and_never_fine(self, shipped_standards: Standards) -> None:
        rows = found(shipped_standards, [piece(rated_efficiency=0.9)])
        assert rows["verdict"].to_list() == ["unknown", "unknown"]
        assert rows["state"].to_list() == ["missing", "missing"]

    def test_only_what_the_register_holds_today(self, shipped_standards: Standards) -> None:
        assert found(shipped_standards, [piece(model="JO2-51-4", valid_to=date(2025, 6, 1))]).is_empty()
