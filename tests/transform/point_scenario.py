"""One small park with a point for every way a point's data can change; shared by the point tests."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

BEGIN = date(2025, 10, 28)
DAYS = 9
REGISTERED = date(2025, 1, 1)


def hour(day: int, hour_of_day: float) -> datetime:
    """Naive UTC instant of a Shanghai hour of the day-th day of the scenario."""
    return datetime.combine(BEGIN, datetime.min.time()) + timedelta(days=day, hours=hour_of_day - 8)


def series(
    point: str, parameter: str, statistic: str, value: Callable[[int, int], float], days: range, step: int = 6, **more: Any
) -> list[dict]:
    """Readings every `step` hours; registers are spot values."""
    unit = {"electricity": "kWh", "natural_gas": "m3", "own_flow": "x/h"}.get(parameter, "mg/m3")
    return [
        {
            "point_id": point, "parameter_code": parameter, "statistic": statistic, "source_kind": "automatic",
            "period_start_utc": hour(day, at), "period_end_utc": hour(day, at + (0 if statistic == "register" else step)),
            "value": value(day, at), "unit": unit, **more,
        }
        for day in days
        for at in range(0, 24, step)
    ]  # fmt: skip


def count_up(day: int, at: int) -> float:
    """A register that counts 10 an hour."""
    return 1000.0 + (day * 24 + at) * 10


def point(point_id: str, enterprise: str | None = "E1", **more: Any) -> dict[str, Any]:
    return {"point_id": point_id, "enterprise_id": enterprise, "kind": "energy", "valid_from": REGISTERED, **more}


def channel(point_id: str, parameter: str, **more: Any) -> dict[str, Any]:
    return {"point_id": point_id, "parameter_code": parameter, "step_minutes": 360, "valid_from": REGISTERED, **more}


POINTS = (
    "corrected", "one_gone", "day_gone", "late", "newest", "flagged", "step", "multiplier", "kind", "rate", "exchange", "exchange_gone",
    "exchange_new", "register_gone", "register_day_gone", "register_corrected", "owner", "closed", "silent", "emptied", "untouched",
    "sub_hourly", "copy_begins", "weekly",
)  # fmt: skip


def scenario() -> dict[str, list[dict[str, Any]]]:
    whole = range(DAYS)
    cumulative = ("exchange", "exchange_gone", "exchange_new", "register_gone", "register_day_gone", "register_corrected", "copy_begins")
    readings = []
    for name in POINTS:
        if name in cumulative:
            readings += series(name, "electricity", "register", count_up, whole)
        elif name in ("multiplier", "kind"):
            readings += series(name, "electricity", "cou", lambda day, at: 5.0 + day, whole)
        elif name == "rate":
            readings += series(name, "own_flow", "avg", lambda day, at: 2.0, whole)
        elif name == "sub_hourly":
            readings += [
                {**row, "period_end_utc": row["period_start_utc"] + timedelta(minutes=10)}
                for row in series(name, "a21026", "avg", lambda day, at: float(at), whole)
            ]
            readings += series(name, "a21026", "avg", lambda day, at: float(at) + 1, whole, step=1)
        elif name == "late":
            readings += series(name, "a21026", "avg", lambda day, at: float(at), range(3, DAYS))
        elif name == "weekly":  # a sample a week: owes nothing daily, and keeps the rows of the days it came
            readings += series(name, "a21026", "rtd", lambda day, at: 7.0, range(1, DAYS, 7), step=24)
        elif name != "silent":
            readings += series(name, "a21026", "avg", lambda day, at: float(at + day), whole)
    parameters = {"rate": "own_flow"} | dict.fromkeys((*cumulative, "multiplier", "kind"), "electricity")
    kinds = dict.fromkeys(cumulative, "cumulative")
    return {
        "park": [{"valid_from": REGISTERED, "area_km2": 10.0}],
        "enterprise": [{"enterprise_id": name, "valid_from": REGISTERED} for name in ("E1", "E2")],
        "process": [{"process_id": "E1-P1", "enterprise_id": "E1", "valid_from": REGISTERED}],
        "product": [{"enterprise_id": "E1", "product_code": "E1-STEEL", "unit": "t", "valid_from": REGISTERED}],
        "outlet": [
            {"outlet_id": "E1-O1", "enterprise_id": "E1", "medium": "air", "kind": "stack", "discharge_kind": "direct", "valid_from": REGISTERED}
        ],
        "point": [point(name) for name in POINTS],
        "channel": [
            channel(
                name, parameters.get(name, "a21026"), register_kind=kinds.get(name), digits=6, step_minutes=10080 if name == "weekly" else 360
            )
            for name in POINTS
            if name != "flagged"
        ],
        "meter_event": [
            {
                "point_id": name, "parameter_code": "electricity", "event_kind": "exchange", "event_at_utc": hour(4, 9),
                "final_register": 2060.0, "initial_register": 2000.0,
            }
            for name in ("exchange", "exchange_gone")
        ],
        "meter_link": [{"point_id": "step", "parent_point_id": "-", "role": "billing", "valid_from": REGISTERED}],
        "flow_link": [{"point_id": "step", "target_kind": "enterprise", "target_id": "E2", "medium": "electricity", "valid_from": REGISTERED}],
        "allocation": [
            {"source_kind": "point", "source_id": "step", "enterprise_id": "E2", "share": 0.5, "basis": "area", "valid_from": REGISTERED}
        ],
        "identifier": [{"scheme": "mn", "value": "1", "entity_kind": "point", "entity_id": "step", "valid_from": REGISTERED}],
        "entity_relation": [
            {"entity_kind": "enterprise", "from_id": "E2", "to_id": "E1", "relation": "merged_into", "effective_date": date(2025, 11, 1)}
        ],
        "permit_limit": [
            {
                "permit_id": "L1", "subject_kind": "outlet", "subject_id": "E1-O1", "parameter_code": "a21026",
                "limit_kind": "hourly_concentration", "limit_value": 50.0, "unit": "mg/m3", "valid_from": REGISTERED,
            }
        ],
        "reading": readings,
    }  # fmt: skip
