"""Waste of the sample park: what arises every month, what is stored, and what leaves on a manifest.

Ledgers and manifests of one enterprise agree: a stock is what has gone in less what has left. Where somebody's book differs from
another's it was planted, and stands in the truth. What files look like is `audit_papers`.
"""

from datetime import date, timedelta

import numpy as np
import polars as pl

from pipelines.sample.audit import Audit, ManifestFault, Waste
from pipelines.sample.rhythm import month_end, month_start

MONTHS_BEFORE = 12
SHIPPED_ON = 20
"""Day of the month on which a shipment leaves; it takes what was there at the end of the month before."""

_SCHEMA = {
    "manifest_id": pl.String, "line_id": pl.String, "enterprise_id": pl.String, "process_id": pl.String, "waste_code": pl.String,
    "waste_kind": pl.String, "movement": pl.String, "moved_on": pl.Date, "quantity_t": pl.Float64, "receiver_id": pl.String,
    "receiver_licence": pl.String, "received_on": pl.Date, "received_t": pl.Float64,
}  # fmt: skip


class WasteBooks:
    """Every line of every book, up to the sample's last day."""

    def __init__(self, audit: Audit) -> None:
        self.audit, self.park = audit, audit.park
        first = month_start(audit.calendar.month, -MONTHS_BEFORE)
        self.months = [first]
        while self.months[-1] < month_start(audit.last):
            self.months.append(month_start(self.months[-1], 1))
        lines = [line for number, stream in enumerate(audit.story.waste, start=1) for line in self._stream(number, stream)]
        lines = [line for line in lines if line["moved_on"] <= audit.last]
        columns = {name: [line.get(name) for line in lines] for name in _SCHEMA}
        self.lines = pl.DataFrame(columns, schema=_SCHEMA).sort("moved_on", "manifest_id", "line_id", "movement")

    def _daily(self, stream: Waste) -> np.ndarray:
        """What arises of a stream a day, t."""
        enterprise = self.park.by_id[stream.enterprise_id]
        if stream.of is None:
            return self.park.hazardous_waste(enterprise) * stream.share
        made = self.park.coal() if stream.of == "coal" else self.park.output(enterprise, stream.of)
        return made * stream.tonnes_per_unit

    def _stream(self, number: int, stream: Waste) -> list[dict]:
        daily, lines, stock, shipments = self._daily(stream), [], 0.0, 0
        common = {
            "enterprise_id": stream.enterprise_id, "process_id": stream.process_id, "waste_code": stream.waste_code, "waste_kind": stream.kind
        }  # fmt: skip
        for at, month in enumerate(self.months):
            page = {"manifest_id": f"TZ-{month:%Y%m}-{stream.enterprise_id}", "line_id": str(number)}
            if stream.every and at % stream.every == 0 and stock > 0:
                shipments += 1
                lines += self._shipment(stream, month.replace(day=SHIPPED_ON), stock, shipments, common, page)
                stock = 0.0
            days = self.park.days.slice(month, min(month_end(month), self.park.days.last))
            arisen = round(float(daily[days].sum()), 3)
            stock = round(stock + arisen, 3)
            lines += [
                common | page | {"movement": movement, "moved_on": month_end(month), "quantity_t": arisen}
                for movement in ("generated", "stored")
            ]
        return lines

    def _shipment(self, stream: Waste, day: date, tonnes: float, shipment: int, common: dict, page: dict) -> list[dict]:
        """The ledger's line, the manifest, and what a receiver inside the park makes of it."""
        fault = self._fault(stream, shipment)
        share = 1.0 if fault is None else fault.received_share
        received = None if share is None else round(tonnes * share, 3)
        manifest = {"manifest_id": f"LD-{day:%Y%m}-{stream.enterprise_id}-{stream.waste_code}", "line_id": "-"}
        confirmed = day + timedelta(days=2) if received is not None else None
        lines = [
            common | page | {"movement": "withdrawn", "moved_on": day, "quantity_t": tonnes},
            common
            | manifest
            | {
                "movement": "transferred", "moved_on": day, "quantity_t": tonnes, "receiver_id": stream.receiver_id,
                "receiver_licence": stream.licence, "received_on": confirmed, "received_t": received,
            },
        ]  # fmt: skip
        if stream.receiver_id is not None and received is not None:
            theirs = common | manifest | {"enterprise_id": stream.receiver_id, "process_id": None, "quantity_t": received}
            lines += [theirs | {"movement": movement, "moved_on": confirmed} for movement in ("received", "recycled")]
        return lines

    def _fault(self, stream: Waste, shipment: int) -> ManifestFault | None:
        asked = (stream.enterprise_id, stream.waste_code, shipment)
        return next((f for f in self.audit.story.manifest_faults if (f.enterprise_id, f.waste_code, f.shipment) == asked), None)

    @property
    def ledger(self) -> pl.DataFrame:
        """Lines of the enterprises' own books."""
        return self.lines.filter(pl.col("movement") != "transferred")

    @property
    def manifests(self) -> pl.DataFrame:
        return self.lines.filter(pl.col("movement") == "transferred")

    def stocks(self) -> pl.DataFrame:
        """What is in store at the end of every month: enterprise, waste and month."""
        sign = pl.when(pl.col("movement") == "stored").then(1.0).when(pl.col("movement") == "withdrawn").then(-1.0).otherwise(0.0)
        moves = self.lines.group_by("enterprise_id", "waste_code", month=pl.col("moved_on").dt.month_start()).agg(
            change=(pl.col("quantity_t") * sign).sum()
        )
        months = pl.DataFrame({"month": self.months})
        own = self.lines.filter(pl.col("movement") == "stored").select("enterprise_id", "waste_code").unique()
        return (
            own.join(months, how="cross")
            .join(moves, on=["enterprise_id", "waste_code", "month"], how="left")
            .sort("enterprise_id", "waste_code", "month")
            .with_columns(stock_t=pl.col("change").fill_null(0.0).cum_sum().over("enterprise_id", "waste_code").round(3))
            .drop("change")
        )

    def planted(self) -> list[tuple[str, str, str, str]]:
        """(kind, manifest, enterprise, what) of the manifests whose confirmation is not in order."""
        found = []
        for fault in self.audit.story.manifest_faults:
            mine = self.manifests.filter((pl.col("enterprise_id") == fault.enterprise_id) & (pl.col("waste_code") == fault.waste_code))
            if mine.height >= fault.shipment:
                kind = "unconfirmed_manifest" if fault.received_share is None else "manifest_mismatch"
                found.append((kind, mine["manifest_id"][fault.shipment - 1], fault.enterprise_id, fault.what))
        return found
