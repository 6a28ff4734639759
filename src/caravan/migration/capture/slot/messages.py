"""Messages of pgoutput, protocol version 1, as ``pg_logical_slot_peek_binary_changes`` gives them.

https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html. Numbers are big-endian, strings end with a
zero byte, moments count microseconds from 2000-01-01 in UTC.
"""

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, TypeAlias

__all__ = [
    "UNCHANGED",
    "Cell",
    "Cells",
    "MessageError",
    "Relation",
    "RelationColumn",
    "Row",
    "commit",
    "delete",
    "insert",
    "logical_message",
    "relation",
    "truncate",
    "update",
]

_SHORT: Final = struct.Struct(">h")
_INT: Final = struct.Struct(">I")
_COMMIT: Final = struct.Struct(">xBQQq")
_MESSAGE: Final = struct.Struct(">xBQ")
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_NULL, _TEXT, _TOASTED = b"ntu"
_KEY, _OLD, _NEW = b"KON"


class MessageError(ValueError):
    """The bytes are no message of the protocol that was asked for."""


class Unchanged:
    """Stands for a value out of line that an UPDATE left as it was: the log does not repeat it."""

    __slots__ = ()


UNCHANGED: Final = Unchanged()

Cell: TypeAlias = bytes | Unchanged | None
Cells: TypeAlias = list[Cell]


@dataclass(frozen=True, slots=True)
class RelationColumn:
    """``is_key``: part of the replica identity."""

    name: str
    is_key: bool
    type_oid: int
    modifier: int


@dataclass(frozen=True, slots=True)
class Relation:
    """A table as it was when the rows behind this message were written; ``identity`` is ``d``, ``n``, ``f`` or ``i``."""

    oid: int
    schema: str
    name: str
    identity: str
    columns: tuple[RelationColumn, ...]


class Row(NamedTuple):
    """``before``: what is told of the row before, other columns than the identity may be None; ``after`` None: deleted."""

    oid: int
    before: Cells | None
    after: Cells | None


def relation(data: bytes) -> Relation:
    """Read a Relation message (``R``)."""
    (oid,) = _INT.unpack_from(data, 1)
    schema, at = _string(data, 5)
    name, at = _string(data, at)
    identity = chr(data[at])
    (count,) = _SHORT.unpack_from(data, at + 1)
    at += 3
    columns = []
    for _ in range(count):
        flags = data[at]
        column, at = _string(data, at + 1)
        type_oid, modifier = struct.unpack_from(">Ii", data, at)
        at += 8
        columns.append(RelationColumn(column, bool(flags & 1), type_oid, modifier))
    return Relation(oid, schema, name, identity, tuple(columns))


def commit(data: bytes) -> tuple[int, datetime]:
    """Read a Commit message (``C``): the position behind the transaction and when it was committed."""
    _flags, _at, behind, micros = _COMMIT.unpack_from(data)
    return behind, _EPOCH + timedelta(microseconds=micros)


def logical_message(data: bytes) -> tuple[bool, str, bytes]:
    """Read a Message (``M``): whether it belongs to a transaction, its prefix, its content."""
    flags, _at = _MESSAGE.unpack_from(data)
    prefix, at = _string(data, _MESSAGE.size)
    (size,) = _INT.unpack_from(data, at)
    return bool(flags & 1), prefix, data[at + 4 : at + 4 + size]


def insert(data: bytes) -> Row:
    """Read an Insert message (``I``)."""
    (oid,) = _INT.unpack_from(data, 1)
    after, _ = _cells(data, 6)
    return Row(oid, None, after)


def update(data: bytes) -> Row:
    """Read an Update message (``U``)."""
    (oid,) = _INT.unpack_from(data, 1)
    at, before = 5, None
    if data[at] in (_KEY, _OLD):
        before, at = _cells(data, at + 1)
    if data[at] != _NEW:
        raise MessageError(f"an update without a new row: {data[:80]!r}")
    after, _ = _cells(data, at + 1)
    return Row(oid, before, after)


def delete(data: bytes) -> Row:
    """Read a Delete message (``D``)."""
    (oid,) = _INT.unpack_from(data, 1)
    before, _ = _cells(data, 6)
    return Row(oid, before, None)


def truncate(data: bytes) -> tuple[int, ...]:
    """Read a Truncate message (``T``): the tables that were emptied."""
    (count,) = _INT.unpack_from(data, 1)
    return struct.unpack_from(f">{count}I", data, 6)


def _cells(data: bytes, at: int) -> tuple[Cells, int]:
    (count,) = _SHORT.unpack_from(data, at)
    at += 2
    cells: Cells = []
    for _ in range(count):
        kind = data[at]
        at += 1
        if kind == _TEXT:
            end = at + 4 + _INT.unpack_from(data, at)[0]
            cells.append(data[at + 4 : end])
            at = end
        elif kind == _NULL:
            cells.append(None)
        elif kind == _TOASTED:
            cells.append(UNCHANGED)
        else:
            raise MessageError(f"a value of the unknown kind {chr(kind)!r}")
    return cells, at


def _string(data: bytes, at: int) -> tuple[str, int]:
    end = data.index(0, at)
    return data[at:end].decode(), end + 1
