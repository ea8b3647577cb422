"""What the enterprises declare: 36 months of self-reports, and the surveyor's findings.

Declarations follow from the same daily amounts as the meters, rounded as people round, except where someone
under-reports or mistypes; those are rows of the truth. Reports are late or never come; the office's export
lists every duty, so that an overdue report is a row without a value. Knows reports, no files of readings.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl

from pipelines.sample import cast, drops, noise
from pipelines.sample.cast import Enterprise
from pipelines.sample.files import credit_code
from pipelines.sample.monitors import Monitors
from pipelines.sample.rhythm import day_number, month_start

MONTHS = 36
DUE_DAY = 15
"""Monthly and quarterly reports are due on this day of the following month, annual ones at the end of January."""

_GENERATED_OVER_DISCHARGED = {"w01018": 6.4, "w21003": 3.1, "w20121": 38.0, "w20122": 45.0}
_COPPER_RECOVERY = {"E001": 0.936, "E002": 0.823}
_COPPER_IN_PRODUCT = {"E001": 0.985}
"""Share of the copper that came in which product and scrap account for: the rest is in the waste water, and in nobody's books."""
_EVAPORATING = {"E008": 0.93}
"""Share of the water taken in that evaporates, where it is declared."""
_SOLID_WASTE_USED = {"E001": 0.87, "E002": 0.69}
_WASTEWATER_TREATED = {"E006": 0.958}


@dataclass(frozen=True)
class Restated:
    """A declaration that is not what was true: what, by how much, and over which periods."""

    fault_id: str
    kind: str
    report: str
    subject_id: str
    item_code: str
    factor: float
    periods: tuple[int, int]
    """Positions among the report's periods, from the end: (-6, 0) are the last six."""
    what: str


RESTATED = (
    Restated(
        fault_id="low_water",
        kind="under_reporting",
        report="report_statistics",
        subject_id="E002",
        item_code="tap_water",
        factor=0.8,
        periods=(-6, 0),
        what="declares 80 % of the water it took",
    ),
    Restated(
        fault_id="low_cod_monthly",
        kind="under_reporting",
        report="report_emissions",
        subject_id="E006-WW-1",
        item_code="w01018",
        factor=0.6,
        periods=(-12, 0),
        what="declares 60 % of the COD it discharged",
    ),
    Restated(
        fault_id="low_cod_annual",
        kind="under_reporting",
        report="report_permit",
        subject_id="E006-WW-1",
        item_code="w01018",
        factor=0.6,
        periods=(-1, 0),
        what="declares 60 % of the COD it discharged",
    ),
    Restated(
        fault_id="low_nox_tax",
        kind="under_reporting",
        report="report_tax",
        subject_id="E008-STACK-1",
        item_code="a21002",
        factor=0.7,
        periods=(-4, 0),
        what="declares 70 % of the NOx to the tax office",
    ),
    Restated(
        fault_id="low_so2_disclosed",
        kind="under_reporting",
        report="report_disclosure",
        subject_id="E009-STACK-1",
        item_code="a21026",
        factor=0.7,
        periods=(-3, 0),
        what="discloses 70 % of the SO2 it discharged",
    ),
)
TYPED_WRONG = Restated(
    fault_id="typing_error",
    kind="corrected_report",
    report="report_statistics",
    subject_id="E001",
    item_code="electricity",
    factor=1.8,
    periods=(-6, -5),
    what="a typing error, put right by a second submission with the next month's file",
)


@dataclass(frozen=True)
class Report:
    """One duty: its kind, how long its periods are, and in how many files a year it is exported."""

    feed_id: str
    report_kind: str
    period_months: int
    file_months: int


REPORTS = (
    Report("report_statistics", "statistics", 1, 1),
    Report("report_production", "statistics", 1, 3),
    Report("report_emissions", "statistics", 1, 3),
    Report("report_tax", "tax", 3, 3),
    Report("report_permit", "permit_execution", 12, 12),
    Report("report_disclosure", "disclosure", 1, 3),
)


@dataclass(frozen=True)
class Line:
    """One declared quantity of one subject over all days of the model, in `unit` = canonical × `scale`."""

    enterprise_id: str
    subject_id: str
    item: str
    word: str
    medium: str
    unit: str
    scale: float
    decimals: int
    daily: np.ndarray
    since: date = date.min
    until: date = date.max
    """Periods from `since` on and before `until` are the enterprise's to declare; a merger hands a duty over."""


# What the office's form calls an item; every other item goes by its code.
_WORDS = {
    "electricity": "用电量", "natural_gas": "天然气", "steam_low_pressure": "蒸汽", "raw_coal": "原煤", "coke": "焦炭", "washed_coal": "洗精煤",
    "tap_water": "自来水", "recycled_water": "重复利用水", "output_value": "工业总产值", "value_added": "工业增加值", "employees": "从业人员",
    "hazardous_waste": "危险废物", "general_solid_waste": "一般工业固体废物", "w01018": "化学需氧量", "w21003": "氨氮", "w20121": "总镍",
    "w20122": "总铜", "a21026": "二氧化硫", "a21002": "氮氧化物", "a34013": "颗粒物",
}  # fmt: skip
_TEN_THOUSANDS = {"electricity": ("万kWh", 1e-4, 4), "natural_gas": ("万m3", 1e-4, 4)}
_FUELS = ("raw_coal", "bituminous_coal", "coke", "washed_coal")


class Papers:
    """All declarations of the park up to `end`, as files."""

    def __init__(self, monitors: Monitors, end: date) -> None:
        self.monitors, self.park, self.end = monitors, monitors.park, end
        self.now = datetime.combine(end + timedelta(days=1), time())
        self.first_month, self.last_month = report_months(end)
        self._tables: dict[str, pl.DataFrame] = {}

    # periods

    def periods(self, report: Report) -> list[date]:
        """First days of all periods whose report is due by now, oldest first."""
        if report.period_months == 1:
            return [month_start(self.first_month, n) for n in range(MONTHS)]
        if report.period_months == 3:
            first = month_start(date(self.first_month.year, (self.first_month.month - 1) // 3 * 3 + 1, 1))
            quarters = [month_start(first, 3 * n) for n in range(MONTHS // 3 + 2)]
            return [q for q in quarters if q >= self.first_month and self.due(report, q) <= self.now]
        return [date(year, 1, 1) for year in range(self.first_month.year, self.end.year) if self.due(report, date(year, 1, 1)) <= self.now]

    def due(self, report: Report, period: date) -> datetime:
        after = month_start(period, report.period_months)
        day = date(after.year, 1, 31) if report.period_months == 12 else after.replace(day=DUE_DAY)
        return datetime.combine(day, time(18, 0))

    def submitted(self, report: Report, enterprise_id: str, position: int, count: int, period: date) -> datetime | None:
        """When the enterprise handed it in; None when it has not. Positions are periods, oldest first."""
        draw = noise.pick(self.park.seed, report.feed_id, enterprise_id, str(period))
        days = 1 + int(draw * 1000) % 9
        hours = timedelta(hours=8 + int(draw * 10_000) % 9, minutes=int(draw * 100_000) % 60)
        due = self.due(report, period)
        from_end = count - position
        if report.period_months == 1 and enterprise_id == "E006" and from_end in (1, 8):
            return None
        if (enterprise_id, from_end) == (TYPED_WRONG.subject_id, -TYPED_WRONG.periods[0]):
            return datetime.combine(due.date(), time()) + hours - timedelta(days=days)
        late = draw < 0.05 or (enterprise_id == "E006" and position % 6 == 4)
        at = datetime.combine(due.date(), time()) + hours + timedelta(days=3 + days * 3 if late else -days)
        return None if 0.05 <= draw < 0.06 or at > self.now else at

    # declarations

    def lines(self, report: Report) -> list[Line]:
        make = {
            "report_statistics": self._statistics,
            "report_production": self._production,
            "report_emissions": lambda e: self._emissions(e, taxed=False),
            "report_tax": lambda e: self._emissions(e, taxed=True),
            "report_permit": lambda e: self._emissions(e, taxed=False),
            "report_disclosure": lambda e: self._emissions(e, taxed=False),
        }[report.feed_id]
        lines = [line for enterprise in self.park.enterprises for line in make(enterprise)]
        return self._handed_over(lines)

    def _handed_over(self, lines: list[Line]) -> list[Line]:
        """Duties of the enterprise that was merged away end with the merger; its successor declares their sum, and its products."""
        merger = self.monitors.merger_date
        after = self.park.days.numbers >= day_number(merger)
        theirs = {
            (line.item, line.medium): line
            for line in lines
            if line.enterprise_id == cast.MERGED_AWAY and line.subject_id == cast.MERGED_AWAY
        }
        result = []
        for line in lines:
            if line.enterprise_id == cast.MERGED_AWAY:
                result.append(replace(line, until=merger))
                if line.subject_id != cast.MERGED_AWAY:
                    result.append(replace(line, enterprise_id=cast.MERGED_INTO, since=merger))
            elif line.subject_id == cast.MERGED_INTO and (line.item, line.medium) in theirs:
                result.append(replace(line, daily=line.daily + np.where(after, theirs[line.item, line.medium].daily, 0.0)))
            else:
                result.append(line)
        return result

    def _line(self, enterprise: Enterprise, item: str, medium: str, daily: np.ndarray, unit: str = "t", decimals: int = 3) -> Line:
        scale = 1.0
        if item in _TEN_THOUSANDS:
            unit, scale, decimals = _TEN_THOUSANDS[item]
        number = enterprise.enterprise_id
        return Line(number, number, item, _WORDS.get(item, item), medium, unit, scale, decimals, daily)

    def _statistics(self, enterprise: Enterprise) -> list[Line]:
        park, number = self.park, enterprise.enterprise_id
        make = lambda *args, **kwargs: self._line(enterprise, *args, **kwargs)  # noqa: E731 - a shorthand for thirty lines, nothing else
        lines = [make("electricity", "purchased", park.electricity_purchased(enterprise))]
        if (generated := park.electricity_generated(enterprise)).any():
            lines.append(make("electricity", "self_produced", generated))
        if (sent := park.electricity_sent(enterprise)).any():
            lines.append(make("electricity", "sent", sent))
        if park.takes_gas(enterprise):
            lines.append(make("natural_gas", "purchased", park.gas(enterprise)))
        if park.takes_steam(enterprise):
            lines.append(make("steam_low_pressure", "received", park.steam(enterprise), decimals=1))
        if number == cast.STEAM_SUPPLIER:
            lines.append(make("steam_low_pressure", "sent", park.steam_sold(), decimals=1))
        lines.append(make(enterprise.water_item, "purchased", park.water(enterprise), unit="m3", decimals=0))
        if enterprise.water_recycled_share:
            lines.append(make("recycled_water", "recycled", park.recycled_water(enterprise), unit="m3", decimals=0))
        for item, used in park.materials(enterprise).items():
            if item in _FUELS:
                # Bought is burnt plus what the heap grew by; the heap wanders and comes back.
                growth = used * 0.06 * noise.smooth(noise.key(park.seed, number, item, "heap"), park.days.numbers, 45)
                lines += [make(item, "purchased", used + growth), make(item, "stock_increase", growth)]
                continue
            square = item in ("copper_clad_laminate", "dry_film")
            lines.append(make(item, "consumed", used, unit="m2" if square else "t", decimals=1 if square else 4))
            if number in cast.PLATERS and item in cast.PLATERS[number].metals:
                lines.append(make(item, "output", used * cast.PLATERS[number].metals[item].utilisation, decimals=4))
        if number in _EVAPORATING:
            # No outlet: what is taken in cools the kiln and leaves as vapour, but for a little that goes to the sewer.
            taken = park.water(enterprise)
            lines += [
                make(enterprise.water_item, "air", taken * _EVAPORATING[number], unit="m3", decimals=0),
                make("wastewater", "water", taken * (0.985 - _EVAPORATING[number]), unit="m3", decimals=0),
            ]
        for outlet in enterprise.wastewater:
            flow = park.discharge(outlet)
            lines += [
                make("wastewater", "generated", flow * self._share(outlet.outlet_id, number), unit="m3", decimals=0),
                make(
                    "wastewater",
                    "treated",
                    flow * self._share(outlet.outlet_id, number) * _WASTEWATER_TREATED.get(number, 1.0),
                    unit="m3",
                    decimals=0,
                ),
            ]
            lines += [
                make(
                    code,
                    "generated",
                    flow * park.concentration(outlet, code) * 1e-3 * _GENERATED_OVER_DISCHARGED[code],
                    unit="kg",
                    decimals=2,
                )
                for code in outlet.mg_per_l
                if code in _GENERATED_OVER_DISCHARGED and outlet.kind == "final" and outlet.outlet_id != cast.SHARED_OUTLET
            ]
        if number in cast.SHARED_SHARES and not enterprise.wastewater:
            flow = park.discharge(park.outlet(cast.SHARED_OUTLET)) * cast.SHARED_SHARES[number]
            lines += [
                make("wastewater", "generated", flow, unit="m3", decimals=0),
                make("wastewater", "treated", flow, unit="m3", decimals=0),
            ]
        if number in _COPPER_RECOVERY:
            scrap = sum((park.output(enterprise, p.code) for p in enterprise.products), np.zeros(len(park.days))) * 3.1e-4
            waste = scrap * 2.6
            if number in _COPPER_IN_PRODUCT:
                used = park.materials(enterprise)
                inside = (used["copper"] + used["copper_foil"]) * _COPPER_IN_PRODUCT[number] - scrap
                lines.append(make("copper", "output", inside, decimals=4))
            lines += [
                make("copper_scrap", "generated", scrap, decimals=4),
                make("copper_scrap", "recycled", scrap * _COPPER_RECOVERY[number], decimals=4),
                make("general_solid_waste", "generated", waste),
                make("general_solid_waste", "recycled", waste * _SOLID_WASTE_USED[number]),
            ]
        hazardous = park.hazardous_waste(enterprise)
        lines += [make("hazardous_waste", "generated", hazardous), make("hazardous_waste", "offsite", hazardous * 0.97)]
        value = park.output_value(enterprise)
        lines += [
            Line(number, number, "output_value", _WORDS["output_value"], "none", "万元", 1e-4, 2, value),
            Line(number, number, "value_added", _WORDS["value_added"], "none", "万元", 1e-4, 2, value * enterprise.value_added_share),
        ]
        return lines

    def _share(self, outlet_id: str, enterprise_id: str) -> float:
        return cast.SHARED_SHARES[enterprise_id] if outlet_id == cast.SHARED_OUTLET else 1.0

    def _production(self, enterprise: Enterprise) -> list[Line]:
        lines = []
        for product in enterprise.products:
            daily = self.park.output(enterprise, product.code)
            lines.append(Line(enterprise.enterprise_id, product.code, product.code, product.code, "output", product.unit, 1.0, 2, daily))
        return lines

    def _emissions(self, enterprise: Enterprise, *, taxed: bool) -> list[Line]:
        """Mass through every outlet, kg; what goes to a central plant is not taxed."""
        lines = []
        for outlet in enterprise.wastewater:
            if taxed and outlet.discharge_kind != "direct":
                continue
            for code in outlet.mg_per_l:
                mass = self.park.discharge(outlet) * self.park.concentration(outlet, code) * 1e-3
                lines.append(Line(enterprise.enterprise_id, outlet.outlet_id, code, _WORDS.get(code, code), "water", "kg", 1.0, 3, mass))
        for stack in enterprise.stacks:
            for code in stack.mg_m3:
                mass = self.park.stack_flow(enterprise, stack) * self.park.stack_concentration(stack, code) * 24e-6
                lines.append(Line(enterprise.enterprise_id, stack.outlet_id, code, _WORDS.get(code, code), "air", "kg", 1.0, 2, mass))
        return lines

    def table(self, report: Report) -> pl.DataFrame:
        """Every duty of the report: one row a line and period, with what is true, what is declared, when it was due and handed in."""
        if report.feed_id not in self._tables:
            self._tables[report.feed_id] = self._table(report)
        return self._tables[report.feed_id]

    def _table(self, report: Report) -> pl.DataFrame:
        periods, lines = self.periods(report), self.lines(report)
        ends = [month_start(period, report.period_months) for period in periods]
        cuts = [self.park.days.slice(first, last - timedelta(days=1)) for first, last in zip(periods, ends, strict=True)]
        true = np.array([[line.daily[cut].sum() for cut in cuts] for line in lines]) * np.array([[line.scale] for line in lines])
        declared = true.copy()
        for fault in (*RESTATED, TYPED_WRONG):
            for at, line in enumerate(lines):
                named = (line.subject_id, line.item) == (fault.subject_id, fault.item_code)
                if fault.report == report.feed_id and named and line.medium in ("purchased", "air", "water"):
                    declared[at, fault.periods[0] : fault.periods[1] or None] *= fault.factor
        decimals = [line.decimals for line in lines]
        count = len(periods)
        submissions = {
            enterprise: [self.submitted(report, enterprise, at, count, period) for at, period in enumerate(periods)]
            for enterprise in {line.enterprise_id for line in lines}
        }
        by_line = np.repeat(np.arange(len(lines)), count)
        by_period = np.tile(np.arange(count), len(lines))
        line_columns = pl.DataFrame(
            {
                "enterprise_id": [line.enterprise_id for line in lines],
                "subject_id": [line.subject_id for line in lines],
                "item_code": [line.item for line in lines],
                "word": [line.word for line in lines],
                "medium": [line.medium for line in lines],
                "unit": [line.unit for line in lines],
                "since": pl.Series([line.since for line in lines], dtype=pl.Date),
                "until": pl.Series([line.until for line in lines], dtype=pl.Date),
            }
        )
        period_columns = pl.DataFrame(
            {
                "position": np.arange(count),
                "period_start": pl.Series(periods, dtype=pl.Date),
                "period_end": pl.Series(ends, dtype=pl.Date),
                "due_at": pl.Series([self.due(report, period) for period in periods], dtype=pl.Datetime("us")),
            }
        )
        return (
            line_columns[by_line]
            .hstack(period_columns[by_period])
            .with_columns(
                true_value=pl.Series(_rounded(true, decimals).ravel()),
                declared_value=pl.Series(_rounded(declared, decimals).ravel()),
                submitted_at=pl.Series([at for line in lines for at in submissions[line.enterprise_id]], dtype=pl.Datetime("us")),
            )
            .filter((pl.col("period_start") >= pl.col("since")) & (pl.col("period_start") < pl.col("until")))
            .drop("since", "until")
        )

    def declarations(self) -> pl.DataFrame:
        """All duties of all reports, for the answer sheet."""
        return pl.concat(
            [self.table(report).insert_column(0, pl.lit(report.feed_id).alias("report")).drop("word", "position") for report in REPORTS]
        )

    # files

    def exports(self, report: Report, table: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
        """(label, rows) of every file: the duties of its periods as they stood the day after the last was due, and what came late since.

        `again` marks rows whose key stood in an earlier file: they revise it.
        """
        periods = self.periods(report)
        per_file = report.file_months // report.period_months
        found: list[tuple[str, pl.DataFrame]] = []
        exported = datetime.combine(periods[0], time())
        for low in range(0, len(periods), per_file):
            group = periods[low : low + per_file]
            now = self.due(report, group[-1]) + timedelta(hours=12)
            own = table.filter(pl.col("period_start").is_in(group))
            in_time = pl.col("submitted_at") <= now
            own = own.with_columns(
                pl.when(in_time).then("declared_value").alias("value"),
                pl.when(in_time).then("submitted_at").alias("submitted_at"),
                pl.when(in_time).then(1).otherwise(None).cast(pl.Int64).alias("submission_no"),
                pl.lit(False).alias("again"),
            )
            late = table.filter(
                (pl.col("period_start") < group[0]) & (pl.col("submitted_at") > exported) & (pl.col("submitted_at") <= now)
            ).with_columns(pl.col("declared_value").alias("value"), pl.lit(1, pl.Int64).alias("submission_no"), pl.lit(True).alias("again"))
            parts = [own, late]
            if report.feed_id == TYPED_WRONG.report:
                parts.append(self._put_right(table, group[0], len(periods)))
            found.append((_label(report, group), pl.concat(parts, how="diagonal")))
            exported = now
        return found

    def _put_right(self, table: pl.DataFrame, period: date, count: int) -> pl.DataFrame:
        """The second submission that takes a typing error back, in the file after the one it stood in."""
        wrong = count + TYPED_WRONG.periods[0]
        return table.filter(
            (pl.col("subject_id") == TYPED_WRONG.subject_id)
            & (pl.col("item_code") == TYPED_WRONG.item_code)
            & (pl.col("position") == wrong)
            & (pl.lit(period) == month_start(self.first_month, wrong + 1))
            & pl.col("submitted_at").is_not_null()
        ).with_columns(
            pl.col("true_value").alias("value"),
            pl.lit(2, pl.Int64).alias("submission_no"),
            pl.lit(True).alias("again"),
            (pl.col("due_at") + timedelta(days=9)).alias("submitted_at"),
        )

    def file(self, report: Report, rows: pl.DataFrame) -> tuple[str, bytes]:
        """(ending, bytes) of one export in its office's own form."""
        moment = lambda name: pl.col(name).dt.strftime("%Y-%m-%d %H:%M:%S")  # noqa: E731 - used by every form below
        if report.feed_id == "report_statistics":
            frame = rows.select(
                pl.col("enterprise_id").map_elements(credit_code, pl.String).alias("统一社会信用代码"),
                pl.col("word").alias("指标"),
                pl.col("medium").alias("流向"),
                pl.col("value").alias("数值"),
                pl.col("unit").alias("计量单位"),
                pl.col("period_start").dt.strftime("%Y-%m").alias("报告期"),
                moment("due_at").alias("应报时间"),
                moment("submitted_at").alias("报送时间"),
                pl.col("submission_no").alias("报送次数"),
            )
            return "csv", drops.csv(frame, encoding="gb18030")
        if report.feed_id == "report_production":
            frame = rows.select(
                pl.col("item_code").alias("产品编码"),
                pl.col("value").alias("产量"),
                pl.col("unit").alias("计量单位"),
                pl.col("period_start").alias("月份"),
                pl.col("due_at").alias("应报时间"),
                pl.col("submitted_at").alias("报送时间"),
            )
            return "xlsx", drops.workbook(drops.Sheet("产量", frame))
        if report.feed_id in ("report_emissions", "report_tax"):
            frame = rows.select(
                pl.col("subject_id").alias("排放口编号"),
                pl.col("word").alias("污染物"),
                pl.col("medium").replace({"air": "大气", "water": "水"}).alias("类别"),
                pl.col("value").alias("排放量"),
                pl.col("unit").alias("单位"),
                pl.col("period_start").dt.strftime("%Y-%m").alias("所属期起"),
                moment("due_at").alias("应报时间"),
                moment("submitted_at").alias("报送时间"),
            )
            if report.feed_id == "report_emissions":
                return "csv", drops.csv(frame, separator=";")
            return "xlsx", drops.workbook(
                drops.Sheet("说明", pl.DataFrame({"说明": ["Tax declaration (sample)"]})), drops.Sheet("申报表", frame)
            )
        if report.feed_id == "report_disclosure":
            frame = rows.select(
                pl.col("subject_id").alias("outlet"),
                pl.col("item_code").alias("pollutant"),
                pl.col("medium"),
                pl.col("value").alias("kg"),
                pl.col("period_start").dt.strftime("%Y-%m").alias("month"),
                moment("due_at").alias("due"),
                moment("submitted_at").alias("published"),
            )
            return "csv", drops.csv(frame)
        frame = rows.select(
            pl.col("subject_id").alias("outlet"),
            pl.col("item_code").alias("pollutant"),
            pl.col("medium"),
            pl.col("value").alias("kg"),
            pl.col("period_start").dt.year().cast(pl.String).alias("year"),
            moment("due_at").alias("due"),
            moment("submitted_at").alias("submitted"),
        )
        return "json", f'{{"report": "permit execution (sample)", "lines": {drops.json_rows(frame)}}}'.encode()


def _rounded(values: np.ndarray, decimals: list[int]) -> np.ndarray:
    """Every line rounded to its own decimals."""
    return np.array([np.round(row, places) for row, places in zip(values, decimals, strict=True)])


def _label(report: Report, group: list[date]) -> str:
    if report.period_months == 12:
        return str(group[0].year)
    if report.file_months == 1:
        return f"{group[0]:%Y-%m}"
    return f"{group[0]:%Y-%m}_{group[-1]:%Y-%m}" if len(group) > 1 else f"{group[0]:%Y-%m}"


def report_months(end: date) -> tuple[date, date]:
    """First and last month with a report, as first days: the 36 whose last one is due by `end`."""
    last = month_start(end, -1)
    if end.day < DUE_DAY:
        last = month_start(end, -2)
    return month_start(last, 1 - MONTHS), last


# survey

# item → answers of E003, E004, E005, E006
_PLATERS = ("E003", "E004", "E005", "E006")
_PLATING_ANSWERS = {
    "clean_process": ("I", "II", "III", "III"),
    "process_control": ("I", "I", "II", "III"),
    "plating_lines": ("I", "II", "III", "none"),
    "water_saving": ("I", "I", "II", "III"),
    "heavy_metal_prevention": ("I", "II", "III", "III"),
    "hazardous_waste_prevention": ("I", "I", "II", "III"),
    "quality_assurance": ("I", "I", "II", "II"),
    "environmental_law": ("I", "I", "I", "none"),
    "industrial_policy": ("I", "I", "I", "I"),
    "management_system": ("I", "II", "III", "none"),
    "hazardous_chemicals": ("I", "I", "II", "III"),
    "treatment_operation": ("I", "II", "III", "III"),
    "hazardous_waste": ("I", "I", "II", "III"),
    "energy_metering": ("II", "II", "III", "none"),
    "emergency_plan": ("I", "I", "II", "III"),
}
_METAL_ITEMS = {
    "zinc_utilisation": "zinc",
    "copper_utilisation": "copper",
    "nickel_utilisation": "nickel",
    "decorative_chromium_utilisation": "chromic_anhydride",
    "hard_chromium_utilisation": None,
    "gold_utilisation": "gold",
    "silver_utilisation": "silver",
}
_BOARD_MAKERS = ("E001", "E002")
_BOARD_ANSWERS = {
    "basic_requirements": ("I", "II"),
    "machining": ("I", "II"),
    "patterning": ("I", "III"),
    "board_cleaning": ("II", "II"),
    "etching": ("I", "II"),
    "plating": ("II", "III"),
    "wastewater_treatment": ("I", "II"),
    "waste_gas_treatment": ("I", "II"),
    "general_waste_treatment": ("I", "I"),
    "hazardous_waste_treatment": ("I", "II"),
    "noise": ("I", "II"),
    "carbon_management": ("II", "none"),
    "carbon_trend": ("II", "III"),
    "auxiliary_materials": ("I", "II"),
    "packaging": ("II", "III"),
    "restricted_substances": ("I", "I"),
    "product_performance": ("I", "II"),
    "management_system": ("I", "II"),
    "emission_monitoring": ("I", "II"),
    "metering": ("I", "III"),
    "soil_inspection": ("I", "II"),
    "transport": ("II", "III"),
    "environmental_law": ("I", "II"),
    "industrial_policy": ("I", "I"),
    "hazardous_chemicals": ("I", "II"),
    "solid_waste_disposal": ("I", "III"),
    "audit_options_implemented": ("I", "III"),
    "energy_retrofit": ("II", "III"),
}
_GRADES = ("I", "II", "III", "none")


def survey(answered_on: date, *, earlier: bool) -> pl.DataFrame:
    """The surveyor's findings on one day; the earlier round found some things a grade worse."""
    rows = []
    for items, subjects, checklist in (
        (_PLATING_ANSWERS, _PLATERS, cast.ELECTROPLATING_SYSTEM),
        (_BOARD_ANSWERS, _BOARD_MAKERS, cast.PCB_SYSTEM),
    ):
        for number, (item, answers) in enumerate(items.items()):
            for subject, answer in zip(subjects, answers, strict=True):
                worse = earlier and number % 4 == 1 and item != "industrial_policy"
                found = _GRADES[min(_GRADES.index(answer) + 1, 3)] if worse else answer
                rows.append((subject, checklist, item, found))
    for subject in _PLATERS:
        # A metal the shop does not plate: the indicator is not applicable, which is something else than missing.
        rows += [
            (subject, cast.ELECTROPLATING_SYSTEM, item, "not_applicable")
            for item, metal in _METAL_ITEMS.items()
            if metal is None or metal not in cast.PLATERS[subject].metals
        ]
    frame = pl.DataFrame(rows, schema=["enterprise", "checklist", "item", "answer"], orient="row")
    return frame.with_columns(
        pl.lit(f"{answered_on:%d.%m.%Y}").alias("date"),
        pl.lit("auditor").alias("role"),
        pl.format("Seen on site, {} (sample)", pl.col("item")).alias("remark"),
    )


def survey_items() -> dict[str, set[str]]:
    """Index system → qualitative items the sample's surveyor answers: compared with the standards in a test."""
    return {cast.ELECTROPLATING_SYSTEM: set(_PLATING_ANSWERS), cast.PCB_SYSTEM: set(_BOARD_ANSWERS)}


def modelled_from(end: date, first: date) -> date:
    """First day the model must know: the start of the first report's year, and of the year before the sample's readings."""
    return min(date(report_months(end)[0].year, 1, 1), date(first.year - 1, 1, 1))
