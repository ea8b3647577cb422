"""Outlook: both forecasters against hand-worked figures, the back-test that decides between them, and what has no forecast."""

from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.assessment import outlook
from pipelines.assessment.measure_series import months_after
from pipelines.assessment.method import Outcome
from pipelines.assessment.outlook import (
    FORECAST,
    HORIZON,
    LOOKING_AHEAD,
    OUTLOOK,
    OUTLOOK_SERIES,
    SEASONAL_NAIVE,
    SEASONAL_SES,
    back_test,
    seasonal_naive,
    seasonal_ses,
    unbroken_tail,
)
from pipelines.contracts.standards import Standards
from tests.assessment.measures import context, read, rows

BEGIN = date(2023, 1, 1)
PATTERN = np.array([120, 118, 110, 100, 95, 90, 88, 90, 97, 105, 112, 119], dtype=float)


def noisy(years: int, seed: int = 1, scatter: float = 4.0, level: float = 0.0) -> np.ndarray:
    """A yearly pattern and noise: what the model should beat last year's months on."""
    return np.tile(PATTERN + level, years) + np.random.default_rng(seed).normal(0, scatter, 12 * years)


# -- forecasters -----------------------------------------------------------------------------------------------------------------------


class TestSeasonalNaive:
    def test_is_last_year(self) -> None:
        path = seasonal_naive(np.concatenate([PATTERN, PATTERN + 5]), 14)
        assert path.values.tolist() == [*(PATTERN + 5), *(PATTERN + 5)[:2]]
        # every month was 5 off a year ago; two years ahead the error is that of two steps
        assert path.deviations[:12] == pytest.approx(5)
        assert path.deviations[12:] == pytest.approx(5 * np.sqrt(2))

    def test_bounds_are_normal(self) -> None:
        lower, upper = seasonal_naive(np.concatenate([PATTERN, PATTERN + 5]), 1).bounds(0.95)
        assert (upper - lower) / 2 == pytest.approx(5 * 1.959964, abs=1e-5)
        lower, upper = seasonal_naive(np.concatenate([PATTERN, PATTERN + 5]), 1).bounds(0.80)
        assert (upper - lower) / 2 == pytest.approx(5 * 1.281552, abs=1e-5)

    def test_one_year_has_no_error_to_judge_by(self) -> None:
        assert np.isnan(seasonal_naive(PATTERN, 3).deviations).all()


class TestSeasonalSes:
    def test_an_exact_pattern_goes_on(self) -> None:
        path = seasonal_ses(np.tile(PATTERN, 3), 12)
        assert path.values == pytest.approx(PATTERN, abs=1e-6)
        assert path.deviations == pytest.approx(0, abs=1e-6)

    def test_it_goes_on_from_any_month(self) -> None:
        whole = np.tile(PATTERN, 3)
        path = seasonal_ses(whole[:29], 7)
        assert path.values == pytest.approx(whole[29:36], abs=1e-6)

    def test_the_level_follows_a_step(self) -> None:
        """A furnace more since a year: the last months count, not the mean of all."""
        values = noisy(4, scatter=0.5)
        values[36:] += 50
        assert seasonal_ses(values, 12).values.mean() == pytest.approx(PATTERN.mean() + 50, abs=10)

    def test_uncertainty_grows_with_the_months_ahead(self) -> None:
        assert (np.diff(seasonal_ses(noisy(3), 12).deviations) >= 0).all()

    def test_the_same_again(self) -> None:
        assert seasonal_ses(noisy(3), 12).values.tolist() == seasonal_ses(noisy(3), 12).values.tolist()

    def test_four_of_five_months_fall_into_the_80_percent_interval(self) -> None:
        inside = []
        for seed in range(60):
            values = noisy(4, seed)
            lower, upper = seasonal_ses(values[:36], 12).bounds(0.80)
            inside.append(((values[36:] >= lower) & (values[36:] <= upper)).mean())
        assert 0.72 <= np.mean(inside) <= 0.90


# -- back-test -------------------------------------------------------------------------------------------------------------------------


class TestBackTest:
    def test_by_hand(self) -> None:
        """10 more every year: last year's month is 10 off from every origin, which is the mean step from year to year."""
        values = np.concatenate([np.full(12, level, dtype=float) for level in (100, 110, 120)])
        scores, origins = back_test(values)
        assert origins == 4
        assert scores[SEASONAL_NAIVE].mase == pytest.approx(1)
        assert scores[SEASONAL_NAIVE].smape == pytest.approx(200 * 10 / 230)

    def test_the_model_wins_on_noise_around_a_pattern(self) -> None:
        scores, _ = back_test(noisy(4))
        assert scores[SEASONAL_SES].mase < scores[SEASONAL_NAIVE].mase
        assert scores[SEASONAL_SES].smape < scores[SEASONAL_NAIVE].smape

    def test_last_year_wins_where_it_is_repeated(self) -> None:
        random = np.random.default_rng(3).uniform(50, 150, 12)
        scores, _ = back_test(np.concatenate([np.random.default_rng(4).uniform(50, 150, 12), *[random] * 3]))
        assert scores[SEASONAL_NAIVE].mase < scores[SEASONAL_SES].mase

    def test_without_a_step_there_is_no_scale(self) -> None:
        scores, _ = back_test(np.tile(PATTERN, 3))
        assert scores[SEASONAL_NAIVE].mase is None

    @pytest.mark.parametrize(("months", "origins"), [(24, 0), (29, 1), (30, 2), (35, 3), (36, 4), (60, 4)])
    def test_never_from_less_than_two_years(self, months: int, origins: int) -> None:
        scores, found = back_test(noisy(5)[:months])
        assert found == origins
        assert bool(scores) == (origins >= 2)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.001, 1e6))
def test_scores_do_not_depend_on_the_unit(seed: int, scale: float) -> None:
    one, other = back_test(noisy(3, seed))[0], back_test(noisy(3, seed) * scale)[0]
    assert other[SEASONAL_NAIVE].mase == pytest.approx(one[SEASONAL_NAIVE].mase)
    assert other[SEASONAL_NAIVE].smape == pytest.approx(one[SEASONAL_NAIVE].smape)
    assert other[SEASONAL_SES].mase == pytest.approx(one[SEASONAL_SES].mase, rel=0.02)


def test_only_the_last_run_without_a_gap_counts() -> None:
    months = [months_after(BEGIN, at) for at in (0, 1, 2, 4, 5, 6, 7)]
    first, values = unbroken_tail(months, [1, 2, 3, 4, 5, 6, 7])
    assert (first, values.tolist()) == (date(2023, 5, 1), [4, 5, 6, 7])


# -- the method ------------------------------------------------------------------------------------------------------------------------

_SCHEMAS = {
    "consumption": {"enterprise_id": pl.String, "process_id": pl.String, "item_code": pl.String, "month_start_date": pl.Date, "quantity": pl.Float64,
                    "unit": pl.String, "completeness_share": pl.Float64},
    "emission": {"enterprise_id": pl.String, "counts_in_enterprise_total": pl.Boolean, "pollutant_code": pl.String, "month_start_date": pl.Date,
                 "mass_kg": pl.Float64, "completeness_share": pl.Float64},
}  # fmt: skip


def used(enterprise: str, values: np.ndarray, item: str = "electricity", begin: date = BEGIN, **more: object) -> pl.DataFrame:
    made = [
        {"enterprise_id": enterprise, "process_id": None, "item_code": item, "month_start_date": months_after(begin, at), "quantity": float(value), "unit": "kWh",
         "completeness_share": 1.0} | more
        for at, value in enumerate(values)
    ]  # fmt: skip
    return pl.DataFrame(made, schema=_SCHEMAS["consumption"])


def emitted(enterprise: str, values: np.ndarray, counts: bool = True) -> pl.DataFrame:
    made = [
        {"enterprise_id": enterprise, "counts_in_enterprise_total": counts, "pollutant_code": "w01018", "month_start_date": months_after(BEGIN, at),
         "mass_kg": float(value), "completeness_share": 1.0}
        for at, value in enumerate(values)
    ]  # fmt: skip
    return pl.DataFrame(made, schema=_SCHEMAS["emission"])


def run(
    standards: Standards, consumption: pl.DataFrame | None = None, emission: pl.DataFrame | None = None, *relations: dict, held: Outcome | None = None,
    today: date = date(2026, 1, 20),
) -> Outcome:  # fmt: skip
    frames = read(
        LOOKING_AHEAD,
        consumption=pl.DataFrame(schema=_SCHEMAS["consumption"]) if consumption is None else consumption,
        park_consumption=pl.DataFrame(schema=_SCHEMAS["consumption"]),
        emission=pl.DataFrame(schema=_SCHEMAS["emission"]) if emission is None else emission,
        park_emission=pl.DataFrame(schema=_SCHEMAS["emission"]),
        relations=rows("entity_relation", *relations),
        held_series=OUTLOOK_SERIES.empty().with_columns(state=pl.lit("")) if held is None else held.frames["outlook_series"],
        held_outlook=OUTLOOK.empty().with_columns(state=pl.lit("")) if held is None else held.frames["outlook"],
    )
    return LOOKING_AHEAD.run(frames, context(standards, today))


def only(outcome: Outcome) -> dict:
    (row,) = outcome.frames["outlook_series"].to_dicts()
    return row


class TestForecast:
    def test_of_an_enterprise(self, shipped_standards: Standards) -> None:
        outcome = run(shipped_standards, used("E1", noisy(3)))
        row = only(outcome)
        assert (row["status"], row["method"], row["metric_code"], row["unit"]) == (FORECAST, SEASONAL_SES, "item:electricity", "kWh")
        assert row["mase_model"] < row["mase_naive"]
        assert (row["origins"], row["months_of_data"], row["load_share"]) == (4, 36, 1.0)
        frame = outcome.frames["outlook"].sort("month_start_date")
        assert frame.height == HORIZON
        assert (frame["month_start_date"].min(), frame["month_start_date"].max()) == (date(2026, 1, 1), date(2026, 12, 1))
        assert frame["value"].to_list() == pytest.approx(PATTERN, abs=6)
        ordered = ("lower_95", "lower_80", "value", "upper_80", "upper_95")
        for less, more in pairwise(ordered):
            assert (frame[less] <= frame[more]).all()

    def test_last_year_speaks_where_the_model_did_not_beat_it(self, shipped_standards: Standards) -> None:
        random = np.random.default_rng(3).uniform(50, 150, 12)
        row = only(
            run(
                shipped_standards,
                used("E1", np.concatenate([np.random.default_rng(4).uniform(50, 150, 12), random, random, random]), begin=date(2022, 1, 1)),
            )
        )
        assert (row["method"], row["reason"]) == (SEASONAL_NAIVE, "the model did not beat last year's months on the series' own past")
        assert row["mase_naive"] < row["mase_model"]

    def test_the_running_month_is_no_month(self, shipped_standards: Standards) -> None:
        assert only(run(shipped_standards, used("E1", noisy(3)), today=date(2025, 12, 31)))["last_month"] == date(2025, 11, 1)

    def test_outlets_add_up_and_workshops_do_not(self, shipped_standards: Standards) -> None:
        emission = pl.concat([emitted("E1", noisy(3)), emitted("E1", noisy(3)), emitted("E1", noisy(3), counts=False)])
        outcome = run(shipped_standards, None, emission)
        row = only(outcome)
        assert (row["metric_code"], row["unit"]) == ("mass:w01018", "kg")
        assert outcome.frames["outlook"]["value"].mean() == pytest.approx(2 * PATTERN.mean(), abs=6)

    def test_what_was_never_negative_does_not_become_so(self, shipped_standards: Standards) -> None:
        frame = run(shipped_standards, used("E1", np.abs(np.random.default_rng(2).normal(0, 10, 36)))).frames["outlook"]
        assert frame["lower_95"].min() == 0


class TestNoForecast:
    def test_too_short(self, shipped_standards: Standards) -> None:
        outcome = run(shipped_standards, used("E1", PATTERN[:7], begin=date(2025, 6, 1)))
        row = only(outcome)
        assert (row["status"], row["reason"], row["state"]) == ("too_short", "7 of 12 months without a gap are known", "missing")
        assert outcome.frames["outlook"].is_empty()

    def test_too_short_for_a_model(self, shipped_standards: Standards) -> None:
        outcome = run(shipped_standards, used("E1", noisy(2)[:20], begin=date(2024, 5, 1)))
        row = only(outcome)
        assert (row["status"], row["method"], row["origins"]) == (FORECAST, SEASONAL_NAIVE, 0)
        assert row["reason"] == "20 months are too few to test a model on; 30 are needed"
        assert (row["mase_naive"], row["mase_model"]) == (None, None)

    def test_one_year_gives_values_without_intervals(self, shipped_standards: Standards) -> None:
        frame = run(shipped_standards, used("E1", PATTERN, begin=date(2025, 1, 1))).frames["outlook"]
        assert frame["value"].to_list() == PATTERN.tolist()
        assert frame["lower_80"].null_count() == 12

    def test_a_gap_cuts_the_series(self, shipped_standards: Standards) -> None:
        values = used("E1", noisy(3)).with_columns(
            completeness_share=pl.when(pl.col("month_start_date") == date(2025, 3, 1)).then(0.6).otherwise("completeness_share")
        )
        row = only(run(shipped_standards, values))
        assert (row["status"], row["first_month"], row["months_of_data"]) == ("too_short", date(2025, 4, 1), 9)

    def test_a_series_that_ended(self, shipped_standards: Standards) -> None:
        both = pl.concat([used("E1", noisy(3)), used("E2", noisy(2) * 9)])
        found = {row["subject_id"]: row for row in run(shipped_standards, both).frames["outlook_series"].to_dicts()}
        assert found["E2"]["status"] == "ended"
        assert found["E2"]["reason"] == "its last known month is 2024-12, the park's is 2025-12"

    def test_a_year_of_nothing(self, shipped_standards: Standards) -> None:
        assert only(run(shipped_standards, used("E1", np.zeros(36))))["status"] == "nothing"

    def test_what_cannot_be_forecast_takes_nobody_s_place(self, shipped_standards: Standards, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(outlook, "_MOST_SERIES", 1)
        both = pl.concat([used("E1", noisy(3)), used("E1", 9 * PATTERN[:5], item="steam", begin=date(2025, 8, 1))])
        assert set(run(shipped_standards, both).frames["outlook_series"]["status"]) == {FORECAST, "too_short"}

    def test_no_data_at_all(self, shipped_standards: Standards) -> None:
        outcome = run(shipped_standards)
        assert all(frame.is_empty() for frame in outcome.frames.values())
        assert outcome.message.startswith("0 of 0 series forecast")


class TestChoice:
    def test_the_leading_share_is_forecast(self, shipped_standards: Standards) -> None:
        sizes = {"E1": 50, "E2": 25, "E3": 15, "E4": 10}
        consumption = pl.concat([used(name, noisy(3) * size) for name, size in sizes.items()])
        found = {row["subject_id"]: row for row in run(shipped_standards, consumption).frames["outlook_series"].to_dicts()}
        assert [found[name]["status"] for name in sizes] == [FORECAST, FORECAST, FORECAST, "not_chosen"]
        assert found["E4"]["reason"] == "outside the leading share of its item"
        assert found["E4"]["load_share"] == pytest.approx(0.10)

    def test_a_night_has_a_bound(self, shipped_standards: Standards, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(outlook, "_MOST_SERIES", 2)
        consumption = pl.concat([used("E1", noisy(3), item=f"item_{at}") for at in range(4)])
        series = run(shipped_standards, consumption).frames["outlook_series"]
        assert (series["status"] == FORECAST).sum() == 2
        assert set(series.filter(pl.col("status") == "not_chosen")["reason"]) == {"beyond the 2 series that a night forecasts"}


class TestLineage:
    MERGER = date(2025, 7, 1)

    def test_what_merged_in_belongs_to_it_from_the_beginning(self, shipped_standards: Standards) -> None:
        old = used("E0", noisy(3)[:30])
        new = pl.concat([used("E1", noisy(3)[:30]), used("E1", 2 * noisy(3)[30:], begin=self.MERGER)])
        relation = {"entity_kind": "enterprise", "from_id": "E0", "to_id": "E1", "relation": "merged_into", "effective_date": self.MERGER}
        row = only(outcome := run(shipped_standards, pl.concat([old, new]), None, relation))
        assert (row["subject_id"], row["months_of_data"], row["status"]) == ("E1", 36, FORECAST)
        assert outcome.frames["outlook"]["value"].mean() == pytest.approx(2 * PATTERN.mean(), abs=6)

    def test_after_a_split_both_begin_anew(self, shipped_standards: Standards) -> None:
        relation = {"entity_kind": "enterprise", "from_id": "E1", "to_id": "E2", "relation": "split_from", "effective_date": self.MERGER}
        row = only(run(shipped_standards, used("E1", noisy(3)), None, relation))
        assert (row["status"], row["first_month"], row["months_of_data"]) == ("too_short", self.MERGER, 6)


class TestKept:
    def test_what_rests_on_the_same_months_is_not_made_again(self, shipped_standards: Standards, monkeypatch: pytest.MonkeyPatch) -> None:
        consumption = pl.concat([used("E1", noisy(3)), used("E1", PATTERN[:5], item="natural_gas", begin=date(2025, 8, 1))])
        first = run(shipped_standards, consumption)
        assert "1 of them computed anew" in first.message

        def refuse(*_: object) -> None:
            raise AssertionError("nothing has changed, and something is fitted")

        monkeypatch.setattr(outlook, "back_test", refuse)
        second = run(shipped_standards, consumption, held=first)
        assert "0 of them computed anew" in second.message
        for name in ("outlook", "outlook_series"):
            assert second.frames[name].sort(pl.all()).equals(first.frames[name].sort(pl.all()))

    def test_the_order_of_a_sum_is_no_change(self, shipped_standards: Standards) -> None:
        first = run(shipped_standards, used("E1", noisy(3)))
        assert "0 of them computed anew" in run(shipped_standards, used("E1", noisy(3) * (1 + 1e-13)), held=first).message

    def test_a_changed_month_is(self, shipped_standards: Standards) -> None:
        first = run(shipped_standards, used("E1", noisy(3)))
        changed = noisy(3)
        changed[5] += 1
        second = run(shipped_standards, used("E1", changed), held=first)
        assert "1 of them computed anew" in second.message
        assert not second.frames["outlook"]["value"].equals(first.frames["outlook"]["value"])


def test_the_figure_draws(shipped_standards: Standards) -> None:
    from matplotlib.figure import Figure

    frames = run(shipped_standards, used("E1", noisy(3))).frames
    of_park = frames | {"outlook": frames["outlook"].with_columns(subject_kind=pl.lit("park"))}
    axes = Figure().subplots()
    LOOKING_AHEAD.plot(axes, of_park)
    assert axes.get_ylabel() == "item:electricity, kWh"
