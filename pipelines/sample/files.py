"""Which file every feed of readings sends for a run of days: the sample's counterpart of `pipelines/feeds`.

One method a feed, in the sender's own layout, words and units. Counts beside the bytes say what a faultless
reader finds. Which days a file covers, and what becomes of it, is `generate`'s business.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal

import numpy as np
import polars as pl

from pipelines.sample import drops, noise
from pipelines.sample.cast import Wastewater
from pipelines.sample.drops import Content, Run
from pipelines.sample.faults import UNREGISTERED_ACCOUNT, Faults
from pipelines.sample.fleet import inlet_log
from pipelines.sample.monitors import PLATFORM_STACKS, Monitors, submeter_point, wastewater_point
from pipelines.sample.rhythm import HOURS, UTC_OFFSET, local_times
from pipelines.sample.telemetry import mn

CAMPAIGN_DAY = date(2026, 3, 18)
"""Day of the only stack test whose file carries no date; its contract names the day."""

Period = Literal["day", "week", "month"]


def account(scheme: str, enterprise_id: str) -> str:
    """The invented number an outside company knows an enterprise by."""
    prefix = {"grid_account": "0331", "water_account": "SW", "gas_account": "G-"}[scheme]
    return f"{prefix}{int(enterprise_id[1:]) * 7919 % 100_000_000:08d}"


def credit_code(enterprise_id: str) -> str:
    """An invented credit code: real ones never contain the letter S."""
    return f"91SAMPLE{int(enterprise_id[1:]):010d}"


def platform_code(outlet_id: str) -> str:
    return f"DA{int(outlet_id[1:4]):05d}"


TAG_VARIABLES = {"electricity": "P", "raw_coal": "FC", "steam_load": "FS", "steam_pressure": "PS", "steam_temperature": "TS"}


def tag(point_id: str, parameter: str) -> str:
    """The process historian's name of a channel."""
    return f"{point_id.replace('-', '_')}.{TAG_VARIABLES[parameter]}"


_STEEL_FLAGS = {"N": "正常", "F": "停运", "M": "维护", "C": "校准", "D": "故障"}
_CEMENT_FLAGS = {"N": "0", "C": "1", "M": "2", "D": "3", "F": "9"}
_STEEL_STACKS = {"1#烧结机头": "E007-STACK-1", "2#热风炉": "E007-STACK-2"}
_STEEL_NAMES = {
    "a21026": "SO2", "a21002": "NOx", "a34013": "颗粒物", "a19001": "氧含量(%)", "a01012": "烟温(℃)", "a01014": "含湿量(%)",
    "a01013": "静压(kPa)", "a00000": "标干流量(m3/h)",
}  # fmt: skip
_CEMENT_NAMES = {
    "a21026": "SO2_mg", "a21002": "NOx_mg", "a34013": "PM_mg", "a19001": "O2_pct", "a01012": "T_degC", "a01014": "H2O_pct",
    "a01013": "P_kPa", "a00000": "Q_m3h",
}  # fmt: skip
_POWER_NAMES = {
    "a21026": "SO2", "a21002": "NOX", "a34013": "DUST", "a19001": "O2", "a01012": "TEMP", "a01014": "MOIST", "a01013": "PRESS",
    "a00000": "FLOW",
}  # fmt: skip
_INCINERATOR_NAMES = {
    "a21026": "SO2", "a21002": "NOx", "a34013": "Staub", "a21024": "HCl", "a21005": "CO", "a19001": "O2", "a01012": "Temp",
    "a01014": "Feuchte", "a01013": "Druck", "a00000": "Volumenstrom",
}  # fmt: skip
_GASES = ("a21026", "a21002", "a34013")


def _column(values: np.ndarray) -> pl.Series:
    return pl.Series(values.ravel()).fill_nan(None)


def _repeated(texts: Sequence[str], each: int) -> pl.Series:
    return pl.Series(list(texts), dtype=pl.String).gather(np.repeat(np.arange(len(texts)), each))


def _tiled(texts: Sequence[str], times: int) -> pl.Series:
    return pl.Series(list(texts), dtype=pl.String).gather(np.tile(np.arange(len(texts)), times))


def _words(letters: np.ndarray, words: dict[str, str]) -> pl.Series:
    return pl.Series(letters.ravel().astype(str), dtype=pl.String).replace_strict(words)


def _end_labels(run: Run) -> list[str]:
    """Hours labelled by their end, the last of a day as 24:00 of the same day."""
    days = [run.first + timedelta(days=n) for n in range((run.last - run.first).days + 1)]
    return [f"{day:%Y-%m-%d} {hour:02d}:00" for day in days for hour in range(1, HOURS + 1)]


def _stamps(run: Run, pattern: str, shift: timedelta = timedelta(), step_minutes: int = 60) -> pl.Series:
    return (local_times(run.first, run.last, step_minutes) + shift).dt.strftime(pattern)


def _counted(cells: pl.DataFrame, flagged: np.ndarray | None = None) -> tuple[int, int]:
    """Canonical rows and empty cells of a wide table: an empty cell on a flagged row is a row without a value."""
    absent = cells.select(pl.all().is_null()).to_numpy()
    silent = absent & ~flagged.ravel()[:, None] if flagged is not None else absent
    return int(absent.size - silent.sum()), int(silent.sum())


@dataclass(frozen=True)
class Feed:
    """How often a feed sends a file, and its path below the feed's folder."""

    feed_id: str
    period: Period
    name: str
    build: Callable[[Run, frozenset[str]], Content | None] = field(repr=False)

    def path(self, run: Run) -> str:
        return f"{self.feed_id}/{self.name.format(label=run.label, year=run.first.year, month=f'{run.first.month:02d}')}"


class Files:
    """Builders of all reading feeds over one set of monitors and faults."""

    def __init__(self, monitors: Monitors, faults: Faults) -> None:
        self.monitors, self.faults, self.park = monitors, faults, monitors.park

    @property
    def feeds(self) -> list[Feed]:
        return [
            Feed("utility_electricity", "month", "electricity_{label}.csv", self.utility_electricity),
            Feed("grid_registers", "month", "HV_{label}.csv", self.grid_registers),
            Feed("utility_water", "month", "抄表_{label}.xlsx", self.utility_water),
            Feed("utility_gas", "month", "gas_{label}.csv.gz", self.utility_gas),
            Feed("e001_energy", "month", "energy_{label}.csv", self.e001_energy),
            Feed("e003_meters", "week", "{label}.json", self.e003_meters),
            Feed("e005_meter_book", "month", "book_{label}.csv", self.e005_meter_book),
            Feed("e007_steel_cems", "day", "{year}/{month}/CEMS_{label}.csv", self.e007_steel_cems),
            Feed("e008_cement_cems", "week", "kiln_{label}.csv", self.e008_cement_cems),
            Feed("e009_chp_cems", "week", "{year}/boiler_{label}.tsv", self.e009_chp_cems),
            Feed("e009_steam_meters", "month", "steam_{label}.csv", self.e009_steam_meters),
            Feed("e010_wwtp", "week", "plant_{label}.json", self.e010_wwtp),
            Feed("e011_incinerator", "week", "line1_{label}.csv.gz", self.e011_incinerator),
            Feed("historian", "month", "historian_{label}.parquet", self.historian),
            Feed("wastewater_online", "week", "online_{label}.jsonl", self.wastewater_online),
            Feed("metals_online", "month", "metals_{label}.jsonl", self.metals_online),
            Feed("stack_platform", "month", "platform_{label}.csv", self.stack_platform),
            Feed("lab_samples", "month", "lab_{label}.xlsx", self.lab_samples),
            Feed("hj212_inlets", "week", "hj212_{label}.log", self.hj212_inlets),
        ]

    def _sent(self, feed_id: str, point: str, parameter: str, run: Run, without: frozenset[str] = frozenset()) -> np.ndarray:
        return self.faults.sent(feed_id, point, parameter, run.first, run.last, without)

    # meters

    def utility_electricity(self, run: Run, without: frozenset[str]) -> Content:
        """Grid company, all low- and medium-voltage customers: long, interval-end labels, 24:00, kWh and 万kWh."""
        customers = [e for e in self.park.enterprises if not e.high_voltage]
        labels = _end_labels(run)
        values = [self._sent("utility_electricity", f"{e.enterprise_id}-EL", "electricity", run).ravel() for e in customers]
        units = [self.monitors.channels[f"{e.enterprise_id}-EL", "electricity"].unit for e in customers]
        accounts = [account("grid_account", e.enterprise_id) for e in customers]
        names = [e.name for e in customers]
        stranger = 180.0 + 40.0 * noise.normal(
            noise.key(self.park.seed, "stranger"), np.arange(len(labels)) + run.first.toordinal() * HOURS
        )
        values.append(np.round(stranger, 1))
        frame = pl.DataFrame(
            {
                "户号": _repeated([*accounts, UNREGISTERED_ACCOUNT], len(labels)),
                "户名": _repeated([*names, "未登记用户"], len(labels)),
                "数据时间": _tiled(labels, len(values)),
                "项目": pl.repeat("正向有功", len(labels) * len(values), eager=True),
                "数值": np.concatenate(values),
                "单位": _repeated([*units, "kWh"], len(labels)),
            }
        )
        again, duplicates, quarantined = [], 0, len(labels)
        for fault in self.faults.file_faults("utility_electricity", run.first, run.last):
            day = self.monitors.first + timedelta(days=fault.day)
            whose = pl.col("户号") == account("grid_account", fault.point_id.removesuffix("-EL"))
            if fault.kind == "repeated_rows":
                rows = frame.filter(whose & pl.col("数据时间").is_in([f"{day} {hour:02d}:00" for hour in range(3, 8)]))
                duplicates += rows.height
            else:
                rows = frame.filter(whose & pl.col("数据时间").is_in([f"{day} 09:00", f"{day} 10:00"]))
                rows = rows.with_columns((pl.col("数值") * 1.25 + 1.0).round(1))
                quarantined += 2 * rows.height
            again.append(rows)
        frame = pl.concat([frame, *again])
        return Content(drops.csv(frame, encoding="utf-8-sig"), frame.height, 0, quarantined, duplicates)

    def grid_registers(self, run: Run, without: frozenset[str]) -> Content:
        """Grid company, high-voltage metering points: hourly registers, date and time apart, decimal comma."""
        opening = run.first == self.monitors.first
        stamps = local_times(run.first, run.last) + timedelta(hours=1)
        if opening:
            stamps = pl.concat([stamps.head(1) - timedelta(hours=1), stamps])
        low = (run.first - self.monitors.first).days * HOURS + (0 if opening else 1)
        points = [f"{e.enterprise_id}-EL" for e in self.park.enterprises if e.high_voltage]
        readings = [self.monitors.registers(point, "electricity", run.last)[0][low:] for point in points]
        frame = pl.DataFrame(
            {
                "计量点编号": _repeated([f"MP-{point}" for point in points], len(stamps)),
                "日期": _tiled(stamps.dt.strftime("%d.%m.%Y").to_list(), len(points)),
                "时间": _tiled(stamps.dt.strftime("%H:%M").to_list(), len(points)),
                "正向有功总": np.concatenate(readings),
            }
        )
        return Content(drops.csv(frame, separator=";", decimal=",", newline="\r\n"), frame.height)

    def utility_water(self, run: Run, without: frozenset[str]) -> Content:
        """Water company: a workbook with a title and a merged two-row header, registers at the end of every day."""
        opening = run.first == self.monitors.first
        days = [run.first + timedelta(days=n) for n in range(-1 if opening else 0, (run.last - run.first).days + 1)]
        low = (run.first - self.monitors.first).days + (0 if opening else 1)
        kinds = {"tap_water": "自来水", "surface_water": "地表水"}
        customers = self.park.enterprises
        readings = [self.monitors.registers(f"{e.enterprise_id}-WA", e.water_item, run.last)[0][low:] for e in customers]
        frame = pl.DataFrame(
            {
                "用水户 / 户号": _repeated([account("water_account", e.enterprise_id) for e in customers], len(days)),
                "用水户 / 户名": _repeated([e.name for e in customers], len(days)),
                "用水户 / 水源": _repeated([kinds[e.water_item] for e in customers], len(days)),
                "抄表 / 日期": pl.Series(days * len(customers), dtype=pl.Date),
                "抄表 / 表码": np.concatenate(readings),
            }
        )
        sheet = drops.Sheet("抄表数据", frame, "园区用水户抄表记录 (sample)", (("用水户", 3), ("抄表", 2)))
        return Content(drops.workbook(sheet), frame.height)

    def renamed_html(self, run: Run) -> bytes:
        frame = pl.DataFrame({"户号": [account("water_account", "E001")], "日期": [str(run.last)], "表码": ["—"]})
        return drops.html_page("抄表记录", frame)

    def utility_gas(self, run: Run, without: frozenset[str]) -> Content:
        """Gas company: one amount a day and customer, gzip."""
        customers = [e for e in self.park.enterprises if self.park.takes_gas(e)]
        days = [f"{run.first + timedelta(days=n):%Y/%m/%d}" for n in range((run.last - run.first).days + 1)]
        values = [self._sent("utility_gas", f"{e.enterprise_id}-GA", "natural_gas", run).ravel() for e in customers]
        frame = pl.DataFrame(
            {
                "用户编号": _repeated([account("gas_account", e.enterprise_id) for e in customers], len(days)),
                "日期": _tiled(days, len(customers)),
                "用气量": np.concatenate(values),
            }
        )
        return Content(drops.gzipped(drops.csv(frame)), frame.height)

    def _submeters(self, feed_id: str) -> list[str]:
        """Points of the sub-meters that the feed sends."""
        return [submeter_point(process) for e in self.park.enterprises for process in e.processes if process.submeter_feed == feed_id]

    def e001_energy(self, run: Run, without: frozenset[str]) -> Content:
        """Circuit works A: sub-meters from a building management system; preamble, semicolons, decimal commas."""
        points = self._submeters("e001_energy")
        cells = pl.DataFrame({f"{p.rsplit('-', 1)[1]} kWh": _column(self._sent("e001_energy", p, "electricity", run)) for p in points})
        text, broken = drops.texts(cells, ","), 0
        for fault in self.faults.file_faults("e001_energy", run.first, run.last):
            at = (self.monitors.first + timedelta(days=fault.day) - run.first).days * HOURS + 7
            column = f"{fault.point_id.rsplit('-', 1)[1]} kWh"
            text, broken = text.with_columns(text[column].scatter([at, at + 1], "#VALUE!")), broken + 2
        frame = text.select(_stamps(run, "%d/%m/%Y %H:%M").alias("Time"), pl.all())
        preamble = f"Energy export (sample)\nDevice;E001 main building\nPeriod;{run.first} to {run.last}\n"
        return Content(drops.csv(frame, separator=";", preamble=preamble), cells.height * cells.width, 0, broken)

    def e003_meters(self, run: Run, without: frozenset[str]) -> Content:
        """Plating works A: hourly mean power, a JSON list a week; a quality word beside the number."""
        (point,) = self._submeters("e003_meters")
        values = self._sent("e003_meters", point, "electricity", run, without)
        odd = noise.uniform(noise.key(self.park.seed, point, "quality"), self.monitors.numbers(run.first, run.last)) > 0.93
        quality = np.full(values.shape, "good", dtype="<U9")
        quality[odd, 2] = "uncertain"
        frame = pl.DataFrame({"ts": _stamps(run, "%Y-%m-%dT%H:%M:%S"), "power": _column(values), "quality": quality.ravel().astype(str)})
        return Content(drops.json_rows(frame).encode(), frame.height)

    def e005_meter_book(self, run: Run, without: frozenset[str]) -> Content:
        """Plating works C: the electrician's meter book, typed in, no header; one register at eight in the morning."""
        low = (run.first - self.monitors.first).days
        count = (run.last - run.first).days + 1
        (point,) = self._submeters("e005_meter_book")
        readings = self.monitors.registers(point, "electricity", run.last)[0][low : low + count]
        days = [run.first + timedelta(days=n) for n in range(count)]
        frame = pl.DataFrame({"d": [f"{day:%Y-%m-%d}" for day in days], "t": ["08:00"] * count, "v": readings, "r": [""] * count})
        return Content(drops.csv(frame, header=False), frame.height)

    def e009_steam_meters(self, run: Run, without: frozenset[str]) -> Content:
        """Heat and power: hourly steam to every customer, long, labelled by the end of the hour."""
        lines = [point for point, channel in self.monitors.channels if channel == "steam_low_pressure"]
        stamps = _stamps(run, "%Y-%m-%d %H:%M:%S", timedelta(hours=1)).to_list()
        values = [self._sent("e009_steam_meters", point, "steam_low_pressure", run).ravel() for point in lines]
        frame = pl.DataFrame(
            {
                "表号": _repeated([point.replace("E009-STM-", "ZQ-") for point in lines], len(stamps)),
                "时间": _tiled(stamps, len(lines)),
                "用汽量(t)": np.concatenate(values),
            }
        )
        return Content(drops.csv(frame), frame.height)

    def historian(self, run: Run, without: frozenset[str]) -> Content:
        """Process historian: Parquet, one row a tag and quarter of an hour, UTC."""
        channels = [c for c in self.monitors.channels.values() if c.step_minutes == 15]
        stamps = local_times(run.first, run.last, 15) - UTC_OFFSET
        values = [self._sent("historian", c.point_id, c.parameter_code, run).ravel() for c in channels]
        frame = pl.DataFrame(
            {
                "tag": _repeated([tag(*c.key) for c in channels], len(stamps)),
                "variable": _repeated([TAG_VARIABLES[c.parameter_code] for c in channels], len(stamps)),
                "ts": pl.concat([stamps] * len(channels)),
                "value": np.concatenate(values),
                "unit": _repeated([c.unit for c in channels], len(stamps)),
                "quality": pl.repeat(192, len(stamps) * len(channels), dtype=pl.Int32, eager=True),
            }
        )
        return Content(drops.parquet(frame), frame.height)

    # stacks

    def _stack_cells(
        self, feed_id: str, point: str, run: Run, without: frozenset[str], names: dict[str, str], corrected: str
    ) -> pl.DataFrame:
        """A stack's values under the sender's column names; `corrected` makes the converted column's name from the measured one's."""
        oxygen = self._sent(feed_id, point, "a19001", run, without)
        columns = {}
        for parameter, name in names.items():
            values = self._sent(feed_id, point, parameter, run, without)
            columns[name] = _column(values)
            if parameter in self.monitors.stack_of(point)[1].mg_m3:
                columns[corrected.format(name)] = _column(self.monitors.converted(point, values, oxygen))
        return pl.DataFrame(columns)

    def e007_steel_cems(self, run: Run, without: frozenset[str]) -> Content:
        """Steel mill: two stacks in one file a day, GB18030, Chinese headers and flags, `--` for nothing."""
        parts, rows, empty = [], 0, 0
        for word, point in _STEEL_STACKS.items():
            letters = self.monitors.flags(point, run.first, run.last)
            cells = self._stack_cells("e007_steel_cems", point, run, without, _STEEL_NAMES, "{}折算(mg/m3)")
            cells = cells.rename({name: f"{name}实测(mg/m3)" for name in ("SO2", "NOx", "颗粒物")})
            counted = _counted(cells, letters != "N")
            rows, empty = rows + counted[0], empty + counted[1]
            parts.append(
                pl.concat(
                    [
                        pl.DataFrame({"监测时间": _stamps(run, "%Y-%m-%d %H:%M:%S"), "排口": [word] * cells.height}),
                        cells,
                        pl.DataFrame({"标记": _words(letters, _STEEL_FLAGS)}),
                    ],
                    how="horizontal",
                )
            )
        frame = pl.concat(parts)
        encoding = "utf-8" if "utf8_for_gb" in self._kinds("e007_steel_cems", run, without) else "gb18030"
        return Content(drops.csv(frame, encoding=encoding, null="--"), rows, empty, cells=frame)

    def _kinds(self, feed_id: str, run: Run, without: frozenset[str]) -> set[str]:
        return {fault.fault_id for fault in self.faults.file_faults(feed_id, run.first, run.last)} - without

    def e008_cement_cems(self, run: Run, without: frozenset[str]) -> Content:
        """Cement works: kiln tail, labelled by the end of the hour, numbers for flags."""
        point = "E008-STACK-1"
        letters = self.monitors.flags(point, run.first, run.last)
        cells = self._stack_cells("e008_cement_cems", point, run, without, _CEMENT_NAMES, "{}_corr")
        frame = cells.insert_column(0, _stamps(run, "%Y-%m-%d %H:%M:%S", timedelta(hours=1)).alias("hour_end")).with_columns(
            _words(letters, _CEMENT_FLAGS).alias("status")
        )
        if "new_column" in self._kinds("e008_cement_cems", run, without):
            frame = frame.with_columns(pl.lit("NH3 slip analyser under test").alias("remark"))
        rows, empty = _counted(cells.drop("hour_end"), letters != "N")
        return Content(drops.csv(frame), rows, empty, cells=cells)

    def e009_chp_cems(self, run: Run, without: frozenset[str]) -> Content:
        """Heat and power: tab-separated, flow in m3/s, pressure in Pa, -9999 for nothing."""
        point = "E009-STACK-1"
        letters = self.monitors.flags(point, run.first, run.last)
        cells = self._stack_cells("e009_chp_cems", point, run, without, _POWER_NAMES, "{}_ZS")
        frame = cells.insert_column(0, _stamps(run, "%Y%m%d%H%M").alias("DATATIME")).with_columns(
            pl.Series("FLAG", letters.ravel().astype(str))
        )
        rows, empty = _counted(cells.drop("DATATIME"), letters != "N")
        return Content(drops.csv(frame, separator="\t", null="-9999"), rows, empty, cells=cells)

    def e011_incinerator(self, run: Run, without: frozenset[str]) -> Content:
        """Incinerator: the supplier's server in Europe logs in its own time, summer time and all; empty with load 0 is stopped."""
        point = "E011-STACK-1"
        letters = self.monitors.flags(point, run.first, run.last)
        cells = self._stack_cells("e011_incinerator", point, run, without, _INCINERATOR_NAMES, "{} korr.")
        stopped = letters.ravel() == "F"
        cells = cells.with_columns(pl.when(pl.Series(stopped)).then(None).otherwise(pl.col("Volumenstrom")).alias("Volumenstrom"))
        burnt = self.park.output(self.park.by_id["E011"], "E011-BURNT")[self.park.days.slice(run.first, run.last)]
        load = np.where(stopped, 0.0, np.round(np.repeat(burnt / HOURS, HOURS), 2))
        local = local_times(run.first, run.last).dt.replace_time_zone("Asia/Shanghai").dt.convert_time_zone("Europe/Berlin")
        status = (
            pl.Series(letters.ravel().astype(str))
            .replace({"F": "N"})
            .replace_strict({"N": "ok", "C": "Kalibrierung", "M": "Wartung", "D": "Fehler"})
        )
        frame = cells.insert_column(0, local.dt.strftime("%d.%m.%Y %H:%M").alias("Zeit")).with_columns(
            pl.Series("Durchsatz t/h", load), status.alias("Status")
        )
        data = drops.gzipped(drops.csv(frame, separator=";", decimal=",", encoding="latin-1"))
        return Content(data, cells.height * (cells.width - 1), 0, cells=cells)

    def stack_platform(self, run: Run, without: frozenset[str]) -> Content:
        """The authority's platform: what it received of some stacks, long by factor, measured and converted beside each other."""
        parts, rows, empty = [], 0, 0
        stamps = _stamps(run, "%Y-%m-%d %H:%M")
        for point in PLATFORM_STACKS:
            feed_id = {"E008": "e008_cement_cems", "E009": "e009_chp_cems", "E011": "e011_incinerator"}[point[:4]]
            letters = self.monitors.flags(point, run.first, run.last)
            # Corrections were made on the platform's side at once: it never shows the figures that were taken back.
            taken_back = frozenset(fault.fault_id for fault in self.faults.values if fault.corrected_in)
            oxygen = self._sent(feed_id, point, "a19001", run)
            for parameter in _GASES:
                values = self._sent(feed_id, point, parameter, run, taken_back)
                cells = pl.DataFrame(
                    {
                        "实测均值": _column(np.round(values, 1)),
                        "折算均值": _column(np.round(self.monitors.converted(point, values, oxygen), 1)),
                    }
                )
                counted = _counted(cells, letters != "N")
                rows, empty = rows + counted[0], empty + counted[1]
                parts.append(
                    pl.DataFrame(
                        {"排口编号": [platform_code(point)] * cells.height, "因子编码": [parameter] * cells.height, "时间": stamps}
                    )
                    .hstack(cells)
                    .with_columns(pl.Series("数据标记", letters.ravel().astype(str)))
                )
        return Content(drops.csv(pl.concat(parts), encoding="gb18030"), rows, empty)

    def e001_voc_campaign(self) -> Content:
        """Circuit works A: one day's test of the solvent scrubber, rows with a time of day only."""
        run = Run(CAMPAIGN_DAY, CAMPAIGN_DAY, "")
        frame = pl.DataFrame(
            {
                "时刻": _stamps(run, "%H:%M", step_minutes=10),
                "非甲烷总烃": _column(self._sent("e001_voc_campaign", "E001-STACK-1", "a24088", run)),
                "标干流量": _column(self._sent("e001_voc_campaign", "E001-STACK-1", "a00000", run)),
            }
        )
        return Content(drops.csv(frame), frame.height * 2)

    # water and laboratory

    @property
    def _final_outlets(self) -> list[Wastewater]:
        return [outlet for enterprise in self.park.enterprises for outlet in enterprise.wastewater if outlet.kind == "final"]

    def wastewater_online(self, run: Run, without: frozenset[str]) -> Content:
        """Online monitors of all final outlets: JSON lines, one object a logger and hour."""
        points = [wastewater_point(outlet) for outlet in self._final_outlets]
        stamps = _stamps(run, "%Y-%m-%dT%H:%M:%S")
        cells, flags = self._online(points, {"flow": "w00000", "ph": "w01001", "cod": "w01018", "nh3n": "w21003"}, run, without)
        frame = pl.DataFrame({"mn": _repeated([mn(point) for point in points], len(stamps)), "time": pl.concat([stamps] * len(points))})
        frame = frame.hstack(cells).with_columns(pl.Series("flag", flags))
        return Content(drops.json_lines(frame), *_counted(cells, flags != "N"))

    def _online(self, points: list[str], fields: dict[str, str], run: Run, without: frozenset[str]) -> tuple[pl.DataFrame, np.ndarray]:
        values: dict[str, list[np.ndarray]] = {name: [] for name in fields}
        letters = []
        for point in points:
            for name, parameter in fields.items():
                values[name].append(self._sent("wastewater_online", point, parameter, run, without).ravel())
            letters.append(self.monitors.flags(point, run.first, run.last).ravel())
        return pl.DataFrame({name: _column(np.concatenate(columns)) for name, columns in values.items()}), np.concatenate(letters).astype(
            str
        )

    def metals_online(self, run: Run, without: frozenset[str]) -> Content:
        """Online metal analysers of platers and board makers: JSON lines, long by factor under its Chinese name."""
        words = {"w20121": "总镍", "w20122": "总铜"}
        channels = [
            c
            for c in self.monitors.channels.values()
            if c.parameter_code in words and self.monitors.points[c.point_id].kind == "wastewater"
        ]
        stamps = _stamps(run, "%Y-%m-%d %H:%M")
        values = [self._sent("metals_online", *channel.key, run, without).ravel() for channel in channels]
        letters = [self.monitors.flags(channel.point_id, run.first, run.last).ravel().astype(str) for channel in channels]
        frame = pl.DataFrame(
            {
                "mn": _repeated([mn(channel.point_id) for channel in channels], len(stamps)),
                "factor": _repeated([words[channel.parameter_code] for channel in channels], len(stamps)),
                "time": pl.concat([stamps] * len(channels)),
                "value": np.concatenate(values),
                "flag": np.concatenate(letters),
            }
        )
        return Content(drops.json_lines(frame), frame.height)

    def e010_wwtp(self, run: Run, without: frozenset[str]) -> Content:
        """Central wastewater plant: JSON with an envelope, in and out beside each other."""
        cells = pl.DataFrame(
            {
                name: _column(self._sent("e010_wwtp", point, parameter, run, without))
                for name, point, parameter in (
                    ("in_flow", "E010-IN", "w00000"), ("in_cod", "E010-IN", "w01018"), ("in_nh3n", "E010-IN", "w21003"),
                    ("out_flow", "E010-OUT-M", "w00000"), ("out_ph", "E010-OUT-M", "w01001"), ("out_cod", "E010-OUT-M", "w01018"),
                    ("out_nh3n", "E010-OUT-M", "w21003"), ("out_tp", "E010-OUT-M", "w21011"), ("out_tn", "E010-OUT-M", "w21001"),
                )
            }
        )  # fmt: skip
        frame = cells.clone().insert_column(0, _stamps(run, "%Y%m%d%H").alias("t"))
        text = f'{{"station": "E010", "exported": "{run.last}", "payload": {{"records": {drops.json_rows(frame)}}}}}'
        return Content(text.encode(), *_counted(cells))

    def lab_samples(self, run: Run, without: frozenset[str]) -> Content | None:
        """Laboratory: a workbook a month, long, non-detects as `<` and the detection limit."""
        names = {
            "w20121": "总镍", "w20116": "总铬", "w20117": "六价铬",
            "sulfur_raw_coal": "原煤含硫量", "ash_raw_coal": "原煤灰分", "ncv_raw_coal": "原煤低位发热量",
            "sulfur_bituminous_coal": "烟煤含硫量", "ash_bituminous_coal": "烟煤灰分", "ncv_bituminous_coal": "烟煤低位发热量",
        }  # fmt: skip
        rows: list[tuple[str, str, datetime, str, str, str]] = []
        for point, sample, moment, levels in self.monitors.samples(run.first, run.last):
            for parameter, level in levels.items():
                channel = self.monitors.channels[point, parameter]
                limit = channel.detection_limit or 0.0
                printed = limit / channel.unit_scale if level < limit else round(level / channel.unit_scale, channel.decimals)
                text = f"{'<' if level < limit else ''}{printed:g}"
                unit = "μg/L" if channel.unit == "ug/L" else channel.unit
                rows.append((sample, point.removesuffix("-LAB"), moment, names[parameter], text, unit))
        if not rows:
            return None
        frame = pl.DataFrame(rows, schema=["样品编号", "采样点", "采样时间", "项目", "结果", "单位"], orient="row")
        return Content(
            drops.workbook(drops.Sheet("说明", pl.DataFrame({"说明": ["Laboratory results (sample)"]})), drops.Sheet("结果", frame)),
            frame.height,
        )

    def hj212_inlets(self, run: Run, without: frozenset[str]) -> Content | None:
        """Inlets of treatment plants: the log of an HJ 212 receiver, several devices in three editions of the protocol."""
        log = inlet_log(run.first, run.last, self.park.seed)
        if log is None:
            return None
        data, (read, _, duplicates, quarantined, _) = log
        return Content(data, read, 0, quarantined, duplicates)
