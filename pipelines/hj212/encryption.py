"""The encrypted data area of HJ 212-2025: SM4 in ECB without padding, written as {0xE4,0x3E,…} and a plain tail.

Full groups of 16 bytes are encrypted, the remainder stays plain, and the frame's CRC covers the plain text. Keys come
from the caller and stay with it. The official example (HJ 212-2025, annex A.2) could not be checked: its printed length does
not fit this notation, so the notation is that of the implementations that were read.
"""

import re
from collections.abc import Sequence
from typing import Any

_GROUP = 16
_NOTATION = re.compile(rb"\{(0x[0-9A-Fa-f]{2}(?:, ?0x[0-9A-Fa-f]{2})*)\}(.*)", re.DOTALL)
ENCRYPTED_AREA = b"{0x"
"""How an encrypted data area begins."""


class EncryptionError(ValueError):
    """The data area is not what the encryption of 2025 writes."""


def encrypt_area(plain: bytes, key: bytes) -> bytes:
    """Encrypted form of a data area. An area of less than 16 bytes has no full group and stays as it is."""
    full = len(plain) - len(plain) % _GROUP
    if full == 0:
        return plain
    encryptor = _sm4(key).encryptor()
    cipher = encryptor.update(plain[:full]) + encryptor.finalize()
    return b"{" + ",".join(f"0x{byte:02X}" for byte in cipher).encode() + b"}" + plain[full:]


def split_area(area: bytes) -> tuple[bytes, bytes]:
    """Cipher bytes and plain tail of an encrypted area; says what is wrong with one that is not well-formed."""
    match = _NOTATION.fullmatch(area)
    if match is None:
        raise EncryptionError("the encrypted data area is not written {0x..,0x..,…} with a plain tail behind it")
    cipher = bytes.fromhex(match[1].decode().replace("0x", "").replace(",", ""))
    if len(cipher) % _GROUP:
        raise EncryptionError(f"the encrypted data area has {len(cipher)} cipher bytes; SM4 makes groups of {_GROUP}")
    if len(match[2]) >= _GROUP:
        raise EncryptionError(f"{len(match[2])} bytes follow the encrypted part; fewer than {_GROUP} can remain plain")
    return cipher, match[2]


def decrypt_area(area: bytes, key: bytes) -> bytes:
    """Plain form of an encrypted data area. A wrong key gives rubbish, which the frame's CRC betrays."""
    cipher, tail = split_area(area)
    decryptor = _sm4(key).decryptor()
    return decryptor.update(cipher) + decryptor.finalize() + tail


def decrypt_areas(areas: Sequence[bytes], key: bytes) -> list[bytes | None]:
    """Plain forms of many areas under one key, in one call of the cipher; None for an area that is not well-formed."""
    parts: list[tuple[bytes, bytes] | None] = []
    for area in areas:
        try:
            parts.append(split_area(area))
        except EncryptionError:
            parts.append(None)
    decryptor = _sm4(key).decryptor()
    # ECB knows no neighbours: groups of different frames may stand side by side.
    plain = decryptor.update(b"".join(part[0] for part in parts if part)) + decryptor.finalize()
    texts: list[bytes | None] = []
    position = 0
    for part in parts:
        if part is None:
            texts.append(None)
        else:
            texts.append(plain[position : position + len(part[0])] + part[1])
            position += len(part[0])
    return texts


def _sm4(key: bytes) -> Any:
    # Imported here: the library is needed by 2025 devices with a key only, and costs a third of a second.
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    return Cipher(algorithms.SM4(key), modes.ECB())
