"""Seeds of measures: described and published column by column, known to the code that reads them, and honest about where they come from."""

import re
from itertools import pairwise

import polars as pl
import pytest

from pipelines.assessment.measure_effect import Rules
from pipelines.assessment.regression import OPERATORS, BaselineModel, fit_baseline, judge, savings
from pipelines.contracts.standards import Standards
from tests.assessment.conftest import SEEDS
from tests.assessment.measures import TODAY, economic_parameters, mv_rules
from tests.assessment.test_regression import MWH, PRODUCTION
from tests.assessment.test_seeds import PROJECT, described

REFERENCE = {"mv_rule_sets": "mv_rule", "economic_parameters": "economic_parameter", "technologies": "technology"}


@pytest.mark.parametrize("seed", REFERENCE)
def test_every_column_of_a_seed_is_described_and_published(seed: str, shipped_standards: Standards) -> None:
    header = shipped_standards.base[seed].columns
    assert [column["name"] for column in described(SEEDS / "_measures__seeds.yml", "seeds")[seed]] == header
    published = described(PROJECT / "models" / "reference" / "measures" / "_measures__reference.yml", "models")[REFERENCE[seed]]
    assert [column["name"] for column in published] == ["park_id", *header, "origin"]
    staged = (PROJECT / "models" / "staging" / "standards" / f"stg_{seed}.sql").read_text(encoding="utf-8")
    assert re.findall(r"'(\w+)'", staged.split("]")[0].split("[")[1]) == header


@pytest.mark.parametrize("seed", REFERENCE)
def test_nothing_is_said_to_be_surer_than_it_is(seed: str, shipped_standards: Standards) -> None:
    rows = shipped_standards.seed(seed)
    assert "primary_source" not in set(rows["verification_status"])
    own = rows.filter(pl.col("source_ref").str.contains("(?i)proposal of this project"))
    assert set(own["verification_status"]) <= {"unverified"}


@pytest.fixture(scope="module")
def model() -> BaselineModel:
    return fit_baseline(MWH, {"production": PRODUCTION})


class TestRuleSets:
    def test_one_set_decides(self, shipped_standards: Standards) -> None:
        assert mv_rules(shipped_standards).filter("decides")["rule_set"].unique().to_list() == ["IPMVP-practice"]
        assert Rules.of(mv_rules(shipped_standards), TODAY).deciding == "IPMVP-practice"

    def test_every_statistic_and_operator_is_computed(self, shipped_standards: Standards, model: BaselineModel) -> None:
        """Simulation limits included: they may not judge, and must still be readable."""
        rules = mv_rules(shipped_standards).filter(pl.col("purpose") != "measurement")
        as_regression = rules.with_columns(purpose=pl.lit("regression"), resolution=pl.lit("any"))
        found = savings(model, MWH[:3], {"production": PRODUCTION[:3]}, 1.26)
        assert len(judge(model, found, 1.26, as_regression.to_dicts(), "month", 3, 3)) == rules["rule_set"].n_unique()
        assert set(rules["operator"]) <= set(OPERATORS)

    def test_the_prescriptive_path_has_a_limit_for_every_length(self, shipped_standards: Standards) -> None:
        steps = mv_rules(shipped_standards).filter((pl.col("rule_set") == "G14-prescriptive") & (pl.col("statistic") == "cv_rmse"))
        ordered = steps.sort("post_months_from").select("post_months_from", "post_months_to", "value").rows()
        assert ordered == [(0, 12, 0.20), (12, 61, 0.25), (61, None, 0.30)]


class TestEconomicParameters:
    def test_every_investment_has_one_acceptance_period(self, shipped_standards: Standards) -> None:
        bands = economic_parameters(shipped_standards).filter(pl.col("parameter_code") == "payback_limit").sort("investment_from_cny")
        edges = bands.select("investment_from_cny", "investment_to_cny").rows()
        assert (edges[0][0], edges[-1][1]) == (0, None)
        assert all(one[1] == following[0] for one, following in pairwise(edges))
        assert bands["value"].is_sorted()

    def test_one_tax_rate_a_day(self, shipped_standards: Standards) -> None:
        rates = economic_parameters(shipped_standards).filter(pl.col("parameter_code") == "income_tax_rate").sort("valid_from")
        assert rates["valid_to"].to_list()[:-1] == rates["valid_from"].to_list()[1:]
        assert rates["valid_to"].to_list()[-1] is None
