"""One frame of HJ 212: its grammar in the dialects of 2005, 2017 and 2025, read and written.

`decode_segment` judges a data segment whose borders are known; finding the borders in a stream belongs in `scan`, tables of many
frames in `bulk`. What is read by `decode_segment` and what is written by `encode` are each other's inverse.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from pipelines.hj212.crc import crc, crc_and_variant
from pipelines.hj212.devices import DeviceProfile, Devices
from pipelines.hj212.encryption import ENCRYPTED_AREA, EncryptionError, decrypt_area, encrypt_area, split_area
from pipelines.hj212.vocabulary import (
    ANSWER_SYSTEM,
    ANSWERS,
    DATA_ANSWER,
    DATA_FLAGS,
    NOTICE_ANSWER,
    NOTICES,
    STATISTICS,
    UPLOADS,
    CrcVariant,
    Dialect,
    Verdict,
)

SEGMENT_MAX = 1024
AREA_MAX = 950
MN_MAX = 24
ANSWER_NEEDED = 0b01
PACKETS = 0b10
"""Bits of Flag: an answer is expected; PNUM and PNO are present."""

_VERSIONS = {0: Dialect.HJ_2005, 1: Dialect.HJ_2017, 2: Dialect.HJ_2025}
_VERSION_OF = {dialect: version for version, dialect in _VERSIONS.items()}
_ENVELOPE = ("QN", "ST", "CN", "PW", "MN", "Flag", "PNUM", "PNO", "RF")
_NAME = re.compile(r"\w[\w.\-]*")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_DIGITS = re.compile(r"\d+", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CLAIMED_MN = re.compile(rb"(?:^|[;,])\s*MN=([^;,&\s]+)")

Group = tuple[tuple[str, str], ...]
"""Items of the data area that commas join: names and texts, in order."""


class GrammarError(ValueError):
    """Why a data segment cannot be read; never quotes a password."""


class EncodeError(ValueError):
    """Why a frame cannot be written."""


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What a frame says. Texts stay texts: numbers are read where a table is made.

    Attributes:
        st, cn, mn: System, command and device number.
        qn: Request number, YYYYMMDDhhmmsszzz.
        password: Of the device; never printed and never written to a table.
        flag: Version bits, packet bit, answer bit.
        pnum, pno: Number of packets and which one this is.
        resend: The mark RF=1 of 2025.
        groups: The data area: items joined by commas, groups by semicolons.
        extra: Fields of the envelope that the standard does not know, in order.
    """

    st: str
    cn: str
    mn: str
    qn: str | None = None
    password: str | None = field(default=None, repr=False)
    flag: int | None = None
    pnum: int | None = None
    pno: int | None = None
    resend: bool = False
    groups: tuple[Group, ...] = ()
    extra: tuple[tuple[str, str], ...] = ()

    @property
    def dialect(self) -> Dialect:
        """Edition by the version bits of Flag; 2005 has no Flag, or one without version."""
        return _detect(self.flag)[0]

    @property
    def data_time(self) -> str | None:
        """DataTime as sent, without milliseconds."""
        text = next((text for group in self.groups for name, text in group if name == "DataTime"), None)
        return None if text is None else text[:14]


@dataclass(frozen=True)
class Segment:
    """A judged data segment: the frame where it could be read, and why not where it could not."""

    verdict: Verdict
    reason: str | None
    frame: Frame | None
    warnings: frozenset[str]
    dialect: Dialect | None
    crc_calculated: int | None
    crc_variant: CrcVariant | None
    area: bytes | None
    """Data area as sent; the plain one where it was encrypted and the key is known."""


def decode_segment(data: bytes, crc_declared: int, devices: Devices) -> Segment:
    """Judge a data segment by the profile of the device that it names: CRC first, then grammar."""
    claimed = _CLAIMED_MN.search(data)
    profile = devices.of(claimed[1].decode("ascii", "replace") if claimed else None)
    dialect = None
    if b"CP=&&" + ENCRYPTED_AREA in data:
        try:
            frame, dialect, area, warnings = _envelope(data, profile)
            if dialect is Dialect.HJ_2025:
                return _decode_encrypted(data, frame, dialect, area, warnings, crc_declared, profile)
        except (GrammarError, EncryptionError) as error:
            return Segment(Verdict.BAD_GRAMMAR, str(error), None, frozenset(), dialect, None, None, None)
    calculated, variant = crc_and_variant(data, crc_declared)
    if variant not in profile.crc_variants:
        reason = crc_reason(crc_declared, calculated, variant)
        if dialect is not None:
            reason += f"; the data area looks encrypted, which the dialect of {dialect} does not know"
        return Segment(Verdict.BAD_CRC, reason, None, frozenset(), dialect, calculated, variant, None)
    try:
        frame, dialect, area, warnings = _envelope(data, profile)
        frame, warnings = _with_groups(frame, area, warnings)
    except GrammarError as error:
        return Segment(Verdict.BAD_GRAMMAR, str(error), None, frozenset(), dialect, calculated, variant, None)
    if len(data) > SEGMENT_MAX or len(area) > AREA_MAX:
        warnings.add("over_long")
    return Segment(Verdict.OK, None, frame, frozenset(warnings), dialect, calculated, variant, area)


def crc_reason(declared: int, calculated: int, variant: CrcVariant | None) -> str:
    """Why a CRC is refused, with the variant by name where one matches."""
    if variant is None:
        return f"the CRC is {declared:04X}; {calculated:04X} is right"
    return f"the CRC {declared:04X} is that of {variant}; the device's profile does not allow it ({calculated:04X} is right)"


def _decode_encrypted(
    data: bytes, frame: Frame, dialect: Dialect, area: bytes, warnings: set[str], crc_declared: int, profile: DeviceProfile
) -> Segment:
    if profile.sm4_key is None:
        split_area(area)
        reason = "the data area is encrypted and the device's profile has no key"
        return Segment(Verdict.ENCRYPTED_UNVERIFIED, reason, frame, frozenset(warnings), dialect, None, None, area)
    plain = decrypt_area(area, profile.sm4_key)
    segment = data[: len(data) - len(area) - 2] + plain + b"&&"
    calculated, variant = crc_and_variant(segment, crc_declared)
    if variant not in profile.crc_variants:
        reason = crc_reason(crc_declared, calculated, variant) + " (of the decrypted text: damaged, or another key)"
        return Segment(Verdict.BAD_CRC, reason, None, frozenset(), dialect, calculated, variant, None)
    try:
        frame, warnings = _with_groups(frame, plain, warnings)
    except GrammarError as error:
        return Segment(Verdict.BAD_GRAMMAR, str(error), None, frozenset(), dialect, calculated, variant, None)
    if len(segment) > SEGMENT_MAX or len(plain) > AREA_MAX:
        warnings.add("over_long")
    return Segment(Verdict.OK, None, frame, frozenset(warnings), dialect, calculated, variant, plain)


def _text(data: bytes, warnings: set[str]) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        try:
            text = data.decode("gbk")
        except UnicodeDecodeError as error:
            raise GrammarError(f"byte 0x{data[error.start]:02X} is neither UTF-8 nor GBK text") from error
        warnings.add("gbk_text")
    if found := _CONTROL.search(text):
        raise GrammarError(f"control character 0x{ord(found[0]):02X} inside the data segment")
    return text


def _envelope(data: bytes, profile: DeviceProfile) -> tuple[Frame, Dialect, bytes, set[str]]:
    """Everything before the data area, the dialect, the area's bytes and what was tolerated."""
    begin = data.find(b"CP=&&")
    if begin < 0 or not data.endswith(b"&&") or len(data) < begin + 7:
        raise GrammarError("no data area CP=&&…&& at the end of the data segment")
    area = data[begin + 5 : -2]
    warnings: set[str] = set()
    head = _text(data[:begin], warnings)
    fields, extra = _fields(head, warnings)
    for name in ("ST", "CN", "MN"):
        if name not in fields:
            raise GrammarError(f"{name} is missing")
    for name, pattern, right in (("ST", r"[0-9A-Za-z]{2}", "two characters"), ("CN", r"[0-9]{4}", "four digits")):
        if not re.fullmatch(pattern, fields[name]):
            raise GrammarError(f"{name} = {fields[name]!r}; it has {right}")
    mn = fields["MN"]
    if not re.fullmatch(r"[\w.:\-]+", mn):
        raise GrammarError(f"MN = {mn!r}; a device number is made of letters and digits")
    if len(mn) > MN_MAX:
        warnings.add("mn_over_long")
    flag = _whole("Flag", fields.get("Flag"), 255)
    pnum, pno = _whole("PNUM", fields.get("PNUM"), 9999), _whole("PNO", fields.get("PNO"), 9999)
    dialect, known_version = _detect(flag)
    dialect = profile.dialect or dialect
    if not known_version:
        warnings.add("unknown_version")
    qn = fields.get("QN")
    if (qn is not None and _time(qn[:14]) is None) or (qn is not None and not (len(qn) == 17 and qn.isascii() and qn.isdigit())):
        warnings.add("qn_form")
    if dialect is not Dialect.HJ_2005:
        warnings.update(warning for warning, name in (("qn_missing", "QN"), ("flag_missing", "Flag")) if name not in fields)
    if (pnum is None) != (pno is None):
        warnings.add("packet_numbers_incomplete")
    elif pnum is not None and pno is not None and pno > pnum:
        raise GrammarError(f"packet {pno} of {pnum}")
    if flag is not None and bool(flag & PACKETS) != (pnum is not None):
        warnings.add("packet_bit")
    limit = 1 if dialect is Dialect.HJ_2025 else 4
    if any(name in fields and (len(fields[name]) > limit or fields[name] != str(int(fields[name]))) for name in ("PNUM", "PNO")):
        warnings.add("packet_digits")
    if "RF" in fields:
        if fields["RF"] != "1":
            raise GrammarError(f"RF = {fields['RF']!r}; the resend mark is RF=1 or absent")
        if dialect is not Dialect.HJ_2025:
            warnings.add("rf_outside_2025")
    frame = Frame(
        st=fields["ST"], cn=fields["CN"], mn=mn, qn=qn, password=fields.get("PW"), flag=flag, pnum=pnum, pno=pno,
        resend="RF" in fields, extra=tuple(extra),
    )  # fmt: skip
    return frame, dialect, area, warnings


def _fields(head: str, warnings: set[str]) -> tuple[dict[str, str], list[tuple[str, str]]]:
    if head and head[-1] not in ";,":
        warnings.add("separator_before_cp")
        head += ";"
    if "," in head:
        warnings.add("comma_for_semicolon")
    fields: dict[str, str] = {}
    extra: list[tuple[str, str]] = []
    for piece in re.split("[;,]", head)[:-1]:
        if not piece.strip():
            warnings.add("empty_field")
            continue
        name, equals, text = piece.partition("=")
        name, text = _stripped(name, warnings), _stripped(text, warnings)
        # The message must not quote the text: it may be a password whose "=" was lost.
        if not equals or not _NAME.fullmatch(name):
            raise GrammarError(f"a field of the envelope is not written name=value (it begins with {piece.strip()[:2]!r})")
        if "=" in text or "&" in text:
            raise GrammarError(f"the envelope's field {name} contains = or &")
        if name not in _ENVELOPE:
            warnings.add("unknown_field")
            extra.append((name, text))
        elif name in fields:
            raise GrammarError(f"the envelope has {name} twice")
        else:
            fields[name] = text
    return fields, extra


def _stripped(text: str, warnings: set[str]) -> str:
    bare = text.strip()
    if bare != text:
        warnings.add("blanks")
    return bare


def _whole(name: str, text: str | None, greatest: int) -> int | None:
    if text is None:
        return None
    if not _DIGITS.fullmatch(text) or int(text) > greatest:
        raise GrammarError(f"{name} = {text!r}; it is a whole number up to {greatest}")
    return int(text)


def _detect(flag: int | None) -> tuple[Dialect, bool]:
    if flag is None:
        return Dialect.HJ_2005, True
    dialect = _VERSIONS.get(flag >> 2)
    return dialect or Dialect.HJ_2017, dialect is not None


def _with_groups(frame: Frame, area: bytes, warnings: set[str]) -> tuple[Frame, set[str]]:
    warnings = set(warnings)
    text = _text(area, warnings)
    if "&&" in text:
        raise GrammarError("&& inside the data area: the frame swallowed another, or its end was damaged")
    groups = []
    for piece in text.split(";") if text.strip() else []:
        items = []
        for item in piece.split(","):
            if not item.strip():
                warnings.add("empty_item")
                continue
            name, equals, value = item.partition("=")
            name, value = _stripped(name, warnings), _stripped(value, warnings)
            if not equals or not _NAME.fullmatch(name):
                raise GrammarError(f"item {len(items) + 1} of group {len(groups) + 1} of the data area is not written name=value")
            if "=" in value:
                raise GrammarError(f"the value of {name} contains =")
            if items:
                name = _with_group_letter(items[0][0], name, warnings)
            items.append((name, value))
        if items:
            groups.append(tuple(items))
    _check_items(frame, groups, warnings)
    return replace(frame, groups=tuple(groups)), warnings


def split_name(name: str) -> tuple[str | None, str]:
    """Factor and field of an item's name: a21026-Rtd → a21026, Rtd; a plain name has no factor."""
    factor, dash, field_name = name.rpartition("-")
    return (factor, field_name) if dash and factor and field_name else (None, name)


def _with_group_letter(first: str, name: str, warnings: set[str]) -> str:
    """The standard's own example drops a letter inside a group: w01018-SampleTime=…,01018-Rtd=2.2."""
    group_factor, (factor, field_name) = split_name(first)[0], split_name(name)
    if group_factor and factor and group_factor[0].isalpha() and group_factor[1:] == factor:
        warnings.add("factor_letter_missing")
        return f"{group_factor}-{field_name}"
    return name


def _check_items(frame: Frame, groups: Sequence[Group], warnings: set[str]) -> None:
    data_times: set[str] = set()
    flags: dict[str, str] = {}
    for group in groups:
        for name, value in group:
            factor, field_name = split_name(name)
            if name == "DataTime":
                if _time(value[:14]) is None or len(value) not in (14, 17) or not _DIGITS.fullmatch(value):
                    raise GrammarError(f"DataTime = {value!r}; it is a time written YYYYMMDDhhmmss")
                if len(value) == 17:
                    warnings.add("data_time_17")
                data_times.add(value)
            elif factor is not None and field_name == "Flag":
                if value not in DATA_FLAGS:
                    warnings.add("unknown_flag")
                if flags.setdefault(factor, value) != value:
                    raise GrammarError(f"factor {factor} has two flags, {flags[factor]} and {value}")
            elif factor is not None and field_name in STATISTICS and not _NUMBER.fullmatch(value):
                warnings.add("not_a_number")
    if len(data_times) > 1:
        raise GrammarError(f"the frame has several DataTime: {', '.join(sorted(data_times))}")
    if frame.cn in UPLOADS and groups and not data_times:
        warnings.add("no_data_time")


def _time(text: str) -> datetime | None:
    if len(text) != 14 or not _DIGITS.fullmatch(text):
        return None
    try:
        return datetime(*(int(text[a:b]) for a, b in ((0, 4), (4, 6), (6, 8), (8, 10), (10, 12), (12, 14))))  # noqa: DTZ001 - device time
    except ValueError:
        return None


def number(text: str) -> float | None:
    """Number of a measured value's text; null for anything else, so that NaN, inf or 1_0 never become one."""
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if abs(value) != float("inf") else None


def encode(frame: Frame, *, dialect: Dialect | None = None, key: bytes | None = None, crc_variant: CrcVariant = CrcVariant.HJ212) -> bytes:
    """Write a frame, CR LF included, such that decoding gives it back.

    Args:
        frame: what to say.
        dialect: edition to write; that of the frame's Flag by default.
        key: SM4 key; encrypts the data area (2025 only).
        crc_variant: another CRC, as some devices send it (tests, simulated devices).
    """
    dialect = dialect or frame.dialect
    _check_frame(frame, dialect, encrypted=key is not None)
    area = ";".join(",".join(f"{name}={value}" for name, value in group) for group in frame.groups).encode()
    fields = [
        ("QN", frame.qn), ("ST", frame.st), ("CN", frame.cn), ("PW", frame.password), ("MN", frame.mn), ("Flag", frame.flag),
        *frame.extra, ("PNUM", frame.pnum), ("PNO", frame.pno), ("RF", 1 if frame.resend else None),
    ]  # fmt: skip
    head = "".join(f"{name}={value};" for name, value in fields if value is not None).encode() + b"CP=&&"
    plain = head + area + b"&&"
    if len(area) > AREA_MAX or len(plain) > SEGMENT_MAX:
        raise EncodeError(
            f"the data area has {len(area)} bytes and the data segment {len(plain)}; {AREA_MAX} and {SEGMENT_MAX} are allowed: use split()"
        )
    sent = plain if key is None else head + encrypt_area(area, key) + b"&&"
    return b"##%04d" % len(sent) + sent + b"%04X\r\n" % crc(plain, crc_variant)


def _check_frame(frame: Frame, dialect: Dialect, *, encrypted: bool) -> None:
    envelope = [("QN", frame.qn), ("ST", frame.st), ("CN", frame.cn), ("PW", frame.password), ("MN", frame.mn), *frame.extra]
    for name, value in envelope:
        if value is not None and (not value.isprintable() or re.search(r"[;,=&]", value) or value != value.strip()):
            # A password's text stays out of the message.
            raise EncodeError(f"{name} contains a separator, a control character or blanks at its ends")
    for name, _ in frame.extra:
        if not _NAME.fullmatch(name) or name in (*_ENVELOPE, "CP"):
            raise EncodeError(f"extra field {name!r} is not a name of its own")
    if not re.fullmatch(r"[\w.:\-]+", frame.mn):
        raise EncodeError(f"MN = {frame.mn!r}; a device number is made of letters and digits")
    if not re.fullmatch(r"[0-9A-Za-z]{2}", frame.st) or not re.fullmatch(r"[0-9]{4}", frame.cn):
        raise EncodeError(f"ST = {frame.st!r}, CN = {frame.cn!r}; they are two characters and four digits")
    if (frame.pnum is None) != (frame.pno is None):
        raise EncodeError("PNUM and PNO come together")
    if frame.pnum is not None and frame.pno is not None:
        greatest = 9 if dialect is Dialect.HJ_2025 else 9999
        if not 0 <= frame.pno <= frame.pnum <= greatest:
            raise EncodeError(f"packet {frame.pno} of {frame.pnum}; the dialect of {dialect} has at most {greatest}")
    if frame.flag is not None:
        if not 0 <= frame.flag <= 255:
            raise EncodeError(f"Flag = {frame.flag}; it is 0 to 255")
        if bool(frame.flag & PACKETS) != (frame.pnum is not None):
            raise EncodeError(f"Flag = {frame.flag} and the presence of PNUM disagree: see flag_for()")
    if dialect is not Dialect.HJ_2025 and (frame.resend or encrypted):
        raise EncodeError(f"the dialect of {dialect} has neither a resend mark nor encryption")
    for group in frame.groups:
        if not group:
            raise EncodeError("an empty group cannot be written")
        for name, value in group:
            if not _NAME.fullmatch(name):
                raise EncodeError(f"item name {name!r} is not made of letters, digits, dots and dashes")
            if not value.isprintable() or re.search(r"[;,=&]", value) or value != value.strip():
                raise EncodeError(f"the value of {name} contains a separator, a control character or blanks at its ends")
            if _with_group_letter(group[0][0], name, set()) != name:
                raise EncodeError(f"{name} behind {group[0][0]} would be read as that factor: write it in a group of its own")
    try:
        _check_items(frame, frame.groups, set())
    except GrammarError as error:
        raise EncodeError(str(error)) from error


def flag_for(dialect: Dialect, *, answer: bool = False, packets: bool = False) -> int:
    """Flag of a dialect: 4 to 7 in 2017, 8 to 11 in 2025."""
    return _VERSION_OF[Dialect(dialect)] << 2 | (PACKETS if packets else 0) | (ANSWER_NEEDED if answer else 0)


def data_answer(frame: Frame) -> Frame:
    """Answer to an uploaded frame (9014): its QN, MN and edition, no data."""
    return _answer(frame, DATA_ANSWER)


def answer_to(frame: Frame) -> Frame | None:
    """What a receiver answers: 9013 to a notice, 9014 to any other upload, nothing where no answer is asked for or it is one itself."""
    if frame.flag is None or not frame.flag & ANSWER_NEEDED or frame.cn in ANSWERS:
        return None
    return _answer(frame, NOTICE_ANSWER if frame.cn in NOTICES else DATA_ANSWER)


def _answer(frame: Frame, cn: str) -> Frame:
    return Frame(
        st=ANSWER_SYSTEM, cn=cn, mn=frame.mn, qn=frame.qn, password=frame.password, flag=None if frame.flag is None else frame.flag & ~0b11
    )


def split(frame: Frame, area_max: int = AREA_MAX, *, own_qn: Sequence[str] | None = None) -> list[Frame]:
    """Cut a frame whose data area is too long into packets of complete groups, each with the DataTime.

    Args:
        frame: with Flag, without packet numbers. Returned as it is where it fits.
        area_max: bytes that a data area may have.
        own_qn: one QN a packet, the standard's way; all packets keep the frame's QN by default, as many devices do.
    """
    head = tuple(group for group in frame.groups if any(name == "DataTime" for name, _ in group))
    parts: list[list[Group]] = [[]]
    used = base = _area_size(head)
    for group in frame.groups:
        if group in head:
            continue
        size = _area_size((group,))
        if parts[-1] and used + size > area_max:
            parts.append([])
            used = base
        if used + size > area_max:
            raise EncodeError(f"group {group[0][0]} alone has {size} bytes beside the DataTime; {area_max} are allowed")
        parts[-1].append(group)
        used += size
    if len(parts) == 1:
        return [frame]
    if own_qn is not None and len(own_qn) < len(parts):
        raise EncodeError(f"{len(parts)} packets need as many QN; {len(own_qn)} were given")
    flag = None if frame.flag is None else frame.flag | PACKETS
    return [
        replace(
            frame, flag=flag, pnum=len(parts), pno=index + 1, groups=head + tuple(part), qn=frame.qn if own_qn is None else own_qn[index]
        )
        for index, part in enumerate(parts)
    ]


def _area_size(groups: Sequence[Group]) -> int:
    return sum(sum(len(name.encode()) + len(value.encode()) + 2 for name, value in group) for group in groups)
