"""Files of the audit: what the audit office, the bureau, the clerks and the platform of manifests hand in.

Rows come from `audit` and `waste`; here they get the form of whoever sends them. The same story always gives the same bytes.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from pipelines.sample import cast, drops, noise
from pipelines.sample.audit import Audit
from pipelines.sample.rhythm import month_end, month_start
from pipelines.sample.waste import WasteBooks

AUDIT_REGISTERS = (
    "audit_round", "measure_meter", "equipment", "chemical", "receptor", "emergency_plan", "qualification", "material_offer",
)  # fmt: skip
PARK_REPORT_YEARS = 3
_DEFLATOR = 0.975
"""Prices of a year over those of the year before, behind value added at constant prices: they fell."""
_EQUIPMENT_ZH = {
    "equipment_id": "设备编号", "enterprise_id": "企业编号", "process_id": "工序编号", "name": "设备名称", "model": "型号", "equipment_code": "设备类别",
    "pieces": "台数", "commissioned_on": "投用日期", "capacity": "额定能力", "unit": "单位", "rated_efficiency": "额定效率",
    "actual_efficiency": "实测效率", "treats_parameter": "处理污染物", "valid_from": "登记日期", "valid_to": "注销日期",
}  # fmt: skip
_EVENTS_ZH = {
    "event_id": "事件编号", "event_kind": "事件种类", "category": "细类", "subject_kind": "对象类型", "subject_id": "对象编号", "occurred_on": "发生日期",
    "occurred_at": "发生时间", "ended_on": "结束日期", "severity": "等级", "amount_cny": "金额", "quantity": "数量", "unit": "单位", "due_on": "期限",
    "closed_on": "办结日期", "parameter_code": "因子", "related_id": "相关事项", "evidence_sha256": "证据", "note": "说明",
}  # fmt: skip
_EVENT_WORDS = {
    "incident": "突发环境事件", "violation": "违法行为", "penalty": "行政处罚", "complaint": "投诉", "inspection": "检查", "drill": "演练", "training": "培训",
    "publicity": "宣传", "shutdown": "停产", "non_routine": "非常规变化",
}  # fmt: skip
_MOVEMENTS_ZH = {"generated": "产生", "stored": "入库", "withdrawn": "出库", "received": "接收", "recycled": "利用"}


@dataclass(frozen=True)
class Paper:
    """One file: feed, path below raw/, bytes, rows, and the days it is about."""

    feed_id: str
    path: str
    data: bytes
    rows: int
    first: date | None = None
    last: date | None = None


class AuditPapers:
    """Every file of the audit. Those that grow are a file a month from the sample's first month on."""

    def __init__(self, audit: Audit) -> None:
        self.audit, self.park = audit, audit.park
        self.waste = WasteBooks(audit)

    def papers(self) -> list[Paper]:
        audit = self.audit
        return [
            *self.registers(),
            self._book("audit_findings", audit.findings(), "问题清单", "found_on", title="清洁生产审核问题清单 (sample)"),
            self._book("audit_measures", audit.measures(), "方案", "proposed_on"),
            self._csv("audit_reviews", audit.reviews(), "decided_on"),
            self._csv("audit_targets", audit.targets(), "set_on", separator=";"),
            self._csv("audit_steps", audit.steps(), "entered_on", encoding="utf-8-sig"),
            self._checklists(),
            self._meter_book(),
            self._clinker_book(),
            *self._park_report(),
            *self._monthly("park_events", self._events(), "events", "发生日期"),
            *self._monthly("waste_ledger", self._ledger(), "ledger", "日期"),
            *self._monthly("waste_manifests", self._manifests(), "manifests", "移出日期"),
        ]

    # registers

    def registers(self) -> list[Paper]:
        """Each its own file; the equipment is a workbook in the words of the ledger it was copied from."""
        found = []
        for record in AUDIT_REGISTERS:
            frame = self.audit.register(record)
            if record == "equipment":
                data, ending = drops.workbook(drops.Sheet("设备台账", frame.rename(_EQUIPMENT_ZH, strict=False))), "xlsx"
            else:
                data, ending = drops.csv(frame), "csv"
            found.append(Paper(f"register_{record}", f"registers/{record}.{ending}", data, frame.height))
        return found

    # the audit's own papers

    def _csv(self, feed_id: str, frame: pl.DataFrame, day: str, **form: str) -> Paper:
        name = feed_id.removeprefix("audit_")
        return Paper(feed_id, f"audit_papers/{name}.csv", drops.csv(frame, **form), frame.height, *_span(frame[day].str.to_date()))

    def _book(self, feed_id: str, frame: pl.DataFrame, sheet: str, day: str, title: str | None = None) -> Paper:
        """A workbook with real dates and numbers, as people type them."""
        dates = [name for name in frame.columns if name.endswith(("_on", "_start", "_end"))]
        numbers = [name for name in frame.columns if name.endswith(("_cny", "_years", "quantity"))]
        typed = frame.with_columns(pl.col(dates).str.to_date(), pl.col(numbers).cast(pl.Float64))
        name = feed_id.removeprefix("audit_")
        data = drops.workbook(drops.Sheet(sheet, typed, title))
        return Paper(feed_id, f"audit_papers/{name}.xlsx", data, frame.height, *_span(typed[day]))

    def _checklists(self) -> Paper:
        frame = self.audit.answers()
        data = drops.csv(frame)
        return Paper("survey_checklists", "survey_checklists/answers.csv", data, frame.height, *_span(frame["date"].str.to_date()))

    def _meter_book(self) -> Paper:
        """The audit's meters, read at midnight of the first of every month."""
        frames = []
        for part in self.audit.story.parts:
            months, used = self.audit.months(), self.audit.metered(part)["quantity"]
            start = 1000.0 + 10.0 * len(part.point_id)
            shown = [start, *(start + used.cum_sum() / part.multiplier)]
            frames.append(
                pl.DataFrame(
                    {
                        "抄表日期": [f"{month:%Y-%m-%d}" for month in months], "表号": part.point_id, "项目": part.parameter_code,
                        "止码": [f"{value:.2f}" for value in shown], "单位": part.unit,
                    }
                )
            )  # fmt: skip
        frame = pl.concat(frames)
        return Paper(
            "audit_meter_book", "audit_meter_book/book.csv", drops.csv(frame), frame.height, *_span(frame["抄表日期"].str.to_date())
        )

    def _clinker_book(self) -> Paper:
        """The cement works' own laboratory: strength of a month's clinker, and how high the works stand."""
        months = self.audit.months()
        luck = noise.uniform(noise.key(self.park.seed, cast.CLINKER_LABORATORY, "strength"), np.arange(len(months)))
        rows = [
            (f"{month:%Y-%m-%d}", item, value, unit)
            for month, draw in zip(months, luck, strict=True)
            for item, value, unit in (("熟料28天抗压强度", f"{54.5 + 4.0 * draw:.1f}", "MPa"), ("海拔高度", "18", "m"))
        ]
        frame = pl.DataFrame(rows, schema=["日期", "项目", "结果", "单位"], orient="row")
        return Paper("e008_clinker_lab", "e008_clinker_lab/book.csv", drops.csv(frame), frame.height, *_span(frame["日期"].str.to_date()))

    # what the park declares about itself

    def _park_report(self) -> list[Paper]:
        """A file for each of the last whole years: economy, land, waste and water of the park as a whole."""
        papers = []
        for year in range(self.audit.whole_year - PARK_REPORT_YEARS + 1, self.audit.whole_year + 1):
            if date(year, 1, 1) < self.park.days.first:
                continue
            frame = pl.DataFrame(self._declared(year), schema=["指标", "流向", "数值", "单位", "口径"], orient="row").with_columns(
                pl.lit(str(year)).alias("年度"), pl.lit(f"{year + 1}-02-20 10:00").alias("报送时间")
            )
            first, last = date(year, 1, 1), date(year, 12, 31)
            papers.append(Paper("report_park", f"report_park/{year}.csv", drops.csv(frame, encoding="gb18030"), frame.height, first, last))
        return papers

    def _declared(self, year: int) -> list[tuple[str, str, str, str, str | None]]:
        park, members = self.park, self.park.enterprises
        days = park.days.slice(date(year, 1, 1), date(year, 12, 31))
        value = {e.enterprise_id: float(park.output_value(e)[days].sum()) for e in members}
        added = {e.enterprise_id: value[e.enterprise_id] * e.value_added_share for e in members}
        base = self.audit.whole_year - PARK_REPORT_YEARS + 1
        hazardous = sum(float(park.hazardous_waste(e)[days].sum()) for e in members)
        slag = float(park.output(park.by_id["E007"], "E007-STEEL")[days].sum()) * 0.115 + float(park.coal()[days].sum()) * 0.17
        sewage = float(park.discharge(park.outlet("E010-OUT"))[days].sum())
        high_tech = value["E001"] + value["E002"]
        return [
            ("工业总产值", "none", _number(sum(value.values()) * 1e-4, 1), "万元", "current"),
            ("工业增加值", "none", _number(sum(added.values()) * 1e-4 / _DEFLATOR ** (year - base), 1), "万元", "constant"),
            ("高新技术企业工业总产值", "none", _number(high_tech * 1e-4, 1), "万元", "current"),
            ("资源再生利用产业增加值", "none", _number(added["E011"] * 1e-4, 1), "万元", "current"),
            ("从业人员", "none", str(sum(e.employees for e in members)), "人", None),
            ("工业用地面积", "none", "11.6", "km2", None),
            ("一般工业固体废物", "generated", _number(slag, 0), "t", None),
            ("一般工业固体废物", "recycled", _number(slag * 0.93, 0), "t", None),
            ("一般工业固体废物", "treated", _number(slag * 0.06, 0), "t", None),
            ("危险废物", "generated", _number(hazardous, 1), "t", None),
            ("危险废物", "treated", _number(hazardous * 0.98, 1), "t", None),
            ("废水", "generated", _number(sewage * 1e-4, 2), "万m3", None),
            ("中水(再生水)", "recycled", _number(sewage * 0.21 * 1e-4, 2), "万m3", None),
        ]

    # what happens month by month

    def _events(self) -> pl.DataFrame:
        events = self.audit.events()
        return events.with_columns(pl.col("event_kind").replace(_EVENT_WORDS)).rename(_EVENTS_ZH, strict=False)

    def _ledger(self) -> pl.DataFrame:
        return self.waste.ledger.select(
            pl.col("manifest_id").alias("台账页"), pl.col("line_id").alias("行"), pl.col("enterprise_id").alias("企业"),
            pl.col("process_id").alias("产生环节"), pl.col("waste_code").alias("废物代码"),
            pl.col("waste_kind").replace({"hazardous": "危险废物", "general": "一般固废"}).alias("类别"),
            pl.col("movement").replace(_MOVEMENTS_ZH).alias("去向"), pl.col("moved_on").cast(pl.String).alias("日期"),
            pl.col("quantity_t").map_elements(lambda tonnes: f"{tonnes:.3f}", pl.String).alias("数量"),
        )  # fmt: skip

    def _manifests(self) -> pl.DataFrame:
        return self.waste.manifests.select(
            pl.col("manifest_id").alias("联单编号"), pl.col("enterprise_id").alias("移出单位"), pl.col("process_id").alias("产生环节"),
            pl.col("waste_code").alias("废物代码"), pl.col("waste_kind").replace({"hazardous": "危险废物", "general": "一般固废"}).alias("类别"),
            pl.col("moved_on").alias("移出日期"), pl.col("quantity_t").alias("移出量"), pl.col("receiver_id").alias("园内接收企业"),
            pl.col("receiver_licence").alias("接收单位许可证"), pl.col("received_on").alias("接收日期"), pl.col("received_t").alias("接收量"),
        )  # fmt: skip

    def _monthly(self, feed_id: str, frame: pl.DataFrame, name: str, day: str) -> list[Paper]:
        """What lies before the sample's month in one file, then a file a month."""
        days = frame[day] if frame.schema[day] == pl.Date else frame[day].str.to_date()
        month = self.audit.calendar.month
        earlier = (f"until_{month_end(month_start(month, -1)):%Y-%m}", days < month)
        spans = [earlier]
        while month <= self.audit.last:
            spans.append((f"{month:%Y-%m}", (days >= month) & (days <= month_end(month))))
            month = month_start(month, 1)
        papers = []
        for label, inside in spans:
            rows = frame.filter(inside)
            if rows.is_empty():
                continue
            if feed_id == "waste_manifests":
                data, ending = drops.workbook(drops.Sheet("联单", rows)), "xlsx"
            else:
                data, ending = drops.csv(rows, encoding="gb18030"), "csv"
            papers.append(Paper(feed_id, f"{feed_id}/{name}_{label}.{ending}", data, rows.height, *_span(days.filter(inside))))
        return papers

    # the answer sheet

    def planted(self) -> pl.DataFrame:
        """One row per thing of the audit that a method should notice: kind, record, key, enterprise, what."""
        rows = [(kind, "waste_movement", key, enterprise, what) for kind, key, enterprise, what in self.waste.planted()]
        rows += [
            ("never_shipped", "waste_movement", "336-054-17", "E006", "a year's hazardous waste in store, declared as handed over"),
            ("overlapping_measures", "measure", "M-E001-01, M-E001-02", "E001", "two measures on one meter, a month apart"),
            ("no_effect", "measure", "M-E004-01", "E004", "promises 15 % and saves nothing"),
            ("below_promise", "measure", "M-E002-01", "E002", "promises 22 % and saves 16 %"),
            (
                "non_routine_change",
                "event",
                "X-023",
                "E010",
                "a hired blower adds 700 kWh a day for two months inside the reporting period",
            ),
            ("overdue_measure", "measure", "M-E006-01", "E006", "due and not begun"),
            ("overdue_finding", "finding", "F-E006-01", "E006", "due and open"),
            ("overdue_step", "audit_step", "R-E006-1 / audit_report", "E006", "a year after the list, and not done"),
            ("late_step", "audit_step", "R-E011-1 / audit_start", "E011", "three months after the list"),
            ("undocumented_step", "audit_step", "R-E002-1 / training", "E002", "done without a document"),
            ("undocumented_measure", "measure", "M-E002-02", "E002", "implemented without a document"),
            ("expired_plan", "emergency_plan", "P-E006-1", "E006", "was to be revised three months ago"),
            ("no_plan", "emergency_plan", "E005", "E005", "has none"),
            ("eliminated_equipment", "equipment", "Q-E006-01", "E006", "motors of series Y"),
            ("eliminated_equipment", "equipment", "Q-E002-02", "E002", "motors of series Y"),
            ("eliminated_equipment", "equipment", "Q-E005-01", "E005", "a transformer of series S9"),
            ("lapsed_qualification", "qualification", "C-B-01", None, "the service's only certificate has lapsed"),
            ("illegal_discharge", "event", "X-006", "E006", "fined in the last twelve months"),
            ("appeal_dismissed", "review", "V-006", "E006", "the listing stands"),
            ("explanation_accepted", "review", "V-002", "E002", "finding F-E002-02"),
            ("disclosure_verified", "review", "V-010", "E011", "particulates of the month, recomputed by an independent third party"),
            ("override", "review", "V-007", "E006", "the step's date was moved"),
            ("conflict_declared", "review", "V-008", "E006", "an opinion of somebody with an interest"),
            ("unanswered_complaint", "event", "X-010", "E011", "open, at an outlet above its limit that evening"),
            ("complaint_at_exceedance", "event", "X-009", "E006", "at the outlet and in the hours of an exceedance"),
            ("matching_offer", "material_offer", "steel_slag", "E007", "E008 wants it"),
            ("matching_offer", "material_offer", "fly_ash", "E009", "E008 wants it"),
            ("matching_offer", "material_offer", "reclaimed_water", "E010", "E001 and E007 want it"),
        ]
        known = set(self.audit.events()["event_id"])
        rows = [row for row in rows if row[1] != "event" or row[2] in known]
        return pl.DataFrame(rows, schema=["kind", "record", "key", "enterprise_id", "what"], orient="row")


def _span(days: pl.Series) -> tuple[date | None, date | None]:
    return days.min(), days.max()


def _number(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}"
