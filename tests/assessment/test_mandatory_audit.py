"""Mandatory audits: what the data show, who decides, deadlines, and what could not be checked."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from pipelines.assessment.mandatory_audit import MANDATORY_AUDITS
from pipelines.assessment.mandatory_evidence import compared_with_quotas
from pipelines.contracts.standards import Standards
from tests.assessment.frames import frames, only, own_rows, reference, run

TODAY = date(2026, 1, 20)
SEED_OF = {"triggers": "audit_triggers", "toxic": "toxic_substances", "quotas": "energy_quotas"}
PHASES = [
    {"step_code": "public_information", "due_anchor": "listed_on", "due_months": 1, "verification_status": "recalled"},
    {"step_code": "audit_start", "milestone": "started", "due_anchor": "listed_on", "due_months": 2, "verification_status": "recalled"},
    {
        "step_code": "audit_report",
        "milestone": "audit_done",
        "due_anchor": "listed_on",
        "due_months": 12,
        "verification_status": "recalled",
    },
    {"step_code": "next_round", "due_anchor": "audit_report", "due_months": 60, "verification_status": "recalled"},
]


def exceedance(on: date, value: float = 60.0, **cells: Any) -> dict:
    return {
        "enterprise_id": "E1", "outlet_id": "O1", "pollutant_code": "a21026", "local_date": on, "limit_kind": "hourly_concentration",
        "limit_source": "permit", "limit_id": "P-1", "limit_value": 50.0, "unit": "mg/m3", "is_binding": True, "value": value,
    } | cells  # fmt: skip


def review(decision: str, key: str, on: date, role: str = "bureau", **cells: Any) -> dict:
    return {
        "review_id": f"R-{on}-{decision}", "about": "mandatory_audit", "subject_key": key, "enterprise_id": "E1", "decided_on": on,
        "decision": decision, "role": role, "independence": "independent",
    } | cells  # fmt: skip


def found(
    standards: Standards, enterprises: tuple[str, ...] = ("E1",), today: date = TODAY, **rows: Any
) -> tuple[pl.DataFrame, pl.DataFrame, Any]:
    members = [{"enterprise_id": enterprise_id} for enterprise_id in enterprises]
    made = frames(MANDATORY_AUDITS, standards, SEED_OF, enterprises=members, **({"phases": PHASES} | rows))
    outcome = run(MANDATORY_AUDITS, made, today, standards)
    return outcome.frames["mandatory_audit"], outcome.frames["mandatory_audit_evidence"], outcome


def of(standards: Standards, category: str, **rows: Any) -> dict:
    return only(found(standards, **rows)[0], enterprise_id="E1", category=category)


class TestDoubleExceedance:
    def test_hours_above_the_binding_limit(self, shipped_standards: Standards) -> None:
        above = [
            exceedance(date(2025, 3, 1), 60.0),
            exceedance(date(2025, 9, 1), 75.0),
            exceedance(date(2025, 9, 1), 75.0, is_binding=False),
        ]
        table, evidence, _ = found(shipped_standards, exceedances=above)
        row = only(evidence)
        assert (row["trigger_code"], row["findings"], row["value"], row["threshold"]) == ("concentration_exceeded", 2, 75.0, 50.0)
        assert (row["first_on"], row["last_on"], row["rule"], row["state"]) == (
            date(2025, 3, 1), date(2025, 9, 1), "hourly_concentration permit P-1", "measured",
        )  # fmt: skip
        assert only(table, category="double_exceedance")["status"] == "proposed"

    def test_a_proposal_is_worded_as_one(self, shipped_standards: Standards) -> None:
        row = of(shipped_standards, "double_exceedance", exceedances=[exceedance(date(2025, 3, 1))])
        assert row["statement"] == "The data show 双超 (1 rows of evidence): proposed for the list of mandatory audits; the bureau decides."
        assert (row["listed_on"], row["start_due_on"], row["progress"]) == (None, None, None)

    def test_what_is_older_than_the_months_looked_at_is_none(self, shipped_standards: Standards) -> None:
        assert of(shipped_standards, "double_exceedance", exceedances=[exceedance(date(2025, 1, 19))])["status"] == "not_indicated"
        assert of(shipped_standards, "double_exceedance", exceedances=[exceedance(date(2025, 1, 20))])["status"] == "proposed"

    def test_a_permit_that_is_used_up_and_not_one_that_is_only_projected_to_be(self, shipped_standards: Standards) -> None:
        totals = [
            {"enterprise_id": "E1", "outlet_id": None, "pollutant_code": "w01018", "permit_year": 2025, "permitted_kg": 1000.0, "used_kg": 1200.0, "state": "substituted"},
            {"enterprise_id": "E1", "outlet_id": "O2", "pollutant_code": "w21003", "permit_year": 2026, "permitted_kg": 1000.0, "used_kg": 400.0, "state": "measured"},
        ]  # fmt: skip
        _, evidence, _ = found(shipped_standards, totals=totals)
        row = only(evidence)
        assert (row["subject_kind"], row["subject_id"], row["rule"], row["value"], row["state"]) == (
            "enterprise", "E1", "permitted total of 2025", 1200.0, "substituted",
        )  # fmt: skip

    def test_findings_below_the_number_that_the_rule_asks_for_stand_and_propose_nothing(self, shipped_standards: Standards) -> None:
        three = own_rows(
            shipped_standards,
            "audit_triggers",
            {
                "trigger_code": "concentration_exceeded",
                "category": "double_exceedance",
                "category_zh": "双超",
                "lookback_months": "12",
                "min_count": "3",
            },
        )
        two = [exceedance(date(2025, 3, 1)), exceedance(date(2025, 3, 2))]
        table, evidence, _ = found(three, exceedances=two)
        assert only(evidence)["is_enough"] is False
        assert only(table, category="double_exceedance")["status"] == "not_indicated"
        assert (
            of(three, "double_exceedance", exceedances=[*two, exceedance(date(2025, 3, 3), limit_kind="daily_concentration")])["status"]
            == "proposed"
        )


def efficiency(value: float | None, product: str = "CLINKER", **cells: Any) -> dict:
    return {
        "enterprise_id": "E1", "product_code": product, "metric_code": "energy_per_output", "year_start_date": date(2025, 1, 1), "value": value,
        "unit": "kgce/t", "state": "measured",
    } | cells  # fmt: skip


PRODUCT = {"enterprise_id": "E1", "product_code": "CLINKER", "product_kind": "clinker"}


class TestHighEnergy:
    @pytest.mark.parametrize(("value", "status"), [(117.0, "not_indicated"), (117.1, "proposed"), (105.0, "not_indicated")])
    def test_a_product_above_the_limit_value(self, shipped_standards: Standards, value: float, status: str) -> None:
        row = of(shipped_standards, "high_energy", efficiency=[efficiency(value)], products=[PRODUCT])
        assert (row["status"], row["not_checked"]) == (status, [])

    def test_the_edition_of_the_year_is_the_one_that_counts(self, shipped_standards: Standards) -> None:
        """120 kgce/t is above the limit of 2021 and below that of 2007, which held in 2012."""
        quotas = reference(shipped_standards, MANDATORY_AUDITS.reads["quotas"], "energy_quotas").filter(pl.col("level") == "limit")
        made = frames(MANDATORY_AUDITS, shipped_standards, SEED_OF, products=[PRODUCT | {"valid_from": date(2005, 1, 1)}],
                      efficiency=[efficiency(120.0), efficiency(120.0, year_start_date=date(2012, 1, 1))])  # fmt: skip
        compared = compared_with_quotas(
            made["efficiency"], made["products"], made["processes"], quotas.drop("level", "origin"), date(2012, 1, 1)
        )
        years = {row["year_start_date"].year: (row["threshold"], row["is_above"]) for row in compared.to_dicts()}
        assert years == {2012: (128.0, False), 2025: (117.0, True)}

    def test_a_process_by_its_kind(self, shipped_standards: Standards) -> None:
        processes = [{"enterprise_id": "E1", "process_id": "P1", "process_code": "sintering"}]
        _, evidence, _ = found(shipped_standards, efficiency=[efficiency(61.0, "ALL", process_id="P1")], processes=processes)
        row = only(evidence)
        assert (row["subject_kind"], row["subject_id"], row["threshold"], row["rule"]) == (
            "process", "P1", 55.0, "GB21256-2013 sinter-energy limit 2025",
        )  # fmt: skip

    @pytest.mark.parametrize(
        "cells",
        [
            {"value": None},
            {"state": "missing"},
            {"unit": "kgce/m2"},
            {"year_start_date": date(2024, 1, 1)},
            {"year_start_date": date(2026, 1, 1)},
        ],
    )
    def test_what_cannot_be_compared_is_not_checked(self, shipped_standards: Standards, cells: dict) -> None:
        row = of(shipped_standards, "high_energy", efficiency=[efficiency(500.0) | cells], products=[PRODUCT])
        assert (row["status"], row["not_checked"], row["state"]) == ("not_indicated", ["energy_quota_exceeded"], "missing")
        assert row["statement"] == "Nothing is known that 高耗能 could be seen in."


class TestDoubleToxic:
    def test_a_listed_raw_material(self, shipped_standards: Standards) -> None:
        chemicals = [
            {"enterprise_id": "E1", "substance_code": "143-33-9", "max_on_site_t": 0.4, "used_as": "raw_material"},
            {"enterprise_id": "E1", "substance_code": "7440-43-9", "max_on_site_t": 0.1, "used_as": "waste"},
            {"enterprise_id": "E1", "substance_code": "67-56-1", "max_on_site_t": 4.0, "used_as": "raw_material"},
        ]
        _, evidence, _ = found(shipped_standards, chemicals=chemicals)
        row = only(evidence)
        assert (row["item_code"], row["rule"], row["value"], row["unit"]) == ("143-33-9", "class 2 of art. 8", 0.4, "t")

    def test_a_listed_material_that_was_consumed(self, shipped_standards: Standards) -> None:
        rows = [
            {"enterprise_id": "E1", "item_code": "chromic_anhydride", "item_kind": "material", "month_start_date": date(2025, month, 1), "quantity": 2.0, "unit": "t", "state": "self_reported"}
            for month in (3, 4)
        ] + [{"enterprise_id": "E1", "process_id": "P1", "item_code": "chromic_anhydride", "item_kind": "material", "month_start_date": date(2025, 3, 1), "quantity": 2.0, "unit": "t", "state": "self_reported"}]  # fmt: skip
        row = only(found(shipped_standards, consumption=rows)[1])
        assert (row["value"], row["findings"], row["first_on"], row["last_on"]) == (4.0, 2, date(2025, 3, 1), date(2025, 4, 30))

    def test_a_listed_pollutant_at_a_workshop_outlet(self, shipped_standards: Standards) -> None:
        months = [
            {
                "enterprise_id": "E1",
                "outlet_id": "WS1",
                "pollutant_code": "w20115",
                "month_start_date": date(2025, 5, 1),
                "mass_kg": 0.02,
                "state": "measured",
            }
        ]
        row = only(found(shipped_standards, emissions=months)[1])
        assert (row["subject_id"], row["item_code"], row["state"]) == ("WS1", "w20115", "measured")

    def test_any_hazardous_waste(self, shipped_standards: Standards) -> None:
        line = {
            "enterprise_id": "E1",
            "waste_code": "336-054-17",
            "waste_kind": "hazardous",
            "movement": "generated",
            "moved_on": date(2025, 6, 1),
            "quantity_t": 3.5,
            "state": "self_reported",
        }
        general = line | {"waste_code": "SW07", "waste_kind": "general"}
        row = only(found(shipped_standards, waste=[line, line, general])[1])
        assert (row["item_code"], row["value"], row["findings"], row["rule"]) == ("336-054-17", 7.0, 2, "class 1 of art. 8")

    def test_zero_is_no_discharge(self, shipped_standards: Standards) -> None:
        months = [
            {
                "enterprise_id": "E1",
                "outlet_id": "WS1",
                "pollutant_code": "w20115",
                "month_start_date": date(2025, 5, 1),
                "mass_kg": 0.0,
                "state": "stopped",
            }
        ]
        row = of(shipped_standards, "double_toxic", emissions=months)
        assert (row["status"], row["not_checked"]) == ("not_indicated", ["toxic_used"])


ABOVE = [exceedance(date(2025, 3, 1))]


class TestListing:
    def test_the_bureau_lists(self, shipped_standards: Standards) -> None:
        row = of(
            shipped_standards,
            "double_exceedance",
            exceedances=ABOVE,
            reviews=[review("listed", "E1 / double_exceedance", date(2025, 12, 31))],
        )
        assert (row["status"], row["listed_on"], row["listed_by"]) == ("listed", date(2025, 12, 31), "review")
        assert (row["announce_due_on"], row["start_due_on"], row["finish_due_on"]) == (
            date(2026, 1, 31),
            date(2026, 2, 28),
            date(2026, 12, 31),
        )
        assert row["progress"] == "to_start"

    def test_an_enterprise_cannot_list_or_delist_itself(self, shipped_standards: Standards) -> None:
        reviews = [review("listed", "E1", date(2025, 11, 1)), review("delisted", "E1", date(2025, 12, 1), role="enterprise")]
        assert of(shipped_standards, "double_exceedance", exceedances=ABOVE, reviews=reviews)["status"] == "listed"

    def test_a_listing_without_a_reason_stands_with_what_is_indicated(self, shipped_standards: Standards) -> None:
        table, _, _ = found(shipped_standards, exceedances=ABOVE, reviews=[review("listed", "E1", date(2025, 12, 1))])
        assert dict(table.select("category", "status").iter_rows()) == {
            "double_exceedance": "listed", "double_toxic": "not_indicated", "high_energy": "not_indicated",
        }  # fmt: skip

    def test_a_listing_of_which_nothing_is_indicated_has_a_row_of_its_own(self, shipped_standards: Standards) -> None:
        rounds = [{"round_id": "A1", "enterprise_id": "E1", "kind": "mandatory", "listed_on": date(2025, 12, 1)}]
        row = of(shipped_standards, "unspecified", rounds=rounds)
        assert (row["status"], row["listed_by"], row["is_indicated"], row["state"]) == ("listed", "register", False, "missing")
        assert row["statement"] == "On the list of mandatory audits since 2025-12-01 for unspecified, by register."

    def test_a_delisting_is_undone_by_a_later_list(self, shipped_standards: Standards) -> None:
        reviews = [review("delisted", "E1 / double_exceedance", date(2025, 6, 1))]
        rounds = [{"round_id": "A1", "enterprise_id": "E1", "kind": "mandatory", "listed_on": date(2025, 3, 1)}]
        gone = of(shipped_standards, "double_exceedance", exceedances=ABOVE, reviews=reviews, rounds=rounds)
        assert (gone["status"], gone["listed_on"], gone["start_due_on"]) == ("delisted", None, None)
        again = of(
            shipped_standards, "double_exceedance", exceedances=ABOVE, reviews=reviews, rounds=[rounds[0] | {"listed_on": date(2025, 7, 1)}]
        )
        assert (again["status"], again["listed_on"]) == ("listed", date(2025, 7, 1))

    def test_a_voluntary_round_lists_nobody(self, shipped_standards: Standards) -> None:
        rounds = [{"round_id": "A1", "enterprise_id": "E1", "kind": "voluntary", "listed_on": date(2025, 12, 1)}]
        assert found(shipped_standards, rounds=rounds)[0]["status"].unique().to_list() == ["not_indicated"]


class TestDeadlines:
    @pytest.mark.parametrize(
        ("listed", "done", "progress"),
        [
            (date(2025, 12, 1), {}, "to_start"),
            (date(2025, 10, 1), {}, "start_overdue"),
            (date(2025, 10, 1), {"audit_start": date(2025, 11, 1)}, "under_way"),
            (date(2024, 10, 1), {"audit_start": date(2024, 11, 1)}, "finish_overdue"),
            (date(2024, 10, 1), {"audit_start": date(2024, 11, 1), "audit_report": date(2025, 9, 1)}, "finished"),
            (date(2024, 10, 1), {"audit_start": date(2024, 11, 1), "audit_report": date(2025, 10, 2)}, "finished_late"),
        ],
    )
    def test_against_the_steps_of_the_round(self, shipped_standards: Standards, listed: date, done: dict, progress: str) -> None:
        rounds = [{"round_id": "A1", "enterprise_id": "E1", "kind": "mandatory", "listed_on": listed}]
        steps = [{"round_id": "A1", "step_code": step, "done_on": on} for step, on in done.items()]
        table, _, outcome = found(shipped_standards, rounds=rounds, steps=steps, exceedances=[exceedance(date(2025, 3, 1))])
        row = only(table, category="double_exceedance")
        assert row["progress"] == progress
        assert row["status"] == ("audited" if progress.startswith("finished") else "listed")
        assert bool(outcome.warnings) == progress.endswith("overdue")

    @pytest.mark.parametrize(("above_on", "status"), [(date(2025, 8, 31), "audited"), (date(2025, 9, 2), "proposed")])
    def test_what_was_found_after_the_audit_is_proposed_again(self, shipped_standards: Standards, above_on: date, status: str) -> None:
        rounds = [{"round_id": "A1", "enterprise_id": "E1", "kind": "mandatory", "listed_on": date(2024, 10, 1)}]
        steps = [{"round_id": "A1", "step_code": "audit_report", "done_on": date(2025, 9, 1)}]
        row = of(shipped_standards, "double_exceedance", rounds=rounds, steps=steps, exceedances=[exceedance(above_on)])
        assert (row["status"], row["progress"], row["finished_on"]) == (status, "finished", date(2025, 9, 1))

    @pytest.mark.parametrize(("finished", "status"), [(date(2022, 2, 15), "audited"), (date(2021, 1, 20), "proposed")])
    def test_who_uses_toxic_substances_is_proposed_again_after_five_years(
        self, shipped_standards: Standards, finished: date, status: str
    ) -> None:
        rounds = [{"round_id": "A1", "enterprise_id": "E1", "kind": "mandatory", "listed_on": date(2020, 3, 1)}]
        steps = [{"round_id": "A1", "step_code": "audit_report", "done_on": finished}]
        toxic = [{"enterprise_id": "E1", "substance_code": "143-33-9", "max_on_site_t": 0.4, "used_as": "raw_material"}]
        assert of(shipped_standards, "double_toxic", rounds=rounds, steps=steps, chemicals=toxic)["status"] == status

    def test_five_years_between_audits_of_who_uses_toxic_substances(self, shipped_standards: Standards) -> None:
        rounds = [{"round_id": "A1", "enterprise_id": "E1", "kind": "mandatory", "listed_on": date(2021, 3, 1)}]
        steps = [{"round_id": "A1", "step_code": "audit_report", "done_on": date(2022, 2, 15)}]
        toxic = [{"enterprise_id": "E1", "substance_code": "143-33-9", "max_on_site_t": 0.4, "used_as": "raw_material"}]
        table, _, _ = found(shipped_standards, rounds=rounds, steps=steps, chemicals=toxic, exceedances=[exceedance(date(2025, 3, 1))])
        assert only(table, category="double_toxic")["next_due_on"] == date(2027, 2, 15)
        assert only(table, category="double_exceedance")["next_due_on"] is None

    def test_steps_without_deadlines_leave_none(self, shipped_standards: Standards) -> None:
        rounds = [{"round_id": "A1", "enterprise_id": "E1", "kind": "mandatory", "listed_on": date(2024, 10, 1)}]
        row = of(shipped_standards, "unspecified", rounds=rounds, phases=[])
        assert (row["start_due_on"], row["finish_due_on"], row["progress"]) == (None, None, "to_start")


def test_every_member_has_a_row_per_category_and_nobody_else(shipped_standards: Standards) -> None:
    table, evidence, outcome = found(
        shipped_standards, enterprises=("E1", "E2"), exceedances=[exceedance(date(2025, 3, 1), enterprise_id="GONE")]
    )
    assert table.height == 6
    assert evidence.is_empty()
    assert outcome.message == "0 enterprises proposed, 0 listed"


def test_a_reason_that_the_park_has_ended_is_no_reason(shipped_standards: Standards) -> None:
    triggers = reference(shipped_standards, MANDATORY_AUDITS.reads["triggers"], "audit_triggers").filter(
        pl.col("category") != "double_exceedance"
    )
    table, evidence, _ = found(shipped_standards, exceedances=[exceedance(date(2025, 3, 1))], triggers=triggers)
    assert sorted(table["category"]) == ["double_toxic", "high_energy"]
    assert evidence.is_empty()
