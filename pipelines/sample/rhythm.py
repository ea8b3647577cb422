"""Days, holidays, shifts: when the park works.

Day numbers count from 1970-01-01 and are the positions of all daily noise. Hours are local standard time;
the sample park's zone has no summer time, which `local_to_utc` relies on and `feeds/_park.yaml` fixes.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

EPOCH = date(1970, 1, 1)
UTC_OFFSET = timedelta(hours=8)
HOURS = 24

# First day of the lunar year; the week around it is when discrete manufacturing stands still.
_LUNAR_NEW_YEAR = [
    date(2016, 2, 8), date(2017, 1, 28), date(2018, 2, 16), date(2019, 2, 5), date(2020, 1, 25), date(2021, 2, 12), date(2022, 2, 1), date(2023, 1, 22),
    date(2024, 2, 10), date(2025, 1, 29), date(2026, 2, 17), date(2027, 2, 6), date(2028, 1, 26), date(2029, 2, 13),
    date(2030, 2, 3),
]  # fmt: skip
FIRST_END = date(2021, 12, 31)
LAST_END = date(2030, 12, 31)
"""Ends of a sample between which the holiday table holds, 36 months of reports before the first included."""

# Share of a day's amount that falls to each hour, before noise.
_SHIFTS = {
    "continuous": np.ones(HOURS),
    "day_night": np.array([0.62] * 6 + [0.8, 1.0] + [1.25] * 4 + [1.1] + [1.25] * 5 + [1.1] + [1.05] * 3 + [0.8, 0.7]),
    "two_shifts": np.array([0.18] * 6 + [0.7] + [1.6] * 5 + [1.3] + [1.6] * 5 + [1.5] * 3 + [1.2, 0.5, 0.2]),
    "day": np.array([0.06] * 7 + [0.6] + [2.4] * 4 + [1.6] + [2.4] * 4 + [1.6, 0.5] + [0.1] * 5),
    "town": np.array([0.55, 0.45, 0.4, 0.4, 0.45, 0.6, 0.95, 1.35, 1.4, 1.3, 1.2, 1.15, 1.2, 1.1, 1.0, 0.95, 1.0, 1.1, 1.25, 1.4,
                      1.4, 1.3, 1.05, 0.75]),
}  # fmt: skip
SHIFTS = {name: shares / shares.sum() for name, shares in _SHIFTS.items()}

# Share of full production by weekday, Monday first.
WEEKS = {
    "always": np.ones(7),
    "six_days": np.array([1.0, 1.02, 1.03, 1.02, 1.0, 0.92, 0.25]),
    "five_days": np.array([1.0, 1.03, 1.04, 1.03, 0.97, 0.3, 0.06]),
}


def day_number(day: date) -> int:
    return (day - EPOCH).days


def day_of(number: int) -> date:
    return EPOCH + timedelta(days=int(number))


def month_start(day: date, shift: int = 0) -> date:
    """First day of the month `shift` months away."""
    count = day.year * 12 + day.month - 1 + shift
    return date(count // 12, count % 12 + 1, 1)


def month_end(first: date) -> date:
    """Last day of the month that starts on `first`."""
    return month_start(first, 1) - timedelta(days=1)


@dataclass(frozen=True)
class Days:
    """A run of local days as the model's daily axis."""

    first: date
    last: date

    @property
    def numbers(self) -> np.ndarray:
        return np.arange(day_number(self.first), day_number(self.last) + 1, dtype=np.int64)

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def slice(self, first: date, last: date) -> slice:
        """Positions of `first` to `last`, both inclusive."""
        if first < self.first or last > self.last:
            raise ValueError(f"days {first} to {last} are outside the modelled days {self.first} to {self.last}")
        start = (first - self.first).days
        return slice(start, start + (last - first).days + 1)

    @property
    def weekdays(self) -> np.ndarray:
        """0 for Monday."""
        return (self.numbers + 3) % 7

    @property
    def season(self) -> np.ndarray:
        """-1 in mid-January, +1 in mid-July, by straight lines (no libm: see `noise`)."""
        in_year = np.array([day_of(n).timetuple().tm_yday for n in self.numbers], dtype=np.float64)
        return 1.0 - np.abs(((in_year - 197.0 + 182.5) % 365.0) - 182.5) / 91.25

    @property
    def holiday(self) -> np.ndarray:
        """True on public holidays on which discrete manufacturing stands still."""
        off: set[int] = set()
        for new_year in _LUNAR_NEW_YEAR:
            off.update(range(day_number(new_year) - 2, day_number(new_year) + 7))
        for year in range(self.first.year, self.last.year + 1):
            off.add(day_number(date(year, 1, 1)))
            off.update(day_number(date(year, 5, day)) for day in (1, 2))
            off.update(day_number(date(year, 10, day)) for day in (1, 2, 3))
        return np.isin(self.numbers, np.fromiter(off, dtype=np.int64))

    def months(self) -> np.ndarray:
        """Number of the month (year * 12 + month - 1) of every day."""
        return np.array([day_of(n).year * 12 + day_of(n).month - 1 for n in self.numbers], dtype=np.int64)


def local_times(first: date, last: date, step_minutes: int = 60) -> pl.Series:
    """Starts of all local periods of the days `first` to `last`, naive."""
    count = ((last - first).days + 1) * HOURS * 60 // step_minutes
    start = day_number(first) * 24 * 60
    return pl.Series("local", (start + np.arange(count, dtype=np.int64) * step_minutes) * 60_000_000).cast(pl.Datetime("us"))


def local_to_utc(column: str | pl.Expr) -> pl.Expr:
    expression = pl.col(column) if isinstance(column, str) else column
    return expression - UTC_OFFSET
