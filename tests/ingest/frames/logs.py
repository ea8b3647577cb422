"""What tests of device feeds start from: frames in one line, logs as a receiver writes them, contracts with their devices."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pipelines.contracts.feed import FeedContract
from pipelines.hj212 import CrcVariant, Dialect, Frame, encode, flag_for
from pipelines.ingest.frames import parse_log
from pipelines.ingest.normalise import Parsed
from pipelines.ingest.references import References
from tests.ingest.given import PARK, references

HOUR = datetime(2026, 3, 2, 10)


def values(**factors: dict[str, object]) -> dict[str, dict[str, object]]:
    """`values(a21026={"Avg": 35.2, "Flag": "N"})`."""
    return factors


def frame(
    factors: dict[str, dict[str, object]],
    *,
    mn: str = "M1",
    st: str = "31",
    cn: str = "2061",
    at: datetime | None = HOUR,
    qn: str = "20260302110005001",
    dialect: Dialect = Dialect.HJ_2017,
    key: bytes | None = None,
    crc: CrcVariant = CrcVariant.HJ212,
    **more: Any,
) -> bytes:
    """An upload. `more` are fields of `Frame`."""
    groups = [(("DataTime", f"{at:%Y%m%d%H%M%S}"),)] if at is not None else []
    groups += [tuple((f"{code}-{field}", str(value)) for field, value in fields.items()) for code, fields in factors.items()]
    flag = None if dialect is Dialect.HJ_2005 else flag_for(dialect, answer=True, packets="pnum" in more)
    content = {"qn": qn, "password": "s3cret", "flag": flag, "groups": tuple(groups)} | more
    return encode(Frame(st=st, cn=cn, mn=mn, **content), dialect=dialect, key=key, crc_variant=crc)


def stamped(frames: Iterable[bytes], first: datetime = HOUR + timedelta(hours=1, seconds=5), step: timedelta = timedelta(0)) -> bytes:
    """A receiver log: a time stamp before every frame."""
    return b"".join(f"{first + number * step:%Y-%m-%d %H:%M:%S.%f} <- ".encode() + data for number, data in enumerate(frames))


def contract(*devices: dict[str, object], **changes: object) -> FeedContract:
    """A feed of devices; M1 measures point S1 unless devices are given."""
    rows = [{"row": number} | row for number, row in enumerate(devices or ({"mn": "M1", "point_id": "S1"},), start=2)]
    logs = {"drop": "logs/*.log", "devices": "devices.csv", "device_rows": rows} | changes.pop("hj212", {})  # type: ignore[arg-type]
    content = {
        "feed_id": "devices", "record": "reading", "owner": "desk@park.example", "source": {"hj212": logs}, "source_kind": "automatic",
    } | changes  # fmt: skip
    return FeedContract.model_validate(content)


def parsed(
    folder: Path, log: bytes, of: FeedContract | None = None, against: References | None = None, environment: dict[str, str] | None = None
) -> Parsed:
    file = folder / "receiver.log"
    file.write_bytes(log)
    return parse_log(file, of or contract(), against or references(), PARK, max_bytes=1 << 30, environment=environment or {})


def said(parse: Parsed) -> list[tuple]:
    """(point, parameter, statistic, value, unit) of every accepted reading, sorted."""
    return sorted(parse.accepted.select("point_id", "parameter_code", "statistic", "value", "unit").rows())


def why(parse: Parsed) -> list[tuple[str, str]]:
    """(rule, raw text) of every refused one."""
    return parse.quarantined.select("rule", "raw_text").rows()
