"""The words of rules: counts in windows, what is not known, and whose record it is."""

from datetime import date, datetime

import polars as pl
import pytest

from pipelines.assessment.facts import FACT_SOURCES, FACTS, WINDOWS, EnterpriseFacts, is_fact
from tests.assessment.frames import frame

TODAY = date(2026, 1, 20)
YEAR = (date(2025, 1, 1), date(2026, 1, 1))
ALWAYS = {"valid_from": date(2020, 1, 1), "valid_to": None}


def facts(**given: list[dict]) -> EnterpriseFacts:
    return EnterpriseFacts({name: frame(source, given.get(name, ())) for name, source in FACT_SOURCES.items()}, TODAY)


def ask(name: str, enterprise: str = "E1", window: tuple[date, date] = YEAR, **given: list[dict]) -> tuple[object, date | None]:
    windows = pl.DataFrame([{"key": "k", "enterprise_id": enterprise, "starts": window[0], "ends": window[1]}], schema=WINDOWS)
    (row,) = facts(**given).of(windows, [name]).to_dicts()
    return row[name], row[f"{name}__on"]


def event(kind: str, on: date, subject: str = "E1", subject_kind: str = "enterprise", **more: object) -> dict:
    return {
        "event_id": f"{kind}{on}{subject}",
        "event_kind": kind,
        "subject_kind": subject_kind,
        "subject_id": subject,
        "occurred_on": on,
    } | more


class TestWindows:
    EVENTS = (
        event("penalty", date(2025, 1, 1)),
        event("penalty", date(2025, 12, 31)),
        event("penalty", date(2026, 1, 1)),
        event("penalty", date(2024, 2, 1)),
    )

    def test_both_ends(self) -> None:
        assert ask("penalties", events=list(self.EVENTS)) == (2.0, date(2025, 12, 31))

    def test_months_before_the_end(self) -> None:
        assert ask("penalties_24m", events=list(self.EVENTS)) == (3.0, date(2025, 12, 31))
        assert ask("penalties_1m", events=list(self.EVENTS)) == (1.0, date(2025, 12, 31))

    def test_several_windows_and_names_at_once(self) -> None:
        windows = pl.DataFrame(
            [{"key": f"{who} {year}", "enterprise_id": who, "starts": date(year, 1, 1), "ends": date(year + 1, 1, 1)}
             for who in ("E1", "E2") for year in (2024, 2025)], schema=WINDOWS)  # fmt: skip
        found = facts(events=list(self.EVENTS)).of(windows, ["penalties", "violations"])
        assert found["key"].to_list() == windows["key"].to_list()
        assert found["penalties"].to_list() == [1.0, 2.0, 0.0, 0.0]
        assert found["violations"].to_list() == [0.0] * 4

    @pytest.mark.parametrize("name", ["happiness", "penalties_24x", "answer:EIP2", "happiness_12m"])
    def test_words_that_nobody_knows(self, name: str) -> None:
        assert not is_fact(name)
        with pytest.raises(KeyError, match="there is no fact"):
            ask(name)

    def test_every_word_answers_for_a_park_of_which_nothing_is_known(self) -> None:
        never_counted = {"outlets", "permit_totals"}
        for name in FACTS:
            assert (ask(name, window=(date(2025, 1, 20), date(2026, 1, 21)))[0] is None) == (name not in never_counted), name


class TestEvents:
    def test_an_empty_register_says_nothing_and_a_kept_one_says_none(self) -> None:
        assert ask("penalties") == (None, None)
        assert ask("penalties", events=[event("drill", date(2025, 5, 1), "E9")]) == (0.0, None)
        assert ask("penalties", events=[event("drill", date(2026, 1, 5))]) == (None, None), "the register begins after the window"

    def test_serious_ones(self) -> None:
        events = [event("violation", date(2025, 5, 1), severity="serious"), event("violation", date(2025, 6, 1), severity="general")]
        assert ask("serious_violations", events=events)[0] == 1.0
        assert ask("violations", events=events)[0] == 2.0

    def test_an_event_at_an_outlet_is_its_owners(self) -> None:
        outlets = [{"outlet_id": "S1", "enterprise_id": "E1", "valid_from": date(2020, 1, 1), "valid_to": date(2025, 7, 1)},
                   {"outlet_id": "S1", "enterprise_id": "E2", "valid_from": date(2025, 7, 1), "valid_to": None}]  # fmt: skip
        events = [event("violation", date(2025, 5, 1), "S1", "outlet"), event("violation", date(2025, 8, 1), "S1", "outlet")]
        assert ask("violations", events=events, outlets=outlets) == (1.0, date(2025, 5, 1))
        assert ask("violations", "E2", events=events, outlets=outlets) == (1.0, date(2025, 8, 1))


class TestLimits:
    def test_no_exceedance_is_only_known_where_something_was_judged(self) -> None:
        assert ask("exceedances")[0] is None
        judged = [{"enterprise_id": "E1", "month_start_date": date(2025, 3, 1), "periods_evaluated": 700}]
        assert ask("exceedances", judged=judged)[0] == 0.0
        assert ask("exceedances", judged=[judged[0] | {"periods_evaluated": 0}])[0] is None
        assert ask("exceedances", "E2", judged=judged)[0] is None

    def test_only_binding_limits_count(self) -> None:
        rows = [{"enterprise_id": "E1", "local_date": date(2025, 3, 1), "is_binding": binding} for binding in (True, False, True)]
        assert ask("exceedances", exceedances=rows) == (2.0, date(2025, 3, 1))

    def test_permit_totals(self) -> None:
        totals = [{"enterprise_id": "E1", "permit_year": 2025, "permitted_kg": 100.0, "used_kg": used} for used in (99.0, 101.0)]
        assert ask("permit_totals", permit_totals=totals)[0] == 2.0
        assert ask("permit_totals_exceeded", permit_totals=totals) == (1.0, date(2026, 1, 1))
        assert ask("permit_totals_exceeded", "E2", permit_totals=totals)[0] is None
        unknown = [totals[0], totals[0] | {"used_kg": None}]
        assert ask("permit_totals_exceeded", permit_totals=unknown)[0] is None


class TestGrades:
    def grade(self, kind: str, starts: date, ends: date, grade: str, provisional: bool = False) -> dict:
        return {
            "enterprise_id": "E1",
            "period_type": kind,
            "period_start": starts,
            "period_end": ends,
            "grade": grade,
            "provisional": provisional,
        }

    def test_the_period_that_ended_last(self) -> None:
        grades = [
            self.grade("calendar_year", date(2024, 1, 1), date(2025, 1, 1), "III"),
            self.grade("calendar_year", date(2025, 1, 1), date(2026, 1, 1), "II"),
            self.grade("rolling_12m", date(2025, 1, 1), date(2026, 1, 1), "I", provisional=True),
            self.grade("year_to_date", date(2026, 1, 1), date(2026, 1, 15), "none"),
        ]
        assert ask("grade", grades=grades) == ("II", date(2026, 1, 1))
        assert ask("grade_is_final", grades=grades)[0] == "yes"
        assert ask("grade", window=(date(2024, 1, 1), date(2025, 1, 1)), grades=grades)[0] == "III"
        assert ask("grade", window=(date(2023, 1, 1), date(2024, 1, 1)), grades=grades)[0] is None

    def test_no_grade_is_not_the_grade_none(self) -> None:
        grades = [self.grade("calendar_year", *YEAR, "not_gradeable")]
        assert ask("grade", grades=grades)[0] is None
        assert ask("grade", grades=[self.grade("calendar_year", *YEAR, "none")])[0] == "none"


class TestRecords:
    NOW = (date(2025, 1, 21), date(2026, 1, 21))

    def test_what_is_only_known_as_it_stands_says_nothing_about_the_past(self) -> None:
        risk = [{"enterprise_id": "E1", "medium": "all", "grade": "major"}, {"enterprise_id": "E1", "medium": "air", "grade": "general"}]
        assert ask("risk_grade", window=self.NOW, risk_grades=risk)[0] == "major"
        assert ask("risk_grade", risk_grades=risk)[0] is None

    def test_emergency_plans(self) -> None:
        rows = [{"enterprise_id": who, "plan_status": status, "expires_on": ends} for who, status, ends in (
            ("E1", "valid", date(2027, 1, 1)), ("E2", "expired", date(2025, 5, 1)), ("E3", "none", None))]  # fmt: skip
        assert ask("emergency_plan_valid", "E1", self.NOW, readiness=rows) == ("yes", None)
        assert ask("emergency_plan_valid", "E2", self.NOW, readiness=rows) == ("no", date(2025, 5, 1))
        assert ask("emergency_plan_valid", "E3", self.NOW, readiness=rows) == ("no", None)
        assert ask("emergency_plan_valid", "E3", self.NOW, readiness=rows[2:])[0] is None, "the park knows of no plan at all"

    def test_overdue_findings_and_measures(self) -> None:
        findings = [
            {"finding_id": "F1", "enterprise_id": "E1", "found_on": date(2025, 1, 5), "due_on": date(2025, 6, 1), "status": "open"},
            {"finding_id": "F2", "enterprise_id": "E1", "found_on": date(2025, 1, 5), "due_on": date(2025, 7, 1), "status": "closed", "closed_on": date(2025, 12, 1)},
            {"finding_id": "F3", "enterprise_id": "E1", "found_on": date(2025, 1, 5), "due_on": date(2027, 7, 1), "status": "open"},
        ]  # fmt: skip
        assert ask("overdue_findings", findings=findings) == (1.0, date(2025, 6, 1))
        assert ask("overdue_findings", window=(date(2025, 1, 1), date(2025, 10, 1)), findings=findings) == (2.0, date(2025, 7, 1))
        measures = [
            {"measure_id": "M1", "enterprise_id": "E1", "status": "approved", "due_on": date(2025, 6, 1)},
            {"measure_id": "M2", "enterprise_id": "E1", "status": "abandoned", "due_on": date(2025, 6, 1)},
            {
                "measure_id": "M3",
                "enterprise_id": "E1",
                "status": "implemented",
                "due_on": date(2025, 6, 1),
                "completed_on": date(2025, 8, 1),
            },
        ]
        assert ask("overdue_measures", measures=measures)[0] == 1.0
        assert ask("overdue_measures", "E2", measures=measures)[0] == 0.0

    def test_measures_whose_saving_nobody_computed(self) -> None:
        measures = [{"measure_id": name, "enterprise_id": "E1", "status": "implemented"} for name in ("M1", "M2")]
        effects = [{"measure_id": "M1", "saving_quantity": 5.0}, {"measure_id": "M2", "saving_quantity": None}]
        assert ask("undocumented_measures", measures=measures, effects=effects)[0] == 1.0
        assert ask("undocumented_measures", "E2", measures=measures)[0] is None

    def test_audits(self) -> None:
        steps = [
            {"round_id": "R1", "enterprise_id": "E1", "round_kind": "mandatory", "listed_on": date(2024, 1, 31), "milestone": "audit_done", "progress": "done", "done_on": date(2025, 3, 1)},
            {"round_id": "R2", "enterprise_id": "E2", "round_kind": "voluntary", "milestone": "audit_done", "progress": "overdue"},
        ]  # fmt: skip
        assert ask("audited", steps=steps) == ("yes", date(2025, 3, 1))
        assert ask("audited", "E2", steps=steps) == ("no", None)
        assert ask("audit_required", steps=steps)[0] == "yes"
        assert ask("audit_required", window=(date(2023, 1, 1), date(2024, 1, 1)), steps=steps)[0] == "no"
        assert ask("overdue_audit_steps", "E2", self.NOW, steps=steps)[0] == 1.0

    def test_a_decision_demands_an_audit_without_a_round(self) -> None:
        triggers = [{"enterprise_id": "E1", "category": "double_toxic", "status": "listed", "is_indicated": True, "listed_on": date(2025, 3, 1)},
                    {"enterprise_id": "E2", "category": "double_toxic", "status": "proposed", "is_indicated": True}]  # fmt: skip
        assert ask("audit_required", triggers=triggers) == ("yes", date(2025, 3, 1))
        assert ask("audit_required", "E2", triggers=triggers)[0] == "no"
        assert ask("audit_required", window=(date(2024, 1, 1), date(2025, 1, 1)), triggers=triggers)[0] == "no"

    def test_eliminated_equipment(self) -> None:
        def asset(number: int, verdict: str, who: str = "E1") -> dict:
            return {"enterprise_id": who, "asset_kind": "equipment", "asset_id": f"K{number}", "verdict": verdict}

        assets = [asset(1, "eliminated"), asset(1, "eliminated"), asset(2, "possibly_listed"), asset(3, "past_design_life")]
        assert ask("obsolete_assets", window=self.NOW, obsolete=assets)[0] == 1.0, "one piece on two lists is one piece"
        assert ask("obsolete_assets", window=self.NOW, obsolete=assets[2:])[0] is None, "its capacity decides, and is not known"
        assert ask("obsolete_assets", window=self.NOW, obsolete=assets[3:])[0] == 0.0
        assert ask("obsolete_assets", "E2", window=self.NOW, obsolete=assets)[0] is None, "an empty register clears nobody"

    @pytest.mark.parametrize(
        ("indicated", "not_checked", "expected"), [(True, ["quota"], "yes"), (False, [], "no"), (False, ["quota"], None)]
    )
    def test_energy_above_its_quota(self, indicated: bool, not_checked: list[str], expected: str | None) -> None:
        triggers = [
            {
                "enterprise_id": "E1",
                "category": "high_energy",
                "status": "not_indicated",
                "is_indicated": indicated,
                "not_checked": not_checked,
            }
        ]
        assert ask("above_energy_quota", window=self.NOW, triggers=triggers)[0] == expected

    def test_reports(self) -> None:
        def report(kind: str, state: str, due: datetime | None = None, item: str = "cod", value: float | None = None) -> dict:
            return {"subject_kind": "enterprise", "subject_id": "E1", "enterprise_id": "E1", "item_code": item, "medium": "none", "report_kind": kind,
                    "line_id": "-", "period_start": YEAR[0], "period_end": YEAR[1], "state": state, "value": value, "due_at_utc": due}  # fmt: skip

        assert ask("disclosed", reports=[report("disclosure", "self_reported")])[0] == "yes"
        assert ask("disclosed", "E2", reports=[report("disclosure", "self_reported")])[0] == "no"
        assert ask("disclosed", reports=[report("tax", "self_reported")])[0] is None
        late = [report("tax", "missing", datetime(2025, 4, 15, 8)), report("tax", "missing", datetime(2025, 4, 15, 8), item="nox")]
        assert ask("missing_reports", reports=late) == (1.0, date(2025, 4, 15)), "two lines of one report are one report"
        staff = [report("statistics", "self_reported", item="employees", value=260.0)]
        assert ask("employees", reports=staff) == (260.0, date(2026, 1, 1))

    def test_answers(self) -> None:
        def answer(on: date, role: str, word: str, value: float | None = None) -> dict:
            return {"subject_kind": "enterprise", "subject_id": "E1", "checklist_id": "EIP2", "item_id": "ems", "answered_on": on,
                    "surveyor_role": role, "answer": word, "value": value}  # fmt: skip

        answers = [
            answer(date(2025, 3, 1), "auditor", "yes"),
            answer(date(2025, 9, 1), "enterprise", "no"),
            answer(date(2026, 1, 5), "auditor", "no"),
        ]
        assert ask("answer:EIP2:ems", answers=answers) == ("yes", date(2025, 3, 1)), "an outside surveyor goes before the enterprise itself"
        assert ask("answer:EIP2:ems", answers=[answer(date(2025, 3, 1), "auditor", "number", 12.5)])[0] == "12.5"
        assert ask("answer:EIP2:other", answers=answers)[0] is None
