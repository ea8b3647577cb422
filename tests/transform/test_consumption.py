"""Consumption of enterprises: metering trees, shared meters, deliveries, bills, factors, declarations."""

from datetime import date
from typing import Any

import pytest

from tests.transform.harness import Warehouse

PARTS = "purchased, received, sent, stock_increase, self_produced"


def rows(park: Warehouse, table: str, where: str, columns: str = "quantity") -> list[tuple[Any, ...]]:
    found = park.query(f"select {columns} from marts.{table} where {where} order by all")
    return [tuple(row.values()) for row in found]


def test_worked_example_of_energy_and_carbon(known_park: Warehouse) -> None:
    """Reference section 6.3: 1229.0 + 1214.3 + 3571.5 + 682.4 tce; gas, coal, heat and grid electricity of 2023."""
    found = {
        row["item_code"]: (row["energy_tce_calorific"], row["co2e_t"])
        for row in known_park.query("select * from marts.enterprise_consumption_annual where enterprise_id = 'WORKED'")
    }
    assert found == {
        "electricity": (pytest.approx(1229.0), pytest.approx(5306.00)),
        "natural_gas": (pytest.approx(1214.3), pytest.approx(2162.19, abs=0.005)),
        "raw_coal": (pytest.approx(3571.5), pytest.approx(9501.49, abs=0.005)),
        "heat": (pytest.approx(682.4), pytest.approx(2200.00)),
    }
    assert sum(tce for tce, _ in found.values()) == pytest.approx(6697.2)
    assert sum(co2 for _, co2 in found.values()) == pytest.approx(19_169.68, abs=0.005)


def test_electricity_by_heat_and_by_the_coal_behind_it(known_park: Warehouse) -> None:
    columns = "energy_tce_calorific, energy_tce_primary, tce_calorific_factor_id, tce_primary_factor_id, co2e_factor_id"
    assert rows(known_park, "enterprise_consumption_daily", "enterprise_id = 'GWH'", columns) == [
        (pytest.approx(1229.0), pytest.approx(3000.0), "tce-electricity-calorific", "tce-electricity-primary-300", "grid-CN-2023")
    ]


class TestMeteringTree:
    def day(self, park: Warehouse, number: int) -> dict[str | None, tuple[float, float | None]]:
        found = park.query(
            f"select * from marts.enterprise_consumption_daily where enterprise_id = 'TREE' and local_date = '2023-01-0{number}'"
        )
        return {row["process_id"]: (row["quantity"], row["unmetered_quantity"]) for row in found}

    def test_only_the_billing_meter_is_the_whole(self, known_park: Warehouse) -> None:
        """Sub-meters split it (30 kWh of P2's meter are 10 of P3's below it), the check meter is nowhere, 20 kWh are nobody's."""
        assert self.day(known_park, 1) == {None: (100, 20), "TREE-P1": (50, None), "TREE-P2": (20, None), "TREE-P3": (10, None)}

    def test_parts_make_no_whole(self, known_park: Warehouse) -> None:
        """On the day without the main meter there is no total, not even that of its sub-meters."""
        assert self.day(known_park, 3) == {}

    def test_completeness_tells_of_the_silent_day(self, known_park: Warehouse) -> None:
        [(quantity, covered, expected, share)] = rows(
            known_park, "enterprise_consumption_monthly", "enterprise_id = 'TREE' and process_id is null",
            "quantity, covered_hours, expected_hours, completeness_share",
        )  # fmt: skip
        assert (quantity, covered, expected, share) == (300, 72, 31 * 24, pytest.approx(3 / 31))

    def test_virtual_meters(self, known_park: Warehouse) -> None:
        found = rows(
            known_park,
            "enterprise_consumption_daily",
            "enterprise_id = 'VIRTUAL'",
            "process_id, quantity, estimated_share, unmetered_quantity",
        )
        assert found == [("VIRTUAL-P1", 25, 0, None), ("VIRTUAL-P2", 10, 1, None), (None, 100, 0, 65)]


def test_a_shared_meter_is_divided_and_estimated(known_park: Warehouse) -> None:
    found = rows(
        known_park, "enterprise_consumption_daily", "enterprise_id like 'SHARE%'", "enterprise_id, quantity, estimated_share, state"
    )
    assert found == [("SHARE1", pytest.approx(7), 1, "estimated"), ("SHARE2", pytest.approx(3), 1, "estimated")]


class TestDeliveries:
    def test_sent_by_one_and_received_by_the_other(self, known_park: Warehouse) -> None:
        found = rows(known_park, "enterprise_consumption_daily", "(enterprise_id like 'BUYER%' or enterprise_id = 'SELLER') and local_date = '2023-01-01'",
                     f"enterprise_id, quantity, {PARTS}")  # fmt: skip
        assert found == [
            ("BUYER1", 10, None, 10, None, None, None),
            ("BUYER2", 18, None, 18, None, None, None),
            ("BUYER3", 5, None, 5, None, None, None),
            ("SELLER", 15, None, None, 35, None, 50),
        ]

    def test_the_seller_keeps_the_energy_of_what_it_burns_for_itself(self, known_park: Warehouse) -> None:
        """Steam made from fuel counts with the fuel: the seller's row takes off what it sent and adds nothing for what it made."""
        [(tce, co2)] = rows(known_park, "enterprise_consumption_daily", "enterprise_id = 'SELLER' and local_date = '2023-01-01'",
                            "energy_tce_calorific, co2e_t")  # fmt: skip
        assert (tce, co2) == (pytest.approx(-35 * 0.1286), pytest.approx(-35 * 0.11 * 3.763))


class TestOwnProduction:
    def row(self, park: Warehouse, item: str) -> dict[str, Any]:
        [row] = park.query(f"select * from marts.enterprise_consumption_daily where enterprise_id = 'MAKER' and item_code = '{item}'")
        return row

    def test_what_is_made_from_fuel_is_a_quantity_and_no_second_energy(self, known_park: Warehouse) -> None:
        row = self.row(known_park, "electricity")
        assert (row["quantity"], row["self_produced"]) == (1400, 400)
        assert (row["energy_tce_calorific"], row["co2e_t"]) == (pytest.approx(0.1229), pytest.approx(0.5306))

    def test_the_sun_is_energy_without_carbon(self, known_park: Warehouse) -> None:
        row = self.row(known_park, "photovoltaic_electricity")
        assert (row["energy_tce_calorific"], row["co2e_t"]) == (pytest.approx(0.2 * 0.1229), 0)

    def test_water_used_again_is_not_taken_in(self, known_park: Warehouse) -> None:
        row = self.row(known_park, "recycled_water")
        assert (row["quantity"], row["recycled"], row["purchased"]) == (0, 300, None)

    def test_a_working_medium_is_in_no_energy_total(self, known_park: Warehouse) -> None:
        row = self.row(known_park, "tap_water")
        assert (row["energy_tce_calorific"], row["energy_tce_working_medium"], row["is_factor_missing"]) == (
            None,
            pytest.approx(0.02571),
            False,
        )


class TestLongQuantities:
    def test_a_bill_is_in_no_day_and_apportioned_to_months(self, known_park: Warehouse) -> None:
        assert rows(known_park, "enterprise_consumption_daily", "enterprise_id = 'BILLED'") == []
        found = rows(
            known_park, "enterprise_consumption_monthly", "enterprise_id = 'BILLED'", "month_start_date, quantity, estimated_share, state"
        )
        assert found == [
            (date(2023, 1, 1), pytest.approx(160), 1, "estimated"),
            (date(2023, 2, 1), pytest.approx(150), 1, "estimated"),
        ]

    def test_inside_its_quarter_it_is_measured(self, known_park: Warehouse) -> None:
        for table in ("enterprise_consumption_quarterly", "enterprise_consumption_annual"):
            assert rows(known_park, table, "enterprise_id = 'BILLED'", "quantity, measured_share, state") == [
                (pytest.approx(310), 1, "measured")
            ]

    def test_an_unread_register_counts_in_its_month(self, known_park: Warehouse) -> None:
        """1 kWh an hour over 29 days; the ten days between two readings have no daily row."""
        daily = rows(known_park, "enterprise_consumption_daily", "enterprise_id = 'UNREAD'", "local_date, quantity")
        assert len(daily) == 19
        assert {quantity for _, quantity in daily} == {24}
        assert not [day for day, _ in daily if date(2023, 1, 20) <= day < date(2023, 1, 30)]
        monthly = rows(known_park, "enterprise_consumption_monthly", "enterprise_id = 'UNREAD'", "month_start_date, quantity, state")
        assert monthly == [(date(2023, 1, 1), 22 * 24, "measured"), (date(2023, 2, 1), 7 * 24, "measured")]


class TestFactors:
    def test_the_factor_of_the_day(self, known_park: Warehouse) -> None:
        found = rows(known_park, "enterprise_consumption_daily", "enterprise_id = 'DATED'", "local_date, co2e_t")
        assert found == [(date(2022, 12, 30 + n), pytest.approx(0.05366)) for n in (0, 1)] + [
            (date(2023, 1, n), pytest.approx(0.05306)) for n in (1, 2)
        ]

    def test_no_factor_is_no_zero(self, known_park: Warehouse) -> None:
        """Before 2021 the grid series has no factor: no CO2 that day, and none for a year that holds such a day."""
        found = rows(known_park, "enterprise_consumption_daily", "enterprise_id = 'OLD'", "local_date, co2e_t, is_factor_missing")
        assert found == [(date(2020, 12, 31), None, True), (date(2021, 1, 1), pytest.approx(0.05568), False)]
        [(tce, co2)] = rows(known_park, "enterprise_consumption_annual", "enterprise_id = 'OLD' and year_start_date = '2020-01-01'",
                            "energy_tce_calorific, co2e_t")  # fmt: skip
        assert (tce, co2) == (pytest.approx(0.01229), None)

    def test_zero_is_a_quantity_and_missing_is_not(self, known_park: Warehouse) -> None:
        found = rows(
            known_park,
            "enterprise_consumption_daily",
            "enterprise_id = 'IDLE'",
            "local_date, quantity, energy_tce_calorific, measured_share, state",
        )
        assert found == [
            (date(2023, 1, 1), 0, 0, None, "measured"),
            (date(2023, 1, 3), 24, pytest.approx(24 * 0.0001229), 1, "measured"),
        ]


class TestDeclarations:
    def test_declared_where_no_meter_is(self, known_park: Warehouse) -> None:
        columns = f"quantity, {PARTS}, self_reported_share, completeness_share, state"
        found = rows(known_park, "enterprise_consumption_monthly", "enterprise_id = 'DECLARES'", columns)
        assert found == [(9, 10, None, None, 1, None, 1, 1, "self_reported")] * 12
        assert rows(known_park, "enterprise_consumption_quarterly", "enterprise_id = 'DECLARES'") == [(27,)] * 4
        assert rows(known_park, "enterprise_consumption_annual", "enterprise_id = 'DECLARES'") == [(108,)]

    def test_never_mixed_within_a_month(self, known_park: Warehouse) -> None:
        """Metered in February, declared in the eleven other months; longer periods say how much of them is which."""
        found = rows(
            known_park, "enterprise_consumption_monthly", "enterprise_id = 'PARTLY'", "month_start_date, quantity, measured_share, state"
        )
        for first, quantity, measured, state in found:
            assert (quantity, measured, state) == ((280, 1, "measured") if first.month == 2 else (300, 0, "self_reported"))
        [(quantity, measured, state)] = rows(
            known_park, "enterprise_consumption_annual", "enterprise_id = 'PARTLY'", "quantity, measured_share, state"
        )
        assert (quantity, measured, state) == (280 + 11 * 300, pytest.approx(280 / 3580), "self_reported")

    def test_one_kind_of_report_speaks(self, known_park: Warehouse) -> None:
        """The energy return says 6 t bought; the statistics' 1 t sent belongs to another book."""
        assert rows(known_park, "enterprise_consumption_monthly", "enterprise_id = 'KINDS'", "quantity, purchased, sent") == [(6, 6, None)]

    def test_the_whole_and_its_process(self, known_park: Warehouse) -> None:
        found = rows(known_park, "enterprise_consumption_monthly", "enterprise_id = 'WITHPARTS'", "process_id, quantity")
        assert found == [("WITHPARTS-P1", 60), (None, 100)]

    def test_what_cancels_is_nothing(self, known_park: Warehouse) -> None:
        for period in ("monthly", "quarterly", "annual"):
            found = rows(
                known_park, f"enterprise_consumption_{period}", "enterprise_id = 'CANCELS'",
                "quantity, purchased, received, sent, energy_tce_calorific, co2e_t",
            )  # fmt: skip
            assert found == [(0, 0.1, 0.2, 0.3, 0, 0)]

    def test_an_overdue_report_is_a_row(self, known_park: Warehouse) -> None:
        found = rows(known_park, "enterprise_consumption_monthly", "enterprise_id = 'OVERDUE'", "quantity, completeness_share, state")
        assert found == [(None, 0, "missing")]


@pytest.mark.parametrize(
    ("shorter", "longer", "period"), [("monthly", "quarterly", "quarter"), ("monthly", "annual", "year"), ("daily", "monthly", "month")]
)
def test_quantities_are_conserved(known_park: Warehouse, shorter: str, longer: str, period: str) -> None:
    """Longer periods are the sums of shorter ones; of days where a month has nothing that is longer than a day."""
    start = {"daily": "local_date", "monthly": "month_start_date"}[shorter]
    key = "enterprise_id, process_id, item_code"
    only_days = (
        "where (enterprise_id, item_code) not in (select enterprise_id, item_code from intermediate.int_consumption_long)"
        if shorter == "daily"
        else ""
    )
    differing = known_park.query(
        f"""
        with sums as (
            select {key}, date_trunc('{period}', {start}) as first, sum(quantity) as quantity, sum(purchased) as purchased, sum(sent) as sent
            from marts.enterprise_consumption_{shorter} {only_days} group by all
        ),
        whole as (
            select {key}, {period}_start_date as first, quantity, purchased, sent from marts.enterprise_consumption_{longer} {only_days}
        )
        select * from sums
        left join whole
            on sums.first = whole.first and sums.enterprise_id = whole.enterprise_id and sums.item_code = whole.item_code
                and sums.process_id is not distinct from whole.process_id
        where coalesce(abs(sums.quantity - whole.quantity) > 1e-6, sums.quantity is not null or whole.quantity is not null)
            or coalesce(abs(sums.sent - whole.sent) > 1e-6, sums.sent is not null or whole.sent is not null)
        """
    )
    assert differing == []
    counted = known_park.value(f"select count(*) from marts.enterprise_consumption_{longer} {only_days}")
    assert counted > 20
