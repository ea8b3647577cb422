"""Equal-standard pollution load: the textbook example to its figures, what counts twice, what is left out and says so."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.assessment.method import Context
from pipelines.assessment.parameters import PARAMETER, rows_of_standards
from pipelines.assessment.pollution_load import (
    AMMONIA_NITROGEN,
    EMISSION,
    POLLUTION_LOAD,
    POLLUTION_LOAD_ITEM,
    POLLUTION_LOADS,
    RANKED_BY,
    STANDARD,
    TOTAL_NITROGEN,
    emissions_of,
    evaluation_standards,
    loads,
    ranking,
    with_nitrogen_variants,
)
from pipelines.contracts.standards import Standards

MAIN = 0.8
COD, COPPER = "w01018", "w20122"
# Masses of three enterprises, kg a year, and the standards of the published example, mg/L.
MASSES = {"E1": (12000, 600, 1500, 20), "E2": (30000, 1200, 3000, 0), "E3": (4000, 100, 300, 90)}
POLLUTANTS = (COD, AMMONIA_NITROGEN, TOTAL_NITROGEN, COPPER)
FIGURES = (80.0, 10.0, 15.0, 0.5)


def standards(figures: tuple[float, ...] = FIGURES, medium: str = "water", pollutants: tuple[str, ...] = POLLUTANTS) -> pl.DataFrame:
    rows = [
        {"load_standard_set": "S", "medium": medium, "pollutant_code": code, "standard_id": "GB-1", "standard_value": figure,
         "standard_unit": "mg/L", "verification_status": "recalled"}
        for code, figure in zip(pollutants, figures, strict=True)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=STANDARD)


def emission(enterprise: str, pollutant: str, mass: float | None, **given: object) -> dict:
    row = {"scope": "enterprise", "enterprise_id": enterprise, "outlet_id": f"{enterprise}-WW", "medium": "water", "pollutant_code": pollutant,
           "mass_kg": mass, "measured_kg": mass, "state": "measured" if mass is not None else "missing"}  # fmt: skip
    return row | given


def example() -> pl.DataFrame:
    rows = [emission(name, code, float(mass)) for name, masses in MASSES.items() for code, mass in zip(POLLUTANTS, masses, strict=True)]
    return pl.DataFrame(rows, schema=EMISSION)


def ranked(by: str, nitrogen: str = "both", emissions: pl.DataFrame | None = None, of: pl.DataFrame | None = None) -> pl.DataFrame:
    items = loads(example() if emissions is None else emissions, standards() if of is None else of)
    return ranking(with_nitrogen_variants(items), by, MAIN).filter(pl.col("nitrogen") == nitrogen)


class TestPublishedExample:
    def test_loads_of_each(self) -> None:
        found = loads(example(), standards()).pivot("pollutant_code", index="enterprise_id", values="load_m3").sort("enterprise_id")
        assert found.select("enterprise_id", *POLLUTANTS).rows() == [
            ("E1", 150_000.0, 60_000.0, 100_000.0, 40_000.0),
            ("E2", 375_000.0, 120_000.0, 200_000.0, 0.0),
            ("E3", 50_000.0, 10_000.0, 20_000.0, 180_000.0),
        ]

    def test_enterprises(self) -> None:
        found = ranked("enterprise")
        assert found["load_m3"].sum() == pytest.approx(1_305_000)
        assert found.select("subject_id", "load_m3", "rank", "is_main").rows() == [
            ("E2", 695_000.0, 1, True),
            ("E1", 350_000.0, 2, True),
            ("E3", 260_000.0, 3, False),
        ]
        assert (100 * found["share"]).round(2).to_list() == [53.26, 26.82, 19.92]
        assert (100 * found["cumulative_share"]).round(2).to_list() == [53.26, 80.08, 100.0]
        assert found["standard_ids"].to_list() == [["GB-1"]] * 3

    def test_pollutants(self) -> None:
        found = ranked("pollutant")
        assert found.select("subject_id", "load_m3").rows() == [
            (COD, 575_000.0),
            (TOTAL_NITROGEN, 320_000.0),
            (COPPER, 220_000.0),
            (AMMONIA_NITROGEN, 190_000.0),
        ]
        assert (100 * found["share"]).round(2).to_list() == [44.06, 24.52, 16.86, 14.56]
        assert (100 * found["cumulative_share"]).round(2).to_list() == [44.06, 68.58, 85.44, 100.0]
        assert found.filter("is_main")["subject_id"].to_list() == [COD, TOTAL_NITROGEN, COPPER], "ammonia nitrogen drops out"

    def test_without_counting_ammonia_twice(self) -> None:
        pollutants = ranked("pollutant", "total_alone")
        assert pollutants["subject_id"].to_list() == [COD, TOTAL_NITROGEN, COPPER]
        assert pollutants["load_m3"].sum() == pytest.approx(1_115_000)
        assert ranked("enterprise", "total_alone").select("subject_id", "load_m3").rows() == [
            ("E2", 575_000.0),
            ("E1", 290_000.0),
            ("E3", 250_000.0),
        ]


class TestWhatCounts:
    def test_air_has_its_own_volume_and_is_never_added_to_water(self) -> None:
        air = emission("E1", "a21026", 550.0, medium="air", outlet_id="E1-STACK")
        emissions = pl.concat([example(), pl.DataFrame([air], schema=EMISSION)])
        of = pl.concat([standards(), standards((550.0,), "air", ("a21026",))])
        found = loads(emissions, of)
        assert found.filter(pl.col("medium") == "air")["load_m3"].to_list() == [1_000_000.0], "1e6 mg/kg x 550 kg over 550 mg/m3"
        rows = ranking(with_nitrogen_variants(found), "enterprise", MAIN)
        totals = dict(rows.filter(pl.col("nitrogen") != "total_alone").group_by("medium").agg(pl.col("load_m3").sum()).iter_rows())
        assert totals == pytest.approx({"air": 1_000_000.0, "water": 1_305_000.0})

    def test_ammonia_stays_where_nobody_measured_total_nitrogen(self) -> None:
        emissions = pl.DataFrame(
            [emission("E1", AMMONIA_NITROGEN, 10.0), emission("E1", TOTAL_NITROGEN, None), emission("E2", AMMONIA_NITROGEN, 5.0)],
            schema=EMISSION,
        )
        assert ranked("enterprise", "total_alone", emissions)["load_m3"].to_list() == [1000.0, 500.0]

    def test_what_is_not_known_is_no_zero(self) -> None:
        emissions = pl.DataFrame(
            [emission("E1", COD, 80.0), emission("E1", COPPER, None), emission("E2", COD, None), emission("E3", COD, 0.0)], schema=EMISSION
        )
        found = {row["subject_id"]: row for row in ranked("enterprise", emissions=emissions).iter_rows(named=True)}
        assert (found["E1"]["load_m3"], found["E1"]["without_mass"], found["E1"]["state"]) == (1000.0, [COPPER], "missing")
        assert (found["E2"]["load_m3"], found["E2"]["share"], found["E2"]["rank"], found["E2"]["is_main"]) == (None, None, None, False)
        assert (found["E3"]["load_m3"], found["E3"]["share"], found["E3"]["is_main"]) == (0.0, 0.0, False)

    def test_a_pollutant_without_a_standard_is_named(self) -> None:
        emissions = pl.DataFrame([emission("E1", COD, 80.0), emission("E1", "w23002", 3.0)], schema=EMISSION)
        (row,) = ranked("enterprise", emissions=emissions).to_dicts()
        assert (row["load_m3"], row["without_standard"]) == (1000.0, ["w23002"])

    def test_share_that_was_measured_is_weighed_by_load(self) -> None:
        emissions = pl.DataFrame(
            [emission("E1", COD, 80.0), emission("E1", COPPER, 1.5, measured_kg=0.0, state="self_reported")], schema=EMISSION
        )
        (row,) = ranked("enterprise", emissions=emissions).to_dicts()
        assert (row["measured_share"], row["state"]) == (0.25, "self_reported")

    def test_a_park_without_loads_has_no_shares(self) -> None:
        found = ranked("enterprise", emissions=pl.DataFrame([emission("E1", COD, 0.0)], schema=EMISSION))
        assert found.select("load_m3", "share", "is_main").rows() == [(0.0, None, False)]


class TestStandards:
    ON = date(2025, 12, 31)

    @staticmethod
    def sets(*rows: tuple[str, str, int, str]) -> pl.DataFrame:
        columns = ["load_standard_set", "medium", "priority", "standard_id"]
        return pl.DataFrame(rows, schema=columns, orient="row").with_columns(
            verification_status=pl.lit("recalled"),
            origin=pl.lit("base"),
            valid_from=pl.lit(date(2000, 1, 1)),
            valid_to=pl.lit(None, pl.Date),
        )

    @staticmethod
    def limits(*rows: tuple[str, str, str, str, float, str]) -> pl.DataFrame:
        columns = ["standard_id", "medium", "parameter_code", "limit_kind", "limit_value", "unit"]
        return pl.DataFrame(rows, schema=columns, orient="row").with_columns(
            limit_id=pl.concat_str("standard_id", "parameter_code", "limit_kind"),
            verification_status=pl.lit("unverified"),
            origin=pl.lit("base"),
            valid_from=pl.lit(date(2000, 1, 1)),
            valid_to=pl.lit(None, pl.Date),
        )

    def test_the_second_fills_what_the_first_does_not_limit(self) -> None:
        limits = self.limits(
            ("A", "water", COD, "daily_concentration", 100.0, "mg/L"),
            ("B", "water", COD, "daily_concentration", 50.0, "mg/L"),
            ("B", "water", TOTAL_NITROGEN, "daily_concentration", 15.0, "mg/L"),
        )
        found = evaluation_standards(self.sets(("S", "water", 1, "A"), ("S", "water", 2, "B")), limits, self.ON)
        assert found.select("pollutant_code", "standard_id", "standard_value", "verification_status").rows() == [
            (COD, "A", 100.0, "unverified"),
            (TOTAL_NITROGEN, "B", 15.0, "unverified"),
        ]

    def test_the_daily_limit_and_only_what_is_a_concentration(self) -> None:
        limits = self.limits(
            ("A", "air", "a21026", "hourly_concentration", 100.0, "mg/m3"),
            ("A", "air", "a21026", "daily_concentration", 80.0, "mg/m3"),
            ("A", "air", "dioxins", "hourly_concentration", 0.5, "ngTEQ/m3"),
        )
        found = evaluation_standards(self.sets(("S", "air", 1, "A")), limits, self.ON)
        assert found.select("pollutant_code", "standard_value").rows() == [("a21026", 80.0)]

    def test_a_parks_own_figure_goes_first(self) -> None:
        limits = self.limits(("A", "water", COD, "daily_concentration", 100.0, "mg/L"))
        own = limits.with_columns(origin=pl.lit("park"), limit_value=pl.lit(60.0))
        found = evaluation_standards(self.sets(("S", "water", 1, "A")), pl.concat([own, limits]), self.ON)
        assert found["standard_value"].to_list() == [60.0]


MART = {
    "enterprise_id": pl.String, "outlet_id": pl.String, "outlet_kind": pl.String, "medium": pl.String, "pollutant_code": pl.String,
    "month_start_date": pl.Date, "mass_kg": pl.Float64, "measured_kg": pl.Float64, "state": pl.String,
    "counts_in_enterprise_total": pl.Boolean, "counts_in_park_total": pl.Boolean,
}  # fmt: skip


def mart_row(enterprise: str, month: int, mass: float | None, **given: object) -> dict:
    row = {"enterprise_id": enterprise, "outlet_id": f"{enterprise}-WW", "outlet_kind": "final", "medium": "water", "pollutant_code": COD,
           "month_start_date": date(2025, month, 1), "mass_kg": mass, "measured_kg": mass, "state": "measured" if mass is not None else "missing",
           "counts_in_enterprise_total": True, "counts_in_park_total": False}  # fmt: skip
    return row | given


class TestFromTheMarts:
    def test_scopes(self) -> None:
        """Indirect discharge weighs with who made it, or with the plant that lets it go, never with both."""
        mart = pl.DataFrame(
            [
                mart_row("E1", 1, 10.0),
                mart_row("E1", 1, 4.0, outlet_id="E1-SHOP", outlet_kind="workshop", counts_in_enterprise_total=False),
                mart_row("E9", 1, 3.0, outlet_kind="park_plant", counts_in_park_total=True),
            ],
            schema=MART,
        )
        found = emissions_of(mart, "month_start_date", date(2025, 1, 1), date(2026, 1, 1))
        assert found.select("scope", "enterprise_id", "mass_kg").rows() == [("enterprise", "E1", 10.0), ("park", "E9", 3.0)]

    def test_a_period_is_the_sum_of_what_is_known_and_says_what_is_not(self) -> None:
        mart = pl.DataFrame(
            [mart_row("E1", 1, 10.0), mart_row("E1", 2, None), mart_row("E1", 3, 5.0), mart_row("E2", 1, None)], schema=MART
        )
        found = emissions_of(mart, "month_start_date", date(2025, 1, 1), date(2025, 3, 1))
        assert found.select("enterprise_id", "mass_kg", "state").rows() == [("E1", 10.0, "missing"), ("E2", None, "missing")]

    def test_the_whole_method_on_the_shipped_standards(self, shipped_standards: Standards) -> None:
        mart = pl.DataFrame([mart_row("E1", 1, 100.0), mart_row("E1", 1, 2.0, pollutant_code="w99999")], schema=MART)
        outcome = POLLUTION_LOADS.run(frames(shipped_standards, mart), Context("P", date(2026, 1, 20), shipped_standards))
        rank, item = outcome.frames[POLLUTION_LOAD.name], outcome.frames[POLLUTION_LOAD_ITEM.name]
        assert set(rank["load_standard_set"]) == {"INTEGRATED", "TOWN_PLANT_1A"}
        cod = item.filter(pl.col("pollutant_code") == COD).select("load_standard_set", "standard_id", "standard_value", "load_m3")
        assert cod.unique().sort("load_standard_set").rows() == [
            ("INTEGRATED", "GB8978-1996-1", 100.0, 1000.0),
            ("TOWN_PLANT_1A", "GB18918-2002-1A", 50.0, 2000.0),
        ]
        assert item.filter(pl.col("pollutant_code") == "w99999")["state"].unique().to_list() == ["not_applicable"]
        assert any("no figure for w99999 (water)" in warning for warning in outcome.warnings)
        for result, frame in ((POLLUTION_LOAD, rank), (POLLUTION_LOAD_ITEM, item)):
            assert set(frame.columns) <= set(result.schema)
            assert not frame.select(result.latest.key[1:]).is_duplicated().any()

    def test_no_period_no_load(self, shipped_standards: Standards) -> None:
        given_frames = frames(shipped_standards, pl.DataFrame(schema=MART))
        given_frames["periods"] = given_frames["periods"].clear()
        outcome = POLLUTION_LOADS.run(given_frames, Context("P", date(2026, 1, 20), shipped_standards))
        assert all(frame.is_empty() for frame in outcome.frames.values())


def frames(shipped: Standards, mart: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """What the assembly would read, of the shipped standards and one mart."""
    dated = (pl.col("valid_from", "valid_to").str.to_date(),)
    base = pl.lit("base").alias("origin")
    sets = shipped.seed("load_standards").with_columns(*dated, base, pl.col("priority").cast(pl.Int64))
    limits = shipped.seed("limits").with_columns(*dated, base, pl.col("limit_value").cast(pl.Float64))
    assert rows_of_standards(shipped).schema == PARAMETER
    return {
        "periods": pl.DataFrame(
            {"period_type": ["rolling_12m"] * 2, "period_start": [date(2025, 1, 1)] * 2, "period_end": [date(2026, 1, 1)] * 2}
        ),
        "annual": mart.rename({"month_start_date": "year_start_date"}),
        "monthly": mart,
        "sets": sets.select(POLLUTION_LOADS.reads["sets"].columns),
        "limits": limits.select(POLLUTION_LOADS.reads["limits"].columns),
        "parameters": rows_of_standards(shipped),
    }


MASS = st.none() | st.floats(0, 1e9)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.tuples(st.sampled_from(["E1", "E2", "E3"]), st.sampled_from(["A", "B"]), st.sampled_from(POLLUTANTS)), MASS, min_size=1
    )
)
def test_whatever_is_discharged(drawn: dict[tuple[str, str, str], float | None]) -> None:
    rows = [emission(enterprise, code, mass, outlet_id=outlet) for (enterprise, outlet, code), mass in drawn.items()]
    items = with_nitrogen_variants(loads(pl.DataFrame(rows, schema=EMISSION), standards()))
    totals = {}
    for by in RANKED_BY:
        found = ranking(items, by, MAIN)
        for (nitrogen,), of in found.group_by("nitrogen"):
            total = of["load_m3"].sum()
            totals.setdefault(nitrogen, []).append(total)
            known = of.filter(pl.col("load_m3").is_not_null()).sort("rank")
            assert known["rank"].to_list() == list(range(1, known.height + 1))
            assert known["load_m3"].to_list() == sorted(known["load_m3"].to_list(), reverse=True)
            if total > 0:
                assert known["share"].sum() == pytest.approx(1)
                assert known["cumulative_share"].max() == pytest.approx(1)
                main = known.filter("is_main")
                assert main["share"].sum() >= MAIN - 1e-9
                assert main["share"].sum() - main["share"].min() < MAIN + 1e-9, "without the lightest of them they would not be enough"
    for nitrogen, by_subject in totals.items():
        assert by_subject == pytest.approx([by_subject[0]] * len(RANKED_BY)), f"{nitrogen}: every cut of the park adds up to the same"
    assert totals.get("total_alone", [0])[0] <= totals["both"][0] * (1 + 1e-12)
