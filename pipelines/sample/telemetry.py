"""HJ 212 devices as they are in the field: what they measure, how they say it, and what becomes of it on the way.

Every device draws its minute values from the common noise, makes hours and days of them by the standard's rules, and sends them
in its own dialect with its own habits. What is true, and what a faultless reader finds in every log, is counted while
it is written, and never read back from a frame. Which devices there are in a sample is `fleet`'s business.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np

from pipelines.hj212 import CrcVariant, Dialect, Frame, encode, flag_for, split
from pipelines.sample import noise
from pipelines.sample.rhythm import UTC_OFFSET, day_number

PASSWORD = "123456"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
REALTIME, MINUTES, HOURS, DAYS = "2011", "2051", "2061", "2031"
_REFERENCE_OXYGEN = 9.0
_AIR = 21.0
_NORMAL_SHARE = 0.75


@dataclass(frozen=True)
class Factor:
    """A measured quantity: usual level and wandering in the unit sent, and the way to the canonical units of means and totals."""

    code: str
    old: str
    level: float
    size: float
    decimals: int
    mean_scale: float = 1.0
    is_flow: bool = False
    mass_scale: float | None = None
    """Concentration × flow in m3 → kg; None for what has no mass."""
    converted: bool = False


GAS = (
    Factor("a00000", "B02", 12.0, 0.05, 3, 3600.0, is_flow=True),
    Factor("a19001", "S01", 10.4, 0.06, 2),
    Factor("a21026", "02", 31.0, 0.12, 2, mass_scale=1e-6, converted=True),
    Factor("a21002", "03", 96.0, 0.1, 2, mass_scale=1e-6, converted=True),
    Factor("a34013", "01", 7.2, 0.15, 3, mass_scale=1e-6, converted=True),
    Factor("a01012", "S03", 118.0, 0.03, 1),
    Factor("a01014", "S05", 8.4, 0.05, 2),
    Factor("a01013", "S08", 0.31, 0.1, 3),
)
WATER = (
    Factor("w00000", "B01", 17.5, 0.2, 3, 3.6, is_flow=True),
    Factor("w01001", "001", 7.3, 0.02, 2),
    Factor("w01018", "011", 41.0, 0.18, 2, mass_scale=1e-3),
    Factor("w21003", "060", 3.1, 0.2, 3, mass_scale=1e-3),
)
SYSTEMS = {"31": GAS, "32": WATER}


def mn(point_id: str) -> str:
    """An invented data logger number (24 characters as in HJ 212; the letters show that it is none)."""
    return f"SAMPLE{point_id.replace('-', ''):0>18}"


@dataclass(frozen=True)
class Device:
    """One logger. `habits` are words of HABITS."""

    mn: str
    st: str
    point_id: str
    outlet_id: str | None = None
    dialect: Dialect = Dialect.HJ_2017
    crc: CrcVariant = CrcVariant.HJ212
    label_end: bool = False
    interval: int = 10
    key: bytes | None = field(default=None, repr=False)
    registered: bool = True
    load: float = 1.0
    """How many times the usual concentration: before a treatment plant it is many times that behind it."""
    day_mean: float = 1.0
    """How many times the true mean its messages of a day say of its first pollutant."""
    commands: frozenset[str] = frozenset({MINUTES, HOURS, DAYS})
    habits: frozenset[str] = frozenset()

    @property
    def factors(self) -> tuple[Factor, ...]:
        return SYSTEMS[self.st]

    def name(self, factor: Factor) -> str:
        return factor.old if self.dialect is Dialect.HJ_2005 else factor.code


HABITS = {
    "splits": "long messages in packets, each with its own QN",
    "splits_one_qn": "long messages in packets that share their QN and count from 0",
    "repeats": "does not hear answers: every tenth frame comes two or three times",
    "noisy": "every twentieth frame is damaged on its way and sent again",
    "late": "the hours from 02:00 to 05:00 come at noon",
    "corrects": "the hour from 05:00 comes again two hours later with another concentration",
    "corrects_next_day": "the hour from 12:00 comes again the next morning with another concentration",
    "history": "three hours of the evening are sent again the next morning, as they were",
    "slow_packet": "the second packet of 22:00 comes after midnight",
    "gaps": "the hours 14:00 and 15:00 never come",
    "services": "an hour of maintenance at 09:00 and a calibration at 16:00",
    "stops": "the plant stands still from 18:00 to 21:00",
    "empties": "the last factor is empty and marked as lost communication from 03:00 to 04:00",
    "lower_case": "the CRC in lower case",
    "no_tail": "no CR LF behind a frame",
    "spelled_tail": "CR LF spelled out as characters",
    "extra_fields": "ValidNum beside every factor",
}
"""What devices do, for people and for the tests that look for each."""


@dataclass(frozen=True)
class Said:
    """One canonical reading, as a faultless reader has it: period in UTC, value in canonical units."""

    point_id: str
    parameter_code: str
    statistic: str
    period_start_utc: datetime
    period_end_utc: datetime
    value: float | None
    flag: str


@dataclass(frozen=True)
class Event:
    """Bytes that arrive at a moment, and what a faultless reader counts them as."""

    received: datetime
    data: bytes
    read: int = 0
    quarantined: int = 0
    duplicates: int = 0
    """Of the same log."""
    known: int = 0
    """Values that another log has brought already: duplicates in landing."""
    revised: int = 0
    other_day: bool = False
    """Arrives on the day after the one it speaks of."""


@dataclass
class DayOfDevice:
    """What a device truly measured on a day: per factor and command arrays over the day's periods."""

    device: Device
    day: date
    values: dict[str, dict[str, dict[str, np.ndarray]]]
    """command → code → statistic → values as printed."""
    flags: dict[str, np.ndarray]
    """command → letter per period."""


def measured(device: Device, day: date, seed: int) -> DayOfDevice:
    """Minutes out of the noise, hours and days out of the minutes."""
    slots = 1440 // device.interval
    at = day_number(day) * slots + np.arange(slots, dtype=np.int64)
    flags = _flags(device, slots)
    minutes: dict[str, dict[str, np.ndarray]] = {}
    level = 0.6 + 0.8 * noise.pick(seed, device.mn, "level")
    for factor in device.factors:
        stream = noise.key(seed, device.mn, factor.code)
        wander = noise.smooth(stream, at, max(slots // 12, 1)) + 0.3 * noise.normal(stream ^ np.uint64(0x5A5A), at)
        own = level if factor.is_flow else level * device.load if factor.mass_scale else 1.0
        mean = np.round(factor.level * own * np.clip(1.0 + factor.size * wander, 0.3, 1.9), factor.decimals)
        spread = np.abs(mean) * 0.04
        minutes[factor.code] = {
            "Min": np.round(mean - spread, factor.decimals), "Avg": mean, "Max": np.round(mean + spread, factor.decimals),
        }  # fmt: skip
    _totals(device, minutes, device.interval * 60.0)
    hours, hour_flags = _longer(device, minutes, flags, slots // 24)
    days, day_flags = _longer(device, hours, hour_flags, 24)
    if device.day_mean != 1.0:
        first = next(factor for factor in device.factors if factor.mass_scale is not None)
        days[first.code]["Avg"] = np.round(days[first.code]["Avg"] * device.day_mean, first.decimals)
    return DayOfDevice(device, day, {MINUTES: minutes, HOURS: hours, DAYS: days}, {MINUTES: flags, HOURS: hour_flags, DAYS: day_flags})


def _flags(device: Device, slots: int) -> np.ndarray:
    """A letter a slot."""
    letters = np.full(slots, "N", dtype="<U1")
    per_hour = slots // 24
    if "services" in device.habits:
        letters[9 * per_hour : 10 * per_hour] = "M"
        letters[16 * per_hour : 16 * per_hour + max(per_hour // 6, 1)] = "C"
    if "stops" in device.habits:
        letters[18 * per_hour : 21 * per_hour] = "F"
    return letters


def _totals(device: Device, values: dict[str, dict[str, np.ndarray]], seconds: float) -> None:
    """Cou of a period and converted values, from the printed means of the same period."""
    flow, oxygen = next(factor for factor in device.factors if factor.is_flow), values.get("a19001")
    volume = np.round(values[flow.code]["Avg"] * flow.mean_scale * seconds / 3600.0, 3)
    values[flow.code]["Cou"] = volume
    for factor in device.factors:
        if factor.mass_scale is not None:
            values[factor.code]["Cou"] = np.round(values[factor.code]["Avg"] * volume * factor.mass_scale, 6)
        if factor.converted and oxygen is not None:
            values[factor.code]["ZsAvg"] = np.round(values[factor.code]["Avg"] * (_AIR - _REFERENCE_OXYGEN) / (_AIR - oxygen["Avg"]), 3)


def _longer(
    device: Device, shorter: dict[str, dict[str, np.ndarray]], flags: np.ndarray, count: int
) -> tuple[dict[str, dict[str, np.ndarray]], np.ndarray]:
    """Periods of `count` shorter ones: means of the normal ones, totals of all, the flag by the rule of the stream."""
    groups = len(flags) // count
    normal = (flags == "N").reshape(groups, count)
    # A period of which nothing was normal still sends what it measured, under its flag.
    counted = np.where(normal.any(axis=1, keepdims=True), normal, True)
    flow = next(factor for factor in device.factors if factor.is_flow)
    volume = shorter[flow.code]["Cou"].reshape(groups, count)
    longer: dict[str, dict[str, np.ndarray]] = {}
    for factor in device.factors:
        own = {name: values.reshape(groups, count) for name, values in shorter[factor.code].items()}
        weight = volume * counted if device.st == "32" and factor.mass_scale is not None else counted.astype(float)
        figures = {
            "Min": np.where(counted, own["Min"], np.inf).min(axis=1),
            "Avg": np.round((own["Avg"] * weight).sum(axis=1) / weight.sum(axis=1), factor.decimals + 1),
            "Max": np.where(counted, own["Max"], -np.inf).max(axis=1),
        }
        if "Cou" in own:
            figures["Cou"] = np.round(own["Cou"].sum(axis=1), 3 if factor.is_flow else 6)
        longer[factor.code] = figures
    if "a19001" in longer:
        for factor in device.factors:
            if factor.converted:
                factor_of = (_AIR - _REFERENCE_OXYGEN) / (_AIR - longer["a19001"]["Avg"])
                longer[factor.code]["ZsAvg"] = np.round(longer[factor.code]["Avg"] * factor_of, 3)
    letters = [_rolled(device.st, flags[first : first + count]) for first in range(0, len(flags), count)]
    return longer, np.array(letters, dtype="<U1")


def _rolled(st: str, letters: np.ndarray) -> str:
    """The standard's rules: flue gas by share, wastewater by any."""
    if st == "31":
        stopped = int((letters == "F").sum())
        if stopped == len(letters):
            return "F"
        return "N" if int((letters == "N").sum()) >= _NORMAL_SHARE * (len(letters) - stopped) else "D"
    abnormal = [letter for letter in letters if letter != "N"]
    return max(sorted(set(abnormal)), key=lambda letter: (abnormal.count(letter), -"DBTCMFS".index(letter))) if abnormal else "N"


# what a device says, and what is true of it


@dataclass(frozen=True)
class _Message:
    """One upload: its command, period and content."""

    cn: str
    start: datetime
    length: timedelta
    groups: tuple[tuple[tuple[str, str], ...], ...]
    said: tuple[Said, ...]

    @property
    def end(self) -> datetime:
        return self.start + self.length


def messages(measured_day: DayOfDevice) -> Iterator[_Message]:
    """Everything that a device has to say of a day, in order of its periods' ends."""
    device, midnight = measured_day.device, datetime.combine(measured_day.day, time())
    lengths = {MINUTES: timedelta(minutes=device.interval), HOURS: HOUR, DAYS: DAY}
    found = []
    for cn, length in lengths.items():
        if cn in device.commands:
            found += [_message(measured_day, cn, midnight + index * length, length, index) for index in range(DAY // length)]
    if REALTIME in device.commands:
        found += [
            _spot(measured_day, midnight + index * timedelta(minutes=device.interval), index) for index in range(1440 // device.interval)
        ]
    yield from sorted(found, key=lambda message: (message.end, message.length))


def _message(measured_day: DayOfDevice, cn: str, start: datetime, length: timedelta, index: int) -> _Message:
    device, values = measured_day.device, measured_day.values[cn]
    letter = str(measured_day.flags[cn][index])
    groups, said = [], []
    for factor in device.factors:
        name, empty = device.name(factor), _is_empty(device, factor, cn, start)
        flag = "B" if empty else letter
        items = []
        for statistic in ("Cou", "Min", "Avg", "Max", "ZsAvg"):
            if statistic in values[factor.code]:
                number = float(values[factor.code][statistic][index])
                items.append((f"{name}-{statistic}", "" if empty else _printed(number)))
                said.append(_said(device, factor, statistic, start, length, None if empty else number, flag))
        if "extra_fields" in device.habits:
            items.append((f"{name}-ValidNum", "10"))
        groups.append((*items, (f"{name}-Flag", flag)))
    return _Message(cn, start, length, tuple(groups), tuple(said))


def _spot(measured_day: DayOfDevice, start: datetime, index: int) -> _Message:
    device, letter = measured_day.device, str(measured_day.flags[MINUTES][index])
    groups, said = [], []
    for factor in device.factors:
        number = float(measured_day.values[MINUTES][factor.code]["Avg"][index])
        groups.append(((f"{device.name(factor)}-Rtd", _printed(number)), (f"{device.name(factor)}-Flag", letter)))
        said.append(_said(device, factor, "Rtd", start, timedelta(), number, letter))
    return _Message(REALTIME, start, timedelta(), tuple(groups), tuple(said))


def _is_empty(device: Device, factor: Factor, cn: str, start: datetime) -> bool:
    return "empties" in device.habits and factor is device.factors[-1] and cn == HOURS and start.hour == 3


_STATISTICS = {"Cou": "cou", "Min": "min", "Avg": "avg", "Max": "max", "ZsAvg": "zs_avg", "Rtd": "rtd"}


def _said(device: Device, factor: Factor, statistic: str, start: datetime, length: timedelta, number: float | None, flag: str) -> Said:
    scale = 1.0 if statistic == "Cou" else factor.mean_scale
    utc = start - UTC_OFFSET
    value = None if number is None else number * scale
    return Said(device.point_id, factor.code, _STATISTICS[statistic], utc, utc + length, value, flag)


def _printed(number: float) -> str:
    return f"{number:.6f}".rstrip("0").rstrip(".")


class Sender:
    """Turns a device's day into events: frames as they arrive, with the habits and accidents of the device."""

    def __init__(self, device: Device, seed: int) -> None:
        self.device = device
        self._delay = timedelta(seconds=3 + int(noise.pick(seed, device.mn, "delay") * 40))
        self.true: list[Said] = []

    def events(self, measured_day: DayOfDevice) -> list[Event]:
        """In no order; what is true of the day is in `true` afterwards."""
        device, midnight = self.device, datetime.combine(measured_day.day, time())
        next_morning = midnight + DAY + timedelta(hours=7)
        events: list[Event] = []
        for number, message in enumerate(messages(measured_day)):
            hour = message.start.hour if message.cn == HOURS else None
            if "gaps" in device.habits and hour in (14, 15):
                continue
            at = message.end + self._delay
            if "late" in device.habits and hour is not None and 2 <= hour < 5:
                at = midnight + timedelta(hours=12, minutes=hour) + self._delay
            wrong = self._first_said_wrongly(message, hour)
            if wrong is not None:
                events += self._corrected(message, wrong, at, next_morning if hour == 12 else at + 2 * HOUR, midnight)
            elif "slow_packet" in device.habits and hour == 22:
                events += self._slow_packet(message, at, midnight)
            else:
                events += self._sent(message, at, number, midnight)
            self.true += message.said
            if "history" in device.habits and hour is not None and 19 <= hour < 22:
                # Read again by a platform: the same values under new request numbers.
                again = next_morning + timedelta(minutes=hour)
                events += [self._event(frame, again, midnight, known=self._values(frame)) for frame in self._frames(message, again)]
        return events

    def _sent(self, message: _Message, at: datetime, number: int, midnight: datetime) -> list[Event]:
        events = []
        for frame in self._frames(message, at):
            if "noisy" in self.device.habits and number % 20 == 7:
                damaged = self._bytes(frame).replace(b"DataTime=20", b"DataTime=29", 1)
                events.append(Event(at, damaged, read=1, quarantined=1, other_day=at >= midnight + DAY))
                at += timedelta(seconds=10)
            events.append(self._event(frame, at, midnight))
            if "repeats" in self.device.habits and number % 10 == 3:
                for time_no in range(1, 2 + number % 20 // 10):
                    again = at + time_no * timedelta(seconds=10)
                    events.append(self._event(frame, again, midnight, duplicates=self._values(frame)))
        return events

    def _first_said_wrongly(self, message: _Message, hour: int | None) -> _Message | None:
        """The message as it was sent first, with a concentration half as high again, if this device corrects this hour."""
        if not (("corrects" in self.device.habits and hour == 5) or ("corrects_next_day" in self.device.habits and hour == 12)):
            return None
        code = next(factor for factor in self.device.factors if factor.mass_scale is not None)
        name = f"{self.device.name(code)}-Avg"
        groups = tuple(
            tuple((item, _printed(float(text) * 1.5) if item == name else text) for item, text in group) for group in message.groups
        )
        return _Message(message.cn, message.start, message.length, groups, message.said)

    def _corrected(self, message: _Message, wrong: _Message, at: datetime, later: datetime, midnight: datetime) -> list[Event]:
        """One value of the later statement replaces its like; the others only repeat what was said."""
        [first], [second] = self._frames(wrong, at), self._frames(message, later)
        values, across = self._values(first), later >= midnight + DAY
        return [
            self._event(first, at, midnight, quarantined=0 if across else 1),
            self._event(
                second, later, midnight, duplicates=0 if across else values - 1, known=values - 1 if across else 0, revised=int(across)
            ),
        ]

    def _slow_packet(self, message: _Message, at: datetime, midnight: datetime) -> list[Event]:
        frames = self._frames(message, at)
        return [
            self._event(frame, at if index != 1 else midnight + DAY + timedelta(seconds=9), midnight) for index, frame in enumerate(frames)
        ]

    def _event(self, frame: Frame, at: datetime, midnight: datetime, **counts: Any) -> Event:
        values = self._values(frame)
        if not self.device.registered and not counts.get("duplicates"):
            counts |= {"quarantined": values}
        return Event(at, self._bytes(frame), read=values, other_day=at >= midnight + DAY, **counts)

    @staticmethod
    def _values(frame: Frame) -> int:
        """Canonical values of a frame."""
        return sum(name.rpartition("-")[2] in _STATISTICS for group in frame.groups for name, _ in group)

    def _frames(self, message: _Message, at: datetime) -> list[Frame]:
        device = self.device
        label = message.end if device.label_end else message.start
        head = ((("DataTime", f"{label:%Y%m%d%H%M%S}"),),)
        flag = None if device.dialect is Dialect.HJ_2005 else flag_for(device.dialect, answer=True)
        whole = Frame(
            st=device.st, cn=message.cn, mn=device.mn, qn=f"{at:%Y%m%d%H%M%S}{at.microsecond // 1000:03d}", password=PASSWORD, flag=flag,
            groups=head + message.groups,
        )  # fmt: skip
        if "splits" in device.habits or "slow_packet" in device.habits:
            return split(whole, 330, own_qn=[f"{at:%Y%m%d%H%M%S}{number:03d}" for number in range(1, 20)])
        if "splits_one_qn" in device.habits:
            packets = split(whole, 330)
            return [_counted_from_zero(packet) for packet in packets]
        return split(whole)

    def _bytes(self, frame: Frame) -> bytes:
        device = self.device
        data = encode(frame, dialect=device.dialect, key=device.key, crc_variant=device.crc)
        if "lower_case" in device.habits:
            data = data[:-6] + data[-6:].lower()
        if "no_tail" in device.habits:
            data = data.rstrip()
        if "spelled_tail" in device.habits:
            data = data.rstrip() + rb"\r\n" + b"\n"
        return data


def _counted_from_zero(packet: Frame) -> Frame:
    return packet if packet.pno is None else replace(packet, pno=packet.pno - 1)


def log_of(events: Iterable[Event], peer: str) -> bytes:
    """A receiver's log: a time stamp, where it came from, the bytes. Now and then a line of the receiver's own."""
    lines = []
    for number, event in enumerate(sorted(events, key=lambda event: event.received)):
        stamp = f"{event.received:%Y-%m-%d %H:%M:%S}.{event.received.microsecond // 1000:03d}"
        if number % 500 == 0:
            lines.append(f"{stamp} 接收服务正常 {peer}\r\n".encode("gb18030"))
        # What has no CR LF gets none: the next line then begins behind it.
        lines.append(f"{stamp} {peer} <- ".encode() + event.data)
    return b"".join(lines)
