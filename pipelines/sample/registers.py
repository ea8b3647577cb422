"""The park's registers as snapshot files: who and what there is, with validity dates, and what outsiders call it.

Derived from the cast and the monitors, so that no register can forget a point. Column names are the canonical
ones in some files and an office's own in others, as the contracts say. Knows no readings.
"""

from datetime import date, timedelta

import polars as pl

from pipelines.sample import audit, cast, drops
from pipelines.sample.faults import VALUE_FAULTS
from pipelines.sample.files import account, credit_code, platform_code, tag
from pipelines.sample.fleet import INLET_PROCESSES, INLETS
from pipelines.sample.monitors import PLATFORM_STACKS, Monitors
from pipelines.sample.telemetry import mn

_TEXT = pl.String()


class Registers:
    """All register frames; every value a text, as files carry them."""

    def __init__(self, monitors: Monitors) -> None:
        self.monitors, self.park = monitors, monitors.park
        self.merger = str(monitors.merger_date)

    def _rows(self, enterprise_id: str) -> list[tuple[str, str, str | None]]:
        """(owner, valid_from, valid_to) of something the enterprise has: two rows where a merger hands it over."""
        if enterprise_id != cast.MERGED_AWAY:
            return [(enterprise_id, cast.VALID_SINCE, None)]
        return [(cast.MERGED_AWAY, cast.VALID_SINCE, self.merger), (cast.MERGED_INTO, self.merger, None)]

    @staticmethod
    def _frame(columns: list[str], rows: list[tuple]) -> pl.DataFrame:
        return (
            pl.DataFrame(rows, schema=dict.fromkeys(columns, _TEXT), orient="row")
            if rows
            else pl.DataFrame(schema=dict.fromkeys(columns, _TEXT))
        )

    def park_register(self) -> pl.DataFrame:
        return self._frame(
            ["park_id", "name", "area_km2", "valid_from", "valid_to"],
            [(cast.PARK_ID, "Sample industrial park 样例园区", "11.6", cast.VALID_SINCE, None)],
        )

    def enterprise(self) -> pl.DataFrame:
        return self._frame(
            ["企业编号", "园区编号", "企业名称", "行业代码", "评价指标体系", "公开范围", "入园日期", "离园日期"],
            [
                (
                    e.enterprise_id, cast.PARK_ID, e.name, e.sector_code, e.index_system_id, "park", cast.VALID_SINCE,
                    self.merger if e.enterprise_id == cast.MERGED_AWAY else None,
                )
                for e in self.park.enterprises
            ],
        )  # fmt: skip

    def process(self) -> pl.DataFrame:
        return self._frame(
            ["process_id", "enterprise_id", "name", "process_code", "valid_from", "valid_to"],
            [
                (process.process_id, owner, process.name, process.code, since, until)
                for e in self.park.enterprises
                for process in e.processes
                for owner, since, until in self._rows(e.enterprise_id)
            ],
        )

    def product(self) -> pl.DataFrame:
        return self._frame(
            ["enterprise_id", "product_code", "process_id", "name", "unit", "product_kind", "valid_from", "valid_to"],
            [
                (owner, product.code, product.process_id, product.name, product.unit, product.kind, since, until)
                for e in self.park.enterprises
                for product in e.products
                for owner, since, until in self._rows(e.enterprise_id)
            ],
        )

    def outlet(self) -> pl.DataFrame:
        rows: list[tuple] = []
        for e in self.park.enterprises:
            number = e.enterprise_id
            rows += [
                (o.outlet_id, number, o.name, "water", o.kind, o.discharge_kind, o.receiver, o.standard_id, cast.VALID_SINCE, None)
                for o in e.wastewater
            ]
            rows += [
                # A workshop outlet leads into the enterprise's own final outlet and shares its fate.
                (w.outlet_id, number, w.name, "water", "workshop", "indirect", cast.CENTRAL_PLANT, "GB21900-2008", cast.VALID_SINCE, None)
                for w in e.workshops
            ]
            rows += [(s.outlet_id, number, s.name, "air", "stack", "direct", None, s.standard_id, cast.VALID_SINCE, None) for s in e.stacks]
        columns = [
            "outlet_id",
            "enterprise_id",
            "name",
            "medium",
            "kind",
            "discharge_kind",
            "receiving_enterprise_id",
            "standard_id",
            "valid_from",
            "valid_to",
        ]
        return self._frame(columns, rows)

    def point(self) -> pl.DataFrame:
        return self._frame(
            ["point_id", "enterprise_id", "outlet_id", "process_id", "name", "kind", "valid_from", "valid_to"],
            [
                (p.point_id, owner, p.outlet_id, p.process_id, p.name, p.kind, since, until)
                for p in self.monitors.points.values()
                for owner, since, until in self._rows(p.enterprise_id)
            ]
            + [
                (p.point_id, p.enterprise_id, None, p.process_id, p.name, p.kind, cast.VALID_SINCE, None)
                for p in audit.story().parts
            ]
            + [(cast.CLINKER_LABORATORY, "E008", None, "E008-P1", "Clinker laboratory 熟料化验室", "laboratory", cast.VALID_SINCE, None)]
            + [
                (point, point[:4], None, process, f"Inlet {point} 进口", "process", cast.VALID_SINCE, None)
                for point, process in INLET_PROCESSES.items()
            ],
        )  # fmt: skip

    def channel(self) -> pl.DataFrame:
        """How numbers are to be read. The park's system has read its monitors since the sample begins, the audit's book since long before."""
        number = lambda value: None if value is None else f"{value:g}"  # noqa: E731 - one cell of a text table
        return self._frame(
            [
                "point_id",
                "parameter_code",
                "basis",
                "range_min",
                "range_max",
                "detection_limit",
                "register_kind",
                "multiplier",
                "digits",
                "step_minutes",
                "flow_item",
                "valid_from",
                "valid_to",
            ],
            [
                (
                    c.point_id,
                    c.parameter_code,
                    c.basis,
                    number(c.range_min),
                    number(c.range_max),
                    number(c.detection_limit),
                    c.register_kind,
                    number(c.multiplier),
                    number(c.digits),
                    str(c.step_minutes),
                    c.flow_item,
                    str(self.monitors.first),
                    None,
                )
                for c in self.monitors.channels.values()
            ]
            + [
                (
                    p.point_id, p.parameter_code, None, None, None, None, "cumulative", number(p.multiplier), "7", str(31 * 24 * 60), None,
                    cast.VALID_SINCE, None,
                )
                for p in audit.story().parts
            ]
            + [
                (cast.CLINKER_LABORATORY, code, *([None] * 7), str(31 * 24 * 60), None, cast.VALID_SINCE, None)
                for code in ("clinker_strength", "altitude")
            ]
            + [
                (device.point_id, factor.code, *([None] * 7), "60", None, cast.VALID_SINCE, None)
                for device in INLETS
                if device.registered
                for factor in device.factors
            ],
        )  # fmt: skip

    def meter_event(self) -> pl.DataFrame:
        event = self.monitors.exchange()
        rows = []
        if event:
            rows.append(
                (
                    event.point_id, event.parameter_code, f"{event.at:%Y-%m-%d %H:%M}", "exchange", f"{event.at:%Y-%m-%d}",
                    f"{event.final_register:.4f}", f"{event.initial_register:.4f}",
                )
            )  # fmt: skip
        return self._frame(
            ["point_id", "parameter_code", "local_time", "event_kind", "event_date", "final_register", "initial_register"], rows
        )

    def monitor_mark(self) -> pl.DataFrame:
        """What the enterprise filed on its analyser while it was off."""
        rows = []
        for fault in VALUE_FAULTS:
            begins, ends = fault.moments(self.monitors.first)
            if fault.kind == "gap" and ends.date() <= self.monitors.last:
                outlet_id = fault.point_id.removesuffix("-M")
                rows.append(
                    (outlet_id, "fault", fault.parameter_code, f"{begins:%Y-%m-%d %H:%M}", f"{ends:%Y-%m-%d %H:%M}", f"{begins:%Y-%m-%d}",
                     f"{ends + timedelta(days=1):%Y-%m-%d}")
                )  # fmt: skip
        return self._frame(["outlet_id", "mark_code", "parameter_code", "begins", "ends", "valid_from", "valid_to"], rows)

    def meter_link(self) -> pl.DataFrame:
        return self._frame(
            ["point_id", "parent_point_id", "role", "share", "formula", "valid_from", "valid_to"],
            [(c.point_id, c.parent, c.role, None, None, cast.VALID_SINCE, None) for c in self.monitors.channels.values() if c.role]
            + [(p.point_id, p.parent, "check", None, None, cast.VALID_SINCE, None) for p in audit.story().parts],
        )

    def flow_link(self) -> pl.DataFrame:
        return self._frame(
            ["point_id", "target_kind", "target_id", "medium", "valid_from", "valid_to"],
            [
                (f"{cast.STEAM_SUPPLIER}-STM-{customer}", "enterprise", customer, "steam_low_pressure", cast.VALID_SINCE, None)
                for customer in self.monitors.steam_customers
            ],
        )

    def allocation(self) -> pl.DataFrame:
        return self._frame(
            ["source_kind", "source_id", "enterprise_id", "share", "basis", "valid_from", "valid_to"],
            [
                ("outlet", cast.SHARED_OUTLET, enterprise, f"{share:g}", "plated area 电镀面积", cast.VALID_SINCE, None)
                for enterprise, share in cast.SHARED_SHARES.items()
            ],
        )

    def identifier(self) -> pl.DataFrame:
        rows: list[tuple] = []
        for e in self.park.enterprises:
            number = e.enterprise_id
            rows.append(("credit_code", credit_code(number), "enterprise", number))
            if not e.high_voltage:
                rows.append(("grid_account", account("grid_account", number), "point", f"{number}-EL"))
            rows.append(("water_account", account("water_account", number), "point", f"{number}-WA"))
            if self.park.takes_gas(e):
                rows.append(("gas_account", account("gas_account", number), "point", f"{number}-GA"))
        for point in self.monitors.points.values():
            if point.kind == "wastewater" and point.outlet_id:
                rows.append(("mn", mn(point.point_id), "point", point.point_id))
            if "-STM-" in point.point_id:
                rows.append(("steam_meter", point.point_id.replace("E009-STM-", "ZQ-"), "point", point.point_id))
        rows += [("historian_tag", tag(*c.key), "point", c.point_id) for c in self.monitors.channels.values() if c.step_minutes == 15]
        rows += [("platform_outlet", platform_code(point), "point", point) for point in PLATFORM_STACKS]
        return self._frame(
            ["scheme", "value", "entity_kind", "entity_id", "valid_from", "valid_to"], [(*row, cast.VALID_SINCE, None) for row in rows]
        )

    def entity_relation(self) -> pl.DataFrame:
        return self._frame(
            ["entity_kind", "from_id", "to_id", "relation", "effective_date"],
            [("enterprise", cast.MERGED_AWAY, cast.MERGED_INTO, "merged_into", self.merger)],
        )

    def permit_limit(self) -> pl.DataFrame:
        """Hourly (air) and daily (water) concentration limits, and a year's mass with some room above the usual."""
        rows: list[tuple] = []
        days = self.park.days
        year = days.slice(date(days.last.year - 1, 1, 1), date(days.last.year - 1, 12, 31))
        for e in self.park.enterprises:
            permit = f"SAMPLE-PERMIT-{e.enterprise_id}"
            for o in e.wastewater:
                for code, limit in o.limits.items():
                    rows.append((permit, "outlet", o.outlet_id, code, "daily_concentration", f"{limit:g}", "mg/L"))
                    mass = float((self.park.discharge(o) * self.park.concentration(o, code))[year].sum()) * 1e-6
                    rows.append((permit, "outlet", o.outlet_id, code, "annual_mass", f"{mass * 1.15:.4f}", "t"))
                if e.kind == "electroplating":
                    rows.append((permit, "outlet", o.outlet_id, "w01018", "hourly_concentration", f"{o.limits['w01018']:g}", "mg/L"))
            for w in e.workshops:
                rows += [
                    (permit, "outlet", w.outlet_id, code, "daily_concentration", f"{limit:g}", "mg/L") for code, limit in w.limits.items()
                ]
            for s in e.stacks:
                for code, limit in s.limits.items():
                    rows.append((permit, "outlet", s.outlet_id, code, "hourly_concentration", f"{limit:g}", "mg/m3"))
                    mass = float((self.park.stack_flow(e, s) * self.park.stack_concentration(s, code))[year].sum()) * 24e-9
                    rows.append((permit, "outlet", s.outlet_id, code, "annual_mass", f"{mass * 1.12:.3f}", "t"))
        return self._frame(
            ["许可证编号", "对象类型", "对象编号", "污染因子", "限值类型", "限值", "单位", "valid_from", "valid_to"],
            [(*row, cast.VALID_SINCE, None) for row in rows],
        )

    def files(self) -> dict[str, bytes]:
        """Path below raw/ → bytes. One workbook serves several feeds, each with its sheet."""
        book = drops.workbook(
            drops.Sheet("企业", self.enterprise(), "园区企业名录 (sample)"),
            drops.Sheet("outlet", self.outlet()),
            drops.Sheet("许可限值", self.permit_limit()),
        )
        files = {"registers/park_register.xlsx": book}
        for name, frame in (
            ("park", self.park_register()),
            ("process", self.process()),
            ("product", self.product()),
            ("point", self.point()),
            ("channel", self.channel()),
            ("meter_event", self.meter_event()),
            ("meter_link", self.meter_link()),
            ("flow_link", self.flow_link()),
            ("allocation", self.allocation()),
            ("identifier", self.identifier()),
            ("entity_relation", self.entity_relation()),
            ("monitor_mark", self.monitor_mark()),
        ):
            files[f"registers/{name}.csv"] = drops.csv(frame)
        return files

    def counts(self) -> dict[str, int]:
        """Register feed → rows."""
        return {
            f"register_{name}": getattr(self, "park_register" if name == "park" else name)().height
            for name in (
                "park", "enterprise", "process", "product", "outlet", "point", "channel", "meter_event", "meter_link", "flow_link",
                "allocation", "identifier", "entity_relation", "monitor_mark", "permit_limit",
            )
        }  # fmt: skip
