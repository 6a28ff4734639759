"""Values of a row image, as the text protocol would send them, so that the reader's own parsers make the record of them.

Formats by https://mariadb.com/kb/en/rows_event_v1v2-rows_compressed_event_v1/ and the packing functions it refers to: integers
and lengths are little-endian, dates and fractions of the newer temporal types big-endian.
"""

import struct
from collections.abc import Callable
from itertools import takewhile
from typing import Final, TypeAlias

from caravan.migration.load.readers import SourceColumn
from caravan.migration.load.readers.mariadb_values import ENCODINGS, base_type

__all__ = ["Cell", "cell_of", "decimal_text"]

Cell: TypeAlias = Callable[[bytes, int], tuple[bytes | int | float, int]]
"""From an event's bytes and the offset of a value to the value and the offset behind it."""

_INTEGERS: Final = {1: ("b", 1), 2: ("h", 2), 3: ("i", 4), 8: ("q", 8)}
_FLOAT, _DOUBLE, _INT24, _DATE, _YEAR, _NEWDATE = 4, 5, 9, 10, 13, 14
_VARCHAR, _BIT, _TIMESTAMP2, _DATETIME2, _TIME2 = 15, 16, 17, 18, 19
_NEWDECIMAL, _ENUM, _SET, _BLOB, _VAR_STRING, _STRING, _GEOMETRY = 246, 247, 248, 252, 253, 254, 255
_SHORT_STRING: Final = 255
_FRACTION_UNIT: Final = (0, 10_000, 100, 1)
"""Microseconds per unit of a fraction, by its bytes."""
_DIGIT_BYTES: Final = (0, 1, 1, 2, 2, 3, 3, 4, 4, 4)
"""Bytes that hold the digits which do not fill a group of nine."""


def cell_of(kind: int, meta: bytes, column: SourceColumn) -> Cell:  # noqa: C901, PLR0911, PLR0912 - one line per type
    """Return what reads values of a column.

    Raises:
        LookupError: the type is not one that a row image is read of; the message says which.
    """
    if kind in _INTEGERS:
        code, size = _INTEGERS[kind]
        unsigned = "unsigned" in column.type or "zerofill" in column.type
        return _packed(f"<{code.upper() if unsigned else code}", size)
    if kind == _INT24:
        return _medium(signed="unsigned" not in column.type and "zerofill" not in column.type)
    if kind in (_FLOAT, _DOUBLE):
        return _packed("<f", 4) if kind == _FLOAT else _packed("<d", 8)
    if kind == _NEWDECIMAL:
        return _decimal(meta[0], meta[1])
    if kind in (_VARCHAR, _VAR_STRING):
        return _sized(2 if int.from_bytes(meta, "little") > _SHORT_STRING else 1)
    if kind in (_BLOB, _GEOMETRY):
        return _sized(meta[0])
    if kind == _STRING:
        return _fixed(meta, column)
    if kind == _BIT:
        return _bytes(meta[1] + (meta[0] > 0))
    if kind == _YEAR:
        return lambda body, at: (body[at] and body[at] + 1900, at + 1)
    if kind in (_DATE, _NEWDATE):
        return _date
    if kind == _DATETIME2:
        return _datetime(meta[0])
    if kind == _TIMESTAMP2:
        return _timestamp(meta[0])
    if kind == _TIME2:
        return _time(meta[0])
    raise LookupError(
        f"column {column.name} of type {column.type} is logged in the form {kind}, which is not read"
        + ("; ALTER TABLE … FORCE writes it in the form of today" if kind in (7, 11, 12) else "")
    )


def _packed(form: str, size: int) -> Cell:
    read = struct.Struct(form).unpack_from

    def cell(body: bytes, at: int) -> tuple[int | float, int]:
        return read(body, at)[0], at + size

    return cell


def _medium(*, signed: bool) -> Cell:
    return lambda body, at: (int.from_bytes(body[at : at + 3], "little", signed=signed), at + 3)


def _bytes(size: int) -> Cell:
    return lambda body, at: (body[at : at + size], at + size)


def _sized(width: int) -> Callable[[bytes, int], tuple[bytes, int]]:
    if width == 1:

        def short(body: bytes, at: int) -> tuple[bytes, int]:
            end = at + 1 + body[at]
            return body[at + 1 : end], end

        return short

    def cell(body: bytes, at: int) -> tuple[bytes, int]:
        begin = at + width
        end = begin + int.from_bytes(body[at:begin], "little")
        return body[begin:end], end

    return cell


def _fixed(meta: bytes, column: SourceColumn) -> Cell:
    """CHAR, BINARY, ENUM, SET and what the server stores like CHAR; two bits of the length hide in the type."""
    real, low = meta
    if real == _ENUM:
        return _enum(low, column)
    if real == _SET:
        return _set(low, column)
    width = low | ((real & 0x30) ^ 0x30) << 4
    inner = _sized(2 if width > _SHORT_STRING else 1)
    kind = base_type(column.type)
    if kind not in {"binary", "uuid", "inet6", "inet4"}:
        return inner

    def padded(body: bytes, at: int) -> tuple[bytes, int]:
        # Trailing zero bytes are not logged.
        value, end = inner(body, at)
        return _shown(kind, value.ljust(width, b"\0")), end

    return padded


def _shown(kind: str, raw: bytes) -> bytes:
    return raw if kind == "binary" else _AS_TEXT[kind](raw)


def _uuid(raw: bytes) -> bytes:
    digits = raw.hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])).encode()


def _inet6(raw: bytes) -> bytes:
    """Write as the server does: it shortens the first longest run of zeros, also one that is a single group."""
    groups = struct.unpack(">8H", raw)
    runs = [len(list(takewhile(lambda group: group == 0, groups[first:]))) for first in range(8)]
    longest = max(runs)
    if not longest:
        return ":".join(f"{group:x}" for group in groups).encode()
    first = runs.index(longest)
    before = ":".join(f"{group:x}" for group in groups[:first])
    behind = ":".join(f"{group:x}" for group in groups[first + longest :])
    if first == 0 and (longest == 6 or (longest == 5 and groups[5] == 0xFFFF)):  # noqa: PLR2004 - IPv4 in the last two
        dotted = _inet4(raw[12:]).decode()
        behind = dotted if longest == 6 else f"ffff:{dotted}"  # noqa: PLR2004 - see above
    return f"{before}::{behind}".encode()


def _inet4(raw: bytes) -> bytes:
    return ".".join(map(str, raw)).encode()


_AS_TEXT: Final[dict[str, Callable[[bytes], bytes]]] = {"uuid": _uuid, "inet6": _inet6, "inet4": _inet4}


def _encoded(column: SourceColumn) -> tuple[bytes, ...]:
    encoding = ENCODINGS.get((column.charset or "utf8mb4").lower(), "utf-8")
    return tuple(member.encode(encoding, "surrogateescape") for member in column.members)


def _enum(size: int, column: SourceColumn) -> Cell:
    """Zero is what the server stores of a value that is no member; it is shown as empty text."""
    members = (b"", *_encoded(column))
    return lambda body, at: (members[int.from_bytes(body[at : at + size], "little")], at + size)


def _set(size: int, column: SourceColumn) -> Cell:
    members = tuple((1 << number, member) for number, member in enumerate(_encoded(column)))

    def cell(body: bytes, at: int) -> tuple[bytes, int]:
        bits = int.from_bytes(body[at : at + size], "little")
        return b",".join(member for bit, member in members if bits & bit), at + size

    return cell


def decimal_text(raw: bytes, precision: int, scale: int) -> bytes:
    """Return the digits of a packed decimal: groups of nine digits in four bytes, the sign in the first bit, negatives inverted."""
    positive = raw[0] & 0x80
    packed = int.from_bytes(raw, "big") ^ (1 << (8 * len(raw) - 1))
    if not positive:
        packed ^= (1 << 8 * len(raw)) - 1
    plain = packed.to_bytes(len(raw), "big")
    whole, rest = divmod(precision - scale, 9)
    at = _DIGIT_BYTES[rest]
    digits = [f"{int.from_bytes(plain[:at], 'big'):0{rest}d}"] if rest else []
    for _ in range(whole):
        digits.append(f"{int.from_bytes(plain[at : at + 4], 'big'):09d}")
        at += 4
    text = "".join(digits).lstrip("0") or "0"
    if scale:
        full, rest = divmod(scale, 9)
        fraction = []
        for _ in range(full):
            fraction.append(f"{int.from_bytes(plain[at : at + 4], 'big'):09d}")
            at += 4
        if rest:
            fraction.append(f"{int.from_bytes(plain[at:], 'big'):0{rest}d}")
        text = f"{text}.{''.join(fraction)}"
    return (text if positive else f"-{text}").encode()


def _decimal(precision: int, scale: int) -> Cell:
    size = sum(4 * (digits // 9) + _DIGIT_BYTES[digits % 9] for digits in (precision - scale, scale))
    return lambda body, at: (decimal_text(body[at : at + size], precision, scale), at + size)


def _date(body: bytes, at: int) -> tuple[bytes, int]:
    packed = int.from_bytes(body[at : at + 3], "little")
    return b"%04d-%02d-%02d" % (packed >> 9, packed >> 5 & 15, packed & 31), at + 3


def _datetime(digits: int) -> Cell:
    size = (digits + 1) // 2

    def cell(body: bytes, at: int) -> tuple[bytes, int]:
        packed = int.from_bytes(body[at : at + 5], "big") - (1 << 39)
        months, day = packed >> 22, packed >> 17 & 31
        text = b"%04d-%02d-%02d %02d:%02d:%02d" % (
            months // 13, months % 13, day, packed >> 12 & 31, packed >> 6 & 63, packed & 63,
        )  # fmt: skip
        return text + _fraction(body[at + 5 : at + 5 + size], digits), at + 5 + size

    return cell


def _timestamp(digits: int) -> Cell:
    size = (digits + 1) // 2

    def cell(body: bytes, at: int) -> tuple[bytes, int]:
        seconds = int.from_bytes(body[at : at + 4], "big")
        end = at + 4 + size
        raw = body[at + 4 : end]
        if seconds == 0 and not any(raw):
            return b"0000-00-00 00:00:00", end
        return _instant(seconds) + _fraction(raw, digits), end

    return cell


def _instant(seconds: int) -> bytes:
    days, rest = divmod(seconds, 86_400)
    return b"%s %02d:%02d:%02d" % (_day(days), rest // 3600, rest // 60 % 60, rest % 60)


def _day(days: int) -> bytes:
    from datetime import date  # noqa: PLC0415 - only here

    return date.fromordinal(719_163 + days).isoformat().encode()


def _time(digits: int) -> Cell:
    """Hours, minutes and seconds in 24 bits around 0x800000; a negative value is the two's complement of all its bytes."""
    size = (digits + 1) // 2

    def cell(body: bytes, at: int) -> tuple[bytes, int]:
        end = at + 3 + size
        packed = int.from_bytes(body[at:end], "big") - (0x800000 << 8 * size)
        sign, packed = (b"-", -packed) if packed < 0 else (b"", packed)
        clock = packed >> 8 * size
        text = b"%s%02d:%02d:%02d" % (sign, clock >> 12 & 0x3FF, clock >> 6 & 63, clock & 63)
        raw = (packed & ((1 << 8 * size) - 1)).to_bytes(size, "big")
        return text + _fraction(raw, digits), end

    return cell


def _fraction(raw: bytes, digits: int) -> bytes:
    if not digits:
        return b""
    micros = int.from_bytes(raw, "big") * _FRACTION_UNIT[len(raw)]
    return (b".%06d" % micros)[: digits + 1]
