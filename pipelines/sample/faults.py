"""What goes wrong between the device and the file: the planted faults, each with what was done to which value.

Days count from the sample's first day, so a longer sample has the same faults and a few more; a fault that does
not fit into the sample is not planted. Value faults change what a device is seen to send (`sent`); file faults
change what becomes of a file (`files` applies them). What is true stays in `monitors`.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np

from pipelines.sample import noise
from pipelines.sample.monitors import Monitors


@dataclass(frozen=True)
class ValueFault:
    """Readings of one channel between two moments (hours after the first day's midnight) that are not what was true."""

    fault_id: str
    kind: str
    feed_id: str
    point_id: str
    parameter_code: str
    first_hour: int
    last_hour: int
    """Exclusive."""
    what: str
    amount: float = 0.0
    corrected_in: str | None = None
    """`same_night`: a corrected file lies beside the wrong one. `later`: it comes with the next delivery."""
    follows: str | None = None
    """Point whose course the readings take over, scaled by `amount`."""

    def moments(self, first: date) -> tuple[datetime, datetime]:
        midnight = datetime.combine(first, time())
        return midnight + timedelta(hours=self.first_hour), midnight + timedelta(hours=self.last_hour)


def _hours(day: int, hour: int = 0) -> int:
    return day * 24 + hour


VALUE_FAULTS = (
    ValueFault(
        fault_id="gap_cod",
        kind="gap",
        feed_id="wastewater_online",
        point_id="E001-WW-1-M",
        parameter_code="w01018",
        first_hour=_hours(4, 9),
        last_hour=_hours(5, 15),
        what="analyser off: the cells are empty",
    ),
    ValueFault(
        fault_id="stuck_cod",
        kind="stuck",
        feed_id="wastewater_online",
        point_id="E004-WW-1-M",
        parameter_code="w01018",
        first_hour=_hours(8),
        last_hour=_hours(11),
        what="the analyser repeats its last value for three days",
    ),
    ValueFault(
        fault_id="unit_w",
        kind="wrong_unit",
        feed_id="e003_meters",
        point_id="E003-EL-P1",
        parameter_code="electricity",
        first_hour=_hours(14),
        last_hour=_hours(21),
        what="a week in W under a contract that says kW: a thousand times too much; sent again in kW later",
        amount=1000.0,
        corrected_in="later",
    ),
    ValueFault(
        fault_id="half_nox",
        kind="corrected",
        feed_id="e008_cement_cems",
        point_id="E008-STACK-1",
        parameter_code="a21002",
        first_hour=_hours(17, 6),
        last_hour=_hours(17, 18),
        what="half of the true NOx; a corrected file follows the same night",
        amount=0.5,
        corrected_in="same_night",
    ),
    ValueFault(
        fault_id="spike_so2",
        kind="spike",
        feed_id="e008_cement_cems",
        point_id="E008-STACK-1",
        parameter_code="a21026",
        first_hour=_hours(22, 14),
        last_hour=_hours(22, 15),
        what="one value far outside the range",
        amount=9998.0,
    ),
    ValueFault(
        fault_id="low_nox",
        kind="corrected",
        feed_id="e009_chp_cems",
        point_id="E009-STACK-1",
        parameter_code="a21002",
        first_hour=_hours(38),
        last_hour=_hours(39),
        what="60 % of the true NOx for a day; the corrected file comes later",
        amount=0.6,
        corrected_in="later",
    ),
    ValueFault(
        fault_id="hug_nox",
        kind="limit_hugging",
        feed_id="e011_incinerator",
        point_id="E011-STACK-1",
        parameter_code="a21002",
        first_hour=_hours(40),
        last_hour=_hours(54),
        what="converted NOx held just below the permit's hourly limit while the true value was above",
        amount=0.985,
    ),
    # The same again elsewhere, and what nobody but the rules of plausibility can see: enough of each to speak of a recall.
    *(
        ValueFault(fault_id, "gap", "wastewater_online", point, code, _hours(*first), _hours(*last), "analyser off: the cells are empty")
        for fault_id, point, code, first, last in (
            ("gap_cod_steel", "E007-WW-1-M", "w01018", (16, 6), (17, 18)),
            ("gap_nh3", "E003-WW-1-M", "w21003", (33, 6), (34, 18)),
        )
    ),
    *(
        ValueFault(fault_id, "stuck", feed_id, point, code, _hours(first), _hours(last), "the analyser repeats its last value")
        for fault_id, feed_id, point, code, first, last in (
            ("stuck_cod_circuits", "wastewater_online", "E002-WW-1-M", "w01018", 45, 47),
            ("stuck_nh3", "wastewater_online", "E004-WW-1-M", "w21003", 5, 7),
            ("stuck_nox", "e007_steel_cems", "E007-STACK-2", "a21002", 33, 34),
        )
    ),
    *(
        ValueFault(fault_id, "decimal_point", "wastewater_online", point, "w21003", _hours(first), _hours(last), what, amount)
        for fault_id, point, first, last, what, amount in (
            ("tenth_a", "E001-WW-1-M", 24, 26, "the decimal point one place to the left", 0.1),
            ("tenth_b", "E002-WW-1-M", 20, 22, "the decimal point one place to the left", 0.1),
            ("tenfold", "E007-WW-1-M", 50, 51, "the decimal point one place to the right", 10.0),
        )
    ),
    *(
        ValueFault(fault_id, "replayed", feed_id, point, code, _hours(first), _hours(last), "the readings of a week before are sent again", 7)
        for fault_id, feed_id, point, code, first, last in (
            ("again_cod", "wastewater_online", "E003-WW-1-M", "w01018", 35, 37),
            ("again_so2", "e007_steel_cems", "E007-STACK-1", "a21026", 45, 46),
            ("again_plant", "e010_wwtp", "E010-OUT-M", "w01018", 20, 21),
        )
    ),
    *(
        ValueFault(fault_id, "smoothed", feed_id, point, code, _hours(first), _hours(last), "a straight line over three days")
        for fault_id, feed_id, point, code, first, last in (
            ("line_nh3", "wastewater_online", "E006-WW-1-M", "w21003", 12, 15),
            ("line_cod", "wastewater_online", "E011-WW-1-M", "w01018", 30, 33),
            ("line_so2", "e009_chp_cems", "E009-STACK-1", "a21026", 8, 11),
        )
    ),
    *(
        ValueFault(
            fault_id, "one_trend", "wastewater_online", point, code, _hours(first), _hours(last), "the course of another outlet, scaled",
            amount, follows=follows,
        )
        for fault_id, point, code, first, last, amount, follows in (
            ("trend_cod", "E006-WW-1-M", "w01018", 5, 9, 3.4, "E003-WW-1-M"),
            ("trend_nh3", "E011-WW-1-M", "w21003", 50, 53, 0.24, "E006-WW-1-M"),
        )
    ),
    *(
        ValueFault(fault_id, "no_flow", "wastewater_online", point, "w00000", _hours(day, 8), _hours(day, 16), "the flow meter shows zero", 0.0)
        for fault_id, point, day in (("still_a", "E003-WW-1-M", 48), ("still_b", "E007-WW-1-M", 9))
    ),
    ValueFault(
        "damped_ph", "damped", "wastewater_online", "E004-WW-1-M", "w01001", _hours(46), _hours(55),
        "the electrode's damping was turned up: changes shrink to a fifth", 0.2,
    ),
    ValueFault(
        "above_nitrogen", "above_whole", "e010_wwtp", "E010-OUT-M", "w21003", _hours(25, 6), _hours(26, 18),
        "more ammonia nitrogen than nitrogen", 12.0,
    ),
)  # fmt: skip


@dataclass(frozen=True)
class FileFault:
    """Something that happens to the file which covers a day (counted from the first)."""

    fault_id: str
    kind: str
    feed_id: str
    day: int
    what: str
    point_id: str | None = None
    """Whose rows it touches, where it is not the whole file."""


FILE_FAULTS = (
    FileFault("twice_sent", "duplicate_file", "e007_steel_cems", 10, "the same bytes are sent again under another name"),
    FileFault(
        "utf8_for_gb", "wrong_encoding", "e007_steel_cems", 12, "written in UTF-8 although GB18030 was agreed; sent again later, rightly"
    ),
    FileFault("late_week", "late_file", "e009_chp_cems", 30, "a week's file comes only with the next delivery"),
    FileFault("cut_short", "truncated_file", "e010_wwtp", 36, "the file ends in the middle of a record; sent again whole, later"),
    FileFault("new_column", "unknown_column", "e008_cement_cems", 43, "a column nobody announced stands at the end"),
    FileFault("web_page", "renamed_html", "utility_water", 13, "a page of the utility's portal, saved under the name of a workbook"),
    FileFault(
        "repeated_rows", "repeated_rows", "utility_electricity", 2, "five rows stand twice in the file, with the same values", "E002-EL"
    ),
    FileFault(
        "contradiction", "conflicting_rows", "utility_electricity", 3, "two hours stand twice in the file, with different values", "E006-EL"
    ),
    FileFault("not_a_number", "text_for_number", "e001_energy", 6, "the spreadsheet's error word stands in two cells", "E001-EL-P2"),
)

LOSING = ("late_file", "wrong_encoding", "truncated_file", "conflicting_rows", "text_for_number")
"""File faults through which readings are lost on the first night; some come back with the next delivery."""

UNREGISTERED_ACCOUNT = "033199999999"
"""A customer in the grid company's file whom no register knows."""


class Faults:
    """The faults that fit into the sample, and what devices send under them."""

    def __init__(self, monitors: Monitors, *, active: bool = True) -> None:
        self.monitors, self.active = monitors, active
        hours = ((monitors.last - monitors.first).days + 1) * 24 if active else 0
        self.values = tuple(fault for fault in VALUE_FAULTS if fault.last_hour <= hours)
        self.files = tuple(fault for fault in FILE_FAULTS if fault.day * 24 < hours)

    def file_faults(self, feed_id: str, first: date, last: date) -> list[FileFault]:
        """File faults of the feed on the days of a file."""
        low, high = (first - self.monitors.first).days, (last - self.monitors.first).days
        return [fault for fault in self.files if fault.feed_id == feed_id and low <= fault.day <= high]

    def held(self, feed_id: str, first: date, last: date) -> bool:
        """Whether gate A has every reason to hold back a file of these days: its values are out of the meter's range as a whole."""
        return any(fault.kind == "wrong_unit" for fault in self._touching(feed_id, first, last))

    def corrections(self, feed_id: str, first: date, last: date) -> list[ValueFault]:
        """Corrected value faults that touch the days of a file."""
        return [fault for fault in self._touching(feed_id, first, last) if fault.corrected_in]

    def _touching(self, feed_id: str, first: date, last: date) -> list[ValueFault]:
        low, high = (first - self.monitors.first).days * 24, ((last - self.monitors.first).days + 1) * 24
        return [fault for fault in self.values if fault.feed_id == feed_id and fault.first_hour < high and fault.last_hour > low]

    def sent(
        self, feed_id: str, point_id: str, parameter: str, first: date, last: date, without: frozenset[str] = frozenset()
    ) -> np.ndarray:
        """What the device sends, days × periods, NaN for nothing; `without` names faults a corrected file does not have."""
        values = self.monitors.true(point_id, parameter, first, last)
        mine = [
            fault
            for fault in self.values
            if (fault.feed_id, fault.point_id, fault.parameter_code) == (feed_id, point_id, parameter) and fault.fault_id not in without
        ]
        if not mine:
            return values
        per_day = values.shape[1]
        flat = values.ravel()
        origin = (first - self.monitors.first).days * per_day
        for fault in mine:
            low = max(fault.first_hour * per_day // 24 - origin, 0)
            high = min(fault.last_hour * per_day // 24 - origin, flat.size)
            if low < high:
                flat[low:high] = self._distorted(fault, flat[low:high], first, last, slice(low, high))
        return flat.reshape(values.shape)

    def _distorted(self, fault: ValueFault, true: np.ndarray, first: date, last: date, where: slice) -> np.ndarray:
        decimals = self.monitors.channels[fault.point_id, fault.parameter_code].decimals
        if fault.kind == "gap":
            return np.full_like(true, np.nan)
        if fault.kind == "stuck":
            moment, _ = fault.moments(self.monitors.first)
            return np.full_like(
                true, self.monitors.true(fault.point_id, fault.parameter_code, moment.date(), moment.date())[0, moment.hour]
            )
        if fault.kind == "replayed":
            back = timedelta(days=int(fault.amount))
            return self.monitors.true(fault.point_id, fault.parameter_code, first - back, last - back).ravel()[where]
        if fault.kind == "smoothed":
            begins, ends = fault.moments(self.monitors.first)
            days = begins.date(), (ends - timedelta(hours=1)).date()
            course = self.monitors.true(fault.point_id, fault.parameter_code, *days).ravel()
            hours = np.arange(where.start, where.stop) + (first - days[0]).days * 24
            return np.round(np.interp(hours, [0, course.size - 1], course[[0, -1]]), decimals)
        if fault.kind == "damped":
            begins, ends = fault.moments(self.monitors.first)
            days = begins.date(), (ends - timedelta(hours=1)).date()
            level = np.nanmean(self.monitors.true(fault.point_id, fault.parameter_code, *days))
            return np.round(level + (true - level) * fault.amount, decimals)
        if fault.kind == "one_trend":
            other = self.monitors.true(fault.follows, fault.parameter_code, first, last).ravel()[where]
            return np.round(other * fault.amount, decimals)
        if fault.kind == "spike":
            return np.where(np.isnan(true), np.nan, fault.amount)
        if fault.kind == "limit_hugging":
            stack = self.monitors.stack_of(fault.point_id)[1]
            oxygen = self.monitors.true(fault.point_id, "a19001", first, last).ravel()[where]
            hours = np.arange(where.start, where.stop) + (first - self.monitors.first).days * 24
            wobble = noise.uniform(noise.key(self.monitors.park.seed, fault.fault_id), hours)
            target = stack.limits[fault.parameter_code] * (fault.amount - 0.02 * wobble)
            as_measured = np.round(target * (21.0 - oxygen) / (21.0 - (stack.o2_reference or oxygen)), decimals)
            return np.where(np.isnan(true), np.nan, np.minimum(as_measured, true))
        return np.round(true * fault.amount, decimals)
