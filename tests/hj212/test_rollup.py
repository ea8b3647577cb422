"""Flags and values of longer periods: the two rules at their edges, and the device's own beside ours."""

from datetime import datetime, timedelta

import polars as pl
import pytest

from pipelines.hj212 import DeviceProfile, Devices, roll_up

HOUR = datetime(2024, 1, 15, 10)


def readings(
    st: str, factor: str, flags: str, *, cn: str = "2051", values: dict[str, list[float]] | None = None, minutes: int = 1
) -> pl.DataFrame:
    """One period a letter of `flags` (. is no flag), all with Avg 1 unless given."""
    step = {"2051": timedelta(minutes=minutes), "2061": timedelta(hours=1), "2031": timedelta(days=1)}[cn]
    rows = []
    for index, letter in enumerate(flags):
        for statistic, numbers in (values or {"avg": [1.0] * len(flags)}).items():
            rows.append(
                {
                    "mn": "M1", "st": st, "cn": cn, "factor": factor, "statistic": statistic, "value_number": numbers[index],
                    "flag": None if letter == "." else letter, "period_start": HOUR + index * step, "is_current": True, "frame_no": index,
                }
            )  # fmt: skip
    return pl.DataFrame(rows, schema_overrides={"flag": pl.String})


def devices(minutes: int = 1) -> Devices:
    return Devices([DeviceProfile(mn="M1", minute_interval=minutes)])


@pytest.mark.parametrize(
    ("flags", "rolled"),
    [
        ("N" * 60, "N"),
        ("N" * 45 + "D" * 15, "N"),  # 75 % includes 75 %
        ("N" * 44 + "D" * 16, "D"),
        ("N" * 45, "N"),  # the missing ones are not normal: 45 of 60
        ("N" * 44, "D"),
        ("N" * 40 + "C" * 20, "D"),  # whatever the letters were
        ("F" * 60, "F"),
        ("F" * 40 + "N" * 15 + "D" * 5, "N"),  # 15 of the 20 minutes in which the source ran
        ("F" * 40 + "N" * 14 + "D" * 6, "D"),
        ("." * 60, "N"),
    ],
)
def test_flue_gas_by_share(flags: str, rolled: str) -> None:
    result = roll_up(readings("31", "a21026", flags), "hour", devices=devices())
    assert result["flag_rolled"].to_list() == [rolled]
    assert result["rule"].to_list() == ["flue_gas"]
    assert result["expected_periods"].to_list() == [60]


@pytest.mark.parametrize(
    ("flags", "rolled"),
    [
        ("N" * 60, "N"),
        ("N" * 59 + "C", "C"),
        ("N" * 50 + "M" * 6 + "D" * 4, "M"),  # the most frequent
        ("N" * 50 + "M" * 5 + "D" * 5, "D"),  # ties by severity
        ("N" * 56 + "FSTB", "B"),
        ("N" * 30, "N"),  # a missing value is no abnormal one
        ("N" * 58 + "XM", "M"),  # an unknown letter ranks last
    ],
)
def test_wastewater_by_any(flags: str, rolled: str) -> None:
    result = roll_up(readings("32", "w01018", flags), "hour", devices=devices())
    assert result["flag_rolled"].to_list() == [rolled]
    assert result["rule"].to_list() == ["wastewater"]


@pytest.mark.parametrize(
    ("minutes", "flags", "rolled"), [(20, "NNN", "N"), (20, "NND", "D"), (30, "ND", "D"), (10, "NNNNND", "N"), (15, "NNND", "N")]
)
def test_the_interval_says_how_many_periods_an_hour_has(minutes: int, flags: str, rolled: str) -> None:
    result = roll_up(readings("31", "a21026", flags, minutes=minutes), "hour", devices=devices(minutes))
    assert result.select("flag_rolled", "expected_periods").row(0) == (rolled, 60 // minutes)


def test_days_are_made_of_hours() -> None:
    flags = "N" * 14  # 10:00 to 23:00
    result = roll_up(readings("31", "a21026", flags, cn="2061"), "day")
    assert result.select("expected_periods", "periods", "flag_rolled", "period_start").rows() == [(24, 14, "D", datetime(2024, 1, 15))]


def test_wastewater_means_are_weighted_by_flow() -> None:
    """The reference's example: 40 mg/L in 60 m3 and 80 mg/L in 20 m3 are 50 mg/L, not 60."""
    water = readings(
        "32",
        "w01018",
        "NN",
        cn="2051",
        values={"avg": [40.0, 80.0], "cou": [2.4, 1.6], "min": [39.0, 70.0], "max": [41.0, 90.0]},
        minutes=30,
    )
    flow = readings("32", "w00000", "NN", values={"avg": [1.0, 3.0], "cou": [60.0, 20.0]}, minutes=30)
    result = roll_up(pl.concat([water, flow]), "hour", devices=devices(30))
    cod = result.filter(factor="w01018").row(0, named=True)
    assert (cod["avg_rolled"], cod["avg_basis"]) == (50.0, "flow_weighted")
    assert (cod["min_rolled"], cod["max_rolled"], cod["cou_rolled"]) == (39.0, 90.0, 4.0)
    volume = result.filter(factor="w00000").row(0, named=True)
    assert (volume["avg_rolled"], volume["avg_basis"], volume["cou_rolled"]) == (2.0, "arithmetic", 80.0)
    alone = roll_up(water, "hour", devices=devices(30)).row(0, named=True)
    assert (alone["avg_rolled"], alone["avg_basis"]) == (60.0, "arithmetic")


def test_abnormal_periods_do_not_enter_means_but_totals() -> None:
    gas = readings("31", "a21026", "NNND", values={"avg": [10.0, 20.0, 30.0, 999.0], "cou": [1.0, 1.0, 1.0, 1.0]}, minutes=15)
    row = roll_up(gas, "hour", devices=devices(15)).row(0, named=True)
    assert (row["avg_rolled"], row["cou_rolled"], row["normal_periods"]) == (20.0, 4.0, 3)


def test_the_devices_own_stands_beside_it() -> None:
    minutes = readings("31", "a21026", "NNND", values={"avg": [10.0, 20.0, 30.0, 999.0]}, minutes=15)
    own = readings("31", "a21026", "D", cn="2061", values={"avg": [21.0]})
    other = readings("31", "a21002", "N", cn="2061")
    result = roll_up(pl.concat([minutes, own, other]), "hour", devices=devices(15))
    both = result.filter(factor="a21026").row(0, named=True)
    assert (both["avg_sent"], both["avg_difference"], both["flag_sent"], both["flag_rolled"], both["flag_differs"]) == (
        21.0,
        -1.0,
        "D",
        "N",
        True,
    )
    sent_only = result.filter(factor="a21002").row(0, named=True)
    assert (sent_only["periods"], sent_only["avg_sent"], sent_only["avg_difference"], sent_only["flag_differs"]) == (None, 1.0, None, None)


def test_superseded_values_and_other_systems_stay_out() -> None:
    old = readings("31", "a21026", "D" * 60).with_columns(is_current=pl.lit(False))
    air = readings("22", "a21026", "N" * 60)
    assert roll_up(pl.concat([old, air]), "hour").is_empty()


def test_an_unknown_period_is_refused() -> None:
    with pytest.raises(ValueError, match="to = 'week'; roll up to hour or day"):
        roll_up(readings("31", "a21026", "N"), "week")
