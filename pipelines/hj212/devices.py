"""What is known of the devices that send: one profile per MN, and the profile of those that nobody registered.

Only what decoding and assembly need. Which point and parameter a code stands for belongs in the feed.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import MappingProxyType

from pipelines.contracts.devices import MINUTE_INTERVALS, SETTINGS, DeviceRow
from pipelines.hj212.encryption import encrypt_area
from pipelines.hj212.vocabulary import CrcVariant, Dialect, Label

_KEY = re.compile(r"[0-9A-Fa-f]{32}")


@dataclass(frozen=True)
class DeviceProfile:
    """How one device (MN) speaks.

    Attributes:
        mn: Device number, as sent.
        dialect: Edition to read its frames by; None detects it from each frame.
        crc_variants: CRCs that are accepted. Another variant that matches is named in the frame's reason and refused.
        sm4_key: Key of the encrypted data area, 16 bytes. Never printed and never written to a table.
        label: Which end of its period a mean's DataTime names.
        utc_offset: Of the device's clock. China has one zone and no summer time.
        minute_interval: Length in minutes of the periods of command 2051.
        retry_window: Time within which the device repeats an unanswered frame (the standard: 3 times 10 s).
    """

    mn: str
    dialect: Dialect | None = None
    crc_variants: frozenset[CrcVariant] = frozenset({CrcVariant.HJ212})
    sm4_key: bytes | None = field(default=None, repr=False)
    label: Label = Label.START
    utc_offset: timedelta = timedelta(hours=8)
    minute_interval: int = 10
    retry_window: timedelta = timedelta(seconds=30)

    def __post_init__(self) -> None:
        object.__setattr__(self, "crc_variants", frozenset(CrcVariant(variant) for variant in self.crc_variants))
        object.__setattr__(self, "label", Label(self.label))
        if self.dialect is not None:
            object.__setattr__(self, "dialect", Dialect(self.dialect))
        if not self.crc_variants:
            raise ValueError(f"device {self.mn!r}: crc_variants is empty; name at least one of {[v.value for v in CrcVariant]}")
        if self.sm4_key is not None and len(self.sm4_key) != 16:
            raise ValueError(f"device {self.mn!r}: the SM4 key has {len(self.sm4_key)} bytes; it has 16")
        if self.minute_interval not in MINUTE_INTERVALS:
            raise ValueError(f"device {self.mn!r}: minute_interval = {self.minute_interval}; the standard allows {MINUTE_INTERVALS}")


class Devices:
    """The registered devices and the profile by which frames of any other MN are read."""

    def __init__(self, profiles: Iterable[DeviceProfile] = (), *, others: DeviceProfile | None = None) -> None:
        by_mn: dict[str, DeviceProfile] = {}
        for profile in profiles:
            if profile.mn in by_mn:
                raise ValueError(f"device {profile.mn!r} has two profiles; an MN is one device")
            by_mn[profile.mn] = profile
        self.profiles: Mapping[str, DeviceProfile] = MappingProxyType(by_mn)
        self.others = others or DeviceProfile(mn="")

    def of(self, mn: str | None) -> DeviceProfile:
        """Profile of a device; that of `others`, under its own number, if it is not registered."""
        if mn is None:
            return self.others
        return self.profiles.get(mn) or replace(self.others, mn=mn)

    def __contains__(self, mn: object) -> bool:
        return mn in self.profiles

    @property
    def accepted_variants(self) -> frozenset[CrcVariant]:
        """CRC variants that at least one device may use."""
        return self.others.crc_variants.union(*(profile.crc_variants for profile in self.profiles.values()))


def key_check_value(profile: DeviceProfile) -> str:
    """Three bytes that tell one key from another and give none away, as terminals show them; empty without a key."""
    return "" if profile.sm4_key is None else encrypt_area(bytes(16), profile.sm4_key).decode()[1:15]


def devices_of(rows: Sequence[DeviceRow], environment: Mapping[str, str]) -> tuple[Devices, list[str]]:
    """Profiles out of the rows of a device profile, keys out of the environment.

    Returns:
        The devices, and a sentence per device whose key is not to be had: its encrypted frames then wait, and nothing else.
    """
    profiles, missing = [], []
    by_device: dict[str, list[DeviceRow]] = {}
    for row in rows:
        by_device.setdefault(row.mn, []).append(row)
    for mn, own in by_device.items():
        said = {name: next((value for row in own if (value := getattr(row, name)) is not None), None) for name in SETTINGS}
        given = {name: said[name] for name in ("dialect", "label", "utc_offset", "minute_interval")}
        if said["crc"]:
            given["crc_variants"] = frozenset(said["crc"])
        if said["retry_seconds"] is not None:
            given["retry_window"] = timedelta(seconds=said["retry_seconds"])
        if variable := said["sm4_key_env"]:
            text = environment.get(variable, "").strip()
            if _KEY.fullmatch(text):
                given["sm4_key"] = bytes.fromhex(text)
            else:
                what = "is not set" if not text else f"has {len(text)} characters that are no key"
                missing.append(f"device {mn}: {variable} {what}; right would be 32 hex digits")
        profiles.append(DeviceProfile(mn=mn, **{name: value for name, value in given.items() if value is not None}))
    return Devices(profiles), missing
