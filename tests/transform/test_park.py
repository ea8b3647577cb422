"""The park: what its members take in and give away, less what they pass to each other; every elimination a row."""

from datetime import date

import pytest

from tests.transform.harness import Warehouse
from tests.transform.known_park import RANDOM_MEMBERS

EMPTY_MEANS_ZERO = ("quantity", "received", "sent", "energy_tce_calorific", "energy_tce_primary", "co2e_t")


@pytest.mark.parametrize("measure", EMPTY_MEANS_ZERO)
def test_consumption_is_the_sum_of_enterprises_less_eliminations(known_park: Warehouse, measure: str) -> None:
    """For every item and month of the known park, a dozen enterprises with deliveries drawn at random among them."""
    found = known_park.query(
        f"""
        with enterprises as (
            select item_code, month_start_date, sum({measure}) as value from marts.enterprise_consumption_monthly where process_id is null group by all
        ),
        eliminations as (
            select item_code, month_start_date, sum({measure}) as value from marts.park_eliminations_monthly where mart = 'consumption' group by all
        ),
        park as (
            select item_code, month_start_date, {measure} as value from marts.park_consumption_monthly
        )
        select *, coalesce(enterprises.value, 0) - coalesce(eliminations.value, 0) as expected, coalesce(park.value, 0) as found
        from enterprises full join eliminations using (item_code, month_start_date) full join park using (item_code, month_start_date)
        """
    )
    assert [row for row in found if row["found"] != pytest.approx(row["expected"], abs=1e-6, rel=1e-9)] == []
    assert sum(abs(row["found"]) > 0 for row in found) > 3


def test_emission_is_the_sum_of_enterprises_less_eliminations(known_park: Warehouse) -> None:
    found = known_park.query(
        """
        with enterprises as (
            select pollutant_code, month_start_date, sum(mass_kg) as value from marts.enterprise_emission_monthly where counts_in_enterprise_total group by all
        ),
        eliminations as (
            select item_code as pollutant_code, month_start_date, sum(quantity) as value from marts.park_eliminations_monthly where mart = 'emission' group by all
        ),
        park as (
            select pollutant_code, month_start_date, sum(mass_kg) as value from marts.park_emission_monthly group by all
        )
        select *, coalesce(enterprises.value, 0) - coalesce(eliminations.value, 0) as expected, coalesce(park.value, 0) as found
        from enterprises full join eliminations using (pollutant_code, month_start_date) full join park using (pollutant_code, month_start_date)
        """
    )
    assert [row for row in found if row["found"] != pytest.approx(row["expected"], abs=1e-6)] == []
    assert sum(row["found"] > 0 for row in found) > 3


def test_the_random_park_is_no_trivial_one(known_park: Warehouse) -> None:
    """The identity above is only as good as what it is tried on: all kinds of eliminations, with books that differ."""
    names = "', '".join(RANDOM_MEMBERS)
    kinds = known_park.query(
        f"select elimination_kind, count(*) as rows_of_kind, count(*) filter (where abs(quantity) > 1) as differing "
        f"from marts.park_eliminations_monthly where from_enterprise_id in ('{names}') group by 1"
    )
    counted = {row["elimination_kind"]: row["rows_of_kind"] for row in kinds}
    assert set(counted) == {"internal_transfer", "indirect_discharge", "transfer_to_other_enterprise", "not_in_park"}
    assert counted["internal_transfer"] > 10
    assert next(row["differing"] for row in kinds if row["elimination_kind"] == "internal_transfer") > 0


class TestSteam:
    def test_deliveries_are_eliminated_one_by_one(self, known_park: Warehouse) -> None:
        found = known_park.query(
            "select to_enterprise_id, received, sent, quantity from marts.park_eliminations_monthly where from_enterprise_id = 'SELLER' order by 1"
        )
        assert [tuple(row.values()) for row in found] == [("BUYER1", 20, 20, 0), ("BUYER2", 36, 40, -4), ("BUYER3", 10, 10, 0)]

    def test_the_park_neither_sends_nor_receives_what_stays_in_it(self, known_park: Warehouse) -> None:
        """Two days of 50 t made: 15 kept, 33 arrived; the 2 t a day lost in the pipe are the park's consumption."""
        sums = known_park.query(
            """
            select sum(quantity) as quantity, sum(received) as received, sum(sent) as sent, sum(self_produced) as self_produced
            from marts.park_consumption_daily where item_code = 'steam_low_pressure' and local_date between '2023-01-01' and '2023-01-02'
            """
        )
        assert sums == [{"quantity": 100, "received": 0, "sent": 0, "self_produced": 100}]


class TestMembership:
    def days(self, park: Warehouse) -> dict[date, float]:
        return {
            row["local_date"]: row["quantity"]
            for row in park.query(
                "select local_date, quantity from marts.park_consumption_daily where item_code = 'electricity' and local_date <= '2023-01-02'"
            )
        }

    def test_members_of_the_day(self, known_park: Warehouse) -> None:
        """JOINS counts from the 2nd on, ELSEWHERE never, the park's own lamps always."""
        theirs = known_park.query(
            "select local_date, enterprise_id, quantity from marts.enterprise_consumption_daily "
            "where item_code = 'electricity' and process_id is null and local_date between '2023-01-01' and '2023-01-02'"
        )
        days = self.days(known_park)
        for day in (date(2023, 1, 1), date(2023, 1, 2)):
            outsiders = {"ELSEWHERE"} | ({"JOINS"} if day == date(2023, 1, 1) else set())
            members = {
                row["enterprise_id"]: row["quantity"]
                for row in theirs
                if row["local_date"] == day and row["enterprise_id"] not in outsiders
            }
            assert members["-"] == 7
            assert days[day] == pytest.approx(sum(members.values()))

    def test_who_was_no_member_is_named(self, known_park: Warehouse) -> None:
        found = known_park.query(
            "select from_enterprise_id, quantity from marts.park_eliminations_monthly where from_enterprise_id in ('JOINS', 'ELSEWHERE') order by 1"
        )
        assert [tuple(row.values()) for row in found] == [("ELSEWHERE", 60), ("JOINS", 20)]


class TestDischarge:
    def test_a_workshop_is_in_no_sum(self, known_park: Warehouse) -> None:
        query = "select count(*) from marts.{} where {} = 'WORKS-WS'"
        assert known_park.value(query.format("park_emission_annual", "outlet_id")) == 0
        assert known_park.value(query.format("park_eliminations_monthly", "source_id")) == 0

    def test_indirect_discharge_counts_at_the_plant(self, known_park: Warehouse) -> None:
        found = known_park.query(
            "select outlet_id, mass_kg, counts_in_park_total from marts.park_emission_annual where outlet_id in ('WORKS-W', 'PLANT-W')"
        )
        assert found == [{"outlet_id": "PLANT-W", "mass_kg": pytest.approx(4.0), "counts_in_park_total": True}]
        [row] = known_park.query("select * from marts.park_eliminations_monthly where source_id = 'WORKS-W'")
        assert (row["elimination_kind"], row["to_enterprise_id"], row["quantity"], row["unit"]) == (
            "indirect_discharge", "PLANT", pytest.approx(60.6312), "kg",
        )  # fmt: skip


class TestEfficiency:
    def test_whoever_owes_a_side_is_left_out_with_both(self, known_park: Warehouse) -> None:
        """Of the enterprises with a whole year's output value only BOARD reported one: the others' energy is in no ratio."""
        [row] = known_park.query(
            "select * from marts.park_efficiency_annual where metric_code = 'energy_per_output_value' and year_start_date = '2023-01-01'"
        )
        assert row["value"] == pytest.approx(2160 * 0.1229 / 5000)
        assert row["enterprises_counted"] == 1
        assert row["enterprises_left_out"] > 5

    def test_unlike_outputs_make_no_output_of_the_park(self, known_park: Warehouse) -> None:
        states = known_park.query(
            "select distinct value, state from marts.park_efficiency_monthly where metric_code = 'electricity_per_output' and month_start_date = '2023-01-01'"
        )
        assert states == [{"value": None, "state": "not_applicable"}]
