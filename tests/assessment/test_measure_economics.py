"""Economics of options: the textbook's figures, the edges at which there is no answer, and what is chosen by them."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.assessment.measure_economics import (
    ECONOMICS,
    annuity_factor,
    internal_rate_of_return,
    interpolated_rate_of_return,
    net_cash_flow,
    net_present_value,
    why_no_irr,
)
from pipelines.assessment.method import Outcome
from pipelines.contracts.standards import Standards
from tests.assessment.measures import context, economic_parameters, read, rows

MEASURE = {
    "measure_id": "M1", "enterprise_id": "E1", "name": "m", "measure_class": "source_reduction", "cost_class": "medium_high", "status": "proposed",
    "proposed_on": date(2024, 5, 1), "investment_cny": 1_200_000.0, "annual_saving_cny": 380_000.0, "lifetime_years": 10.0, "price_basis": "tax_excluded",
}  # fmt: skip


def appraised(standards: Standards, *measures: dict, parameters: pl.DataFrame | None = None) -> Outcome:
    frame = rows("measure", *(MEASURE | measure for measure in measures))
    return ECONOMICS.run(
        read(ECONOMICS, measures=frame, parameters=economic_parameters(standards) if parameters is None else parameters), context(standards)
    )


def one(standards: Standards, **measure: object) -> dict:
    return appraised(standards, measure).frames["measure_economics"].row(0, named=True)


class TestPublishedFigures:
    """Worked examples of the cleaner-production textbook, money in 10^4 CNY."""

    def test_first(self) -> None:
        assert pytest.approx(4.6154, abs=5e-5) == 150 / 32.5
        npv = net_present_value(32.5, 0.05, 10, 150)
        assert npv == pytest.approx(100.956, abs=5e-4)
        assert npv / 150 == pytest.approx(0.6730, abs=5e-5)
        assert internal_rate_of_return(32.5, 10, 150) == pytest.approx(0.17257, abs=5e-6)

    def test_second(self) -> None:
        flow = net_cash_flow(1.58, 1.0, 0.25)
        assert flow == pytest.approx(1.435)
        assert 10 / flow == pytest.approx(6.969, abs=5e-4)
        assert net_present_value(flow, 0.06, 10, 10) == pytest.approx(0.5617, abs=5e-5)
        assert internal_rate_of_return(flow, 10, 10) == pytest.approx(0.07170, abs=5e-6)

    def test_third(self) -> None:
        flow = net_cash_flow(38, 12, 0.25)
        assert flow == pytest.approx(31.5)
        assert annuity_factor(0.06, 10) == pytest.approx(7.360087, abs=5e-7)
        assert net_present_value(flow, 0.06, 10, 120) == pytest.approx(111.8427, abs=5e-5)
        assert net_present_value(flow, 0.22, 10, 120) == pytest.approx(3.5803, abs=5e-5)
        assert net_present_value(flow, 0.23, 10, 120) == pytest.approx(-0.3230, abs=5e-5)
        assert internal_rate_of_return(flow, 10, 120) == pytest.approx(0.229152, abs=5e-7)
        assert interpolated_rate_of_return(flow, 10, 120, 0.01) == pytest.approx(0.229173, abs=5e-7)

    def test_third_through_the_method(self, shipped_standards: Standards) -> None:
        row = one(shipped_standards)
        assert row["depreciation_cny"] == 120_000
        assert row["net_cash_flow_cny"] == 315_000
        assert row["payback_years"] == pytest.approx(3.8095, abs=5e-5)
        assert row["npv_cny"] == pytest.approx(1_118_427, abs=0.5)
        assert row["npvr"] == pytest.approx(0.9320, abs=5e-5)
        assert row["irr"] == pytest.approx(0.229152, abs=5e-7)
        assert row["irr_interpolated"] == pytest.approx(0.229173, abs=5e-7)
        assert (row["investment_band"], row["payback_limit_years"], row["accepted"]) == ("higher", 5, True)
        assert (row["price_basis"], row["state"]) == ("tax_excluded", "self_reported")


FLOWS = st.floats(0.01, 1e6)
YEARS = st.floats(0.5, 60)
INVESTMENTS = st.floats(0.01, 1e7)


@given(FLOWS, YEARS, INVESTMENTS)
def test_npv_is_zero_at_the_internal_rate(flow: float, years: float, investment: float) -> None:
    rate = internal_rate_of_return(flow, years, investment)
    if rate is None:
        assert flow * years < investment
    else:
        assert net_present_value(flow, rate, years, investment) == pytest.approx(0, abs=1e-6 * max(investment, flow * years))


@given(FLOWS, YEARS, INVESTMENTS, st.floats(0, 1), st.floats(1e-3, 1))
def test_npv_falls_with_the_rate(flow: float, years: float, investment: float, rate: float, more: float) -> None:
    assert net_present_value(flow, rate + more, years, investment) < net_present_value(flow, rate, years, investment)


@given(FLOWS, st.floats(1, 30), INVESTMENTS)
def test_the_interpolated_rate_lies_between_its_trial_rates(flow: float, years: float, investment: float) -> None:
    exact = internal_rate_of_return(flow, years, investment)
    near = interpolated_rate_of_return(flow, years, investment, 0.01)
    assert (exact is None) == (near is None)
    if exact is not None:
        # NPV is convex in the rate, so that a chord never lies to the left of the root
        assert exact - 1e-9 * (1 + exact) <= near <= exact + 0.01 + 1e-9 * exact


class TestNoRate:
    @pytest.mark.parametrize(
        ("flow", "years", "investment", "words"),
        [
            (0.0, 10, 100, "the annual cash flow is 0.00 CNY, not positive"),
            (-5.0, 10, 100, "the annual cash flow is -5.00 CNY, not positive"),
            (9.99, 10, 100, "cash flows of 99.90 CNY in 10 years do not pay back the investment of 100.00 CNY"),
            (5.0, 10, 0, "nothing is invested"),
        ],
    )
    def test_says_why(self, flow: float, years: float, investment: float, words: str) -> None:
        assert internal_rate_of_return(flow, years, investment) is None
        assert interpolated_rate_of_return(flow, years, investment, 0.01) is None
        assert why_no_irr(flow, years, investment) == words

    def test_flows_that_just_pay_back_have_a_rate_of_nought(self) -> None:
        assert internal_rate_of_return(10.0, 10, 100) == 0.0

    def test_a_loss_has_no_payback_and_is_not_accepted(self, shipped_standards: Standards) -> None:
        row = one(shipped_standards, annual_saving_cny=-500_000.0)
        assert row["payback_years"] is None
        assert row["irr"] is None
        assert "not positive" in row["irr_undefined_because"]
        assert row["npv_cny"] < -1_200_000
        assert (row["payback_accepted"], row["npv_accepted"], row["irr_accepted"], row["accepted"]) == (False, False, False, False)

    def test_what_costs_nothing_pays_back_at_once(self, shipped_standards: Standards) -> None:
        row = one(shipped_standards, investment_cny=0.0, annual_saving_cny=8_000.0, cost_class="no_low")
        assert (row["payback_years"], row["npvr"], row["irr"]) == (0, None, None)
        assert row["irr_undefined_because"] == "nothing is invested"
        assert row["accepted"]


class TestMissing:
    @pytest.mark.parametrize(
        ("column", "word"),
        [("investment_cny", "investment"), ("annual_saving_cny", "annual saving"), ("lifetime_years", "depreciation period")],
    )
    def test_is_named_and_nothing_is_nought(self, shipped_standards: Standards, column: str, word: str) -> None:
        row = one(shipped_standards, **{column: None})
        assert row["missing"] == [word]
        assert row["state"] == "missing"
        computed = ("net_cash_flow_cny", "payback_years", "npv_cny", "npvr", "irr", "irr_interpolated", "accepted", "irr_undefined_because")
        assert {row[name] for name in computed} == {None}

    def test_a_lifetime_of_nought_is_no_lifetime(self, shipped_standards: Standards) -> None:
        assert one(shipped_standards, lifetime_years=0.0)["missing"] == ["depreciation period above 0 (it is 0)"]

    def test_a_day_without_a_tax_rate_is_named(self, shipped_standards: Standards) -> None:
        row = one(shipped_standards, proposed_on=date(1990, 1, 1))
        assert "income_tax_rate on 1990-01-01" in row["missing"]

    def test_the_price_basis_that_nobody_stated_is_a_warning(self, shipped_standards: Standards) -> None:
        assert one(shipped_standards, price_basis=None)["warnings"] == ["nothing says whether the money contains value-added tax"]


class TestParameters:
    def test_the_day_it_was_proposed_decides_on_the_tax(self, shipped_standards: Standards) -> None:
        assert one(shipped_standards, proposed_on=date(2007, 12, 31))["tax_rate"] == 0.33
        assert one(shipped_standards, proposed_on=date(2008, 1, 1))["tax_rate"] == 0.25

    @pytest.mark.parametrize(
        ("investment", "limit", "low"), [(999_999.0, 3, 2), (1_000_000.0, 5, None), (9_999_999.0, 5, None), (10_000_000.0, 10, None)]
    )
    def test_the_acceptance_period_follows_the_investment(
        self, shipped_standards: Standards, investment: float, limit: float, low: float | None
    ) -> None:
        row = one(shipped_standards, investment_cny=investment)
        assert (row["payback_limit_years"], row["payback_limit_low_years"]) == (limit, low)

    def test_a_row_of_the_enterprise_goes_before_the_general_one(self, shipped_standards: Standards) -> None:
        shipped = economic_parameters(shipped_standards)
        general = shipped.filter((pl.col("parameter_code") == "income_tax_rate") & pl.col("valid_to").is_null())
        own = general.with_columns(
            enterprise_id=pl.lit("E1"), value=pl.lit(0.15), origin=pl.lit("park"), valid_from=pl.lit(date(2023, 1, 1))
        )
        both = pl.concat([shipped, own])
        done = appraised(shipped_standards, {}, {"measure_id": "M2", "enterprise_id": "E2"}, parameters=both).frames["measure_economics"]
        assert done["tax_rate"].to_list() == [0.15, 0.25]
        before = appraised(shipped_standards, {"proposed_on": date(2022, 12, 31)}, parameters=both).frames["measure_economics"]
        assert before["tax_rate"].to_list() == [0.25]

    def test_payback_at_the_limit_is_not_below_it(self, shipped_standards: Standards) -> None:
        # F = 0.75 P + 0.25 I / n: five years exactly for I = 1 000 000, n = 10, P = 700 000 / 3
        assert one(shipped_standards, investment_cny=1e6, annual_saving_cny=700_000 / 3 - 1e-6)["payback_accepted"] is False
        assert one(shipped_standards, investment_cny=1e6, annual_saving_cny=700_000 / 3 + 1)["payback_accepted"] is True


class TestCompetition:
    def test_the_greatest_ratio_wins_and_not_the_greatest_value(self, shipped_standards: Standards) -> None:
        small = {"measure_id": "A", "competes_with": "G", "investment_cny": 500_000.0, "annual_saving_cny": 250_000.0}
        large = {"measure_id": "B", "competes_with": "G", "investment_cny": 5_000_000.0, "annual_saving_cny": 1_500_000.0}
        gone = {"measure_id": "C", "competes_with": "G", "investment_cny": 1.0, "annual_saving_cny": 1e6, "status": "screened_out"}
        elsewhere = {"measure_id": "D", "competes_with": "G", "enterprise_id": "E2"}
        done = appraised(shipped_standards, small, large, gone, elsewhere).frames["measure_economics"]
        npv = dict(done.select("measure_id", "npv_cny").iter_rows())
        assert npv["B"] > npv["A"]
        assert dict(done.select("measure_id", "chosen_of_group").iter_rows()) == {"A": True, "B": False, "C": None, "D": True}

    def test_none_is_chosen_of_losses(self, shipped_standards: Standards) -> None:
        done = appraised(
            shipped_standards,
            {"measure_id": "A", "competes_with": "G", "annual_saving_cny": 1.0},
            {"measure_id": "B", "competes_with": "G", "annual_saving_cny": 2.0},
        )
        assert done.frames["measure_economics"]["chosen_of_group"].to_list() == [False, False]

    def test_prices_on_different_bases_are_not_compared(self, shipped_standards: Standards) -> None:
        done = appraised(
            shipped_standards,
            {"measure_id": "A", "competes_with": "G"},
            {"measure_id": "B", "competes_with": "G", "price_basis": "tax_included"},
        ).frames["measure_economics"]
        assert done["chosen_of_group"].to_list() == [None, None]
        assert done["warnings"].to_list() == [["not compared with its competitors: their prices are on different bases"]] * 2


def test_planned_and_realised_investment(shipped_standards: Standards) -> None:
    measures = (
        {"measure_id": "A", "status": "implemented", "investment_cny": 100.0, "spent_cny": 120.0},
        {"measure_id": "B", "status": "in_progress", "investment_cny": 300.0, "spent_cny": None},
        {"measure_id": "C", "status": "approved", "investment_cny": None, "spent_cny": 10.0, "enterprise_id": "E2"},
        {"measure_id": "D", "status": "proposed", "investment_cny": 900.0},
    )
    done = appraised(shipped_standards, *measures).frames["measure_investment"]
    by_subject = {row["subject_id"]: row for row in done.iter_rows(named=True)}
    park = by_subject["P"]
    assert (park["measures"], park["implemented"], park["planned_cny"], park["spent_cny"]) == (3, 1, 400.0, 130.0)
    assert (park["measures_without_plan"], park["measures_without_spending"], park["spent_share"]) == (1, 1, 1.2)
    # nobody said both for E2: there is a sum and no ratio
    assert (by_subject["E2"]["planned_cny"], by_subject["E2"]["spent_cny"], by_subject["E2"]["spent_share"]) == (None, 10.0, None)


def test_no_options_give_empty_tables(shipped_standards: Standards) -> None:
    done = appraised(shipped_standards)
    assert all(frame.is_empty() for frame in done.frames.values())
    assert done.message == "0 options, 0 with complete figures, 0 accepted"
