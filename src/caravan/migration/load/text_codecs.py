"""Codecs as text: what is staged of a value, what PostgreSQL makes of it, and which values the mapping would refuse or replace.

Only what is exact is here. PostgreSQL itself refuses dates that are none, numbers beyond their type, text that is no UTF-8 or holds NUL.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from caravan.migration.mapping.codecs import (
    BigInteger,
    Bytes,
    Codec,
    Date,
    Day,
    Enumeration,
    Exact,
    Flag,
    Float,
    ForeignKey,
    Integer,
    KeyText,
    LocalDate,
    Money,
    ReferenceTo,
    Text,
    Uuid,
)
from caravan.migration.mapping.contract import MappingContext
from caravan.migration.mapping.fields import Field

if TYPE_CHECKING:
    from caravan.migration.load.text_cells import Cells

__all__ = ["NotAsTextError", "TextColumn", "text_column"]

_MONEY_PLACES: Final = 4


class NotAsTextError(Exception):
    """Why a data set cannot be loaded as text; for tests and for whoever looks."""


@dataclass(frozen=True, slots=True)
class TextColumn:
    """``cell`` is SQL of the source, ``value`` and ``wrong`` SQL of PostgreSQL over the staged column of this ``type``."""

    staged: str
    type: str
    cell: str
    value: str
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class _Asked:
    field: Field
    name: str
    context: MappingContext
    cells: "Cells"

    @property
    def kind(self) -> str:
        return self.cells.kinds[self.field.source]

    def column(self, type_: str, cell: str, value: str = "", wrong: str = "") -> TextColumn:
        return TextColumn("", type_, cell, value or self.name, wrong)

    def refuse(self) -> NotAsTextError:
        return NotAsTextError(f"{self.field.source}: {self.field.codec.name} of {self.kind}")


def text_column(field: Field, name: str, context: MappingContext, cells: "Cells") -> TextColumn:
    """Return how a field goes through as text; ``name`` is its staged column as SQL.

    Raises:
        NotAsTextError: it does not.
    """
    asked = _Asked(field, name, context, cells)
    rule = _RULES.get(type(field.codec))
    if rule is None:
        raise asked.refuse()
    return rule(asked)


def _text(asked: _Asked, *, digits: bool = True) -> TextColumn:
    cell = asked.cells.text(asked.field.source, digits=digits)
    if cell is None:
        raise asked.refuse()
    members = asked.cells.members(asked.field.source)
    if members and "" not in members:
        return asked.column(
            "text", cell, wrong=f"{asked.name} = ''"
        )  # what the server keeps of a word it does not know
    return asked.column("text", cell)


def _enumeration(asked: _Asked) -> TextColumn:
    codec = asked.field.codec
    if not isinstance(codec, Enumeration):
        raise asked.refuse()
    text = _text(asked, digits=False)
    pairs = " ".join(f"WHEN {_literal(theirs)} THEN {_literal(ours)}" for theirs, ours in codec.pairs)
    words = ", ".join(_literal(theirs) for theirs, _ in codec.pairs)
    value = asked.name if all(a == b for a, b in codec.pairs) else f"CASE {asked.name} {pairs} END"
    wrong = f"{asked.name} NOT IN ({words})"
    return asked.column("text", text.cell, value, f"{wrong} OR {text.wrong}" if text.wrong else wrong)


def _integer(asked: _Asked) -> TextColumn:
    cell = asked.cells.whole(asked.field.source)
    if cell is None:
        raise asked.refuse()
    return asked.column(asked.field.codec.sql_type, cell)


def _flag(asked: _Asked) -> TextColumn:
    cell = asked.cells.whole(asked.field.source)
    if cell is None:
        raise asked.refuse()
    return asked.column("bigint", cell, f"({asked.name} = 1)", f"{asked.name} NOT IN (0, 1)")


def _exact(asked: _Asked) -> TextColumn:
    codec = asked.field.codec
    places = _MONEY_PLACES if isinstance(codec, Money) else codec.scale
    cell = asked.cells.decimal(asked.field.source, places)
    if cell is None:
        raise asked.refuse()
    value = asked.name if places is None else f"round({asked.name}, {places})"
    wrong = f"{asked.name} <> {value}" if places is not None else ""
    if isinstance(codec, Money):
        wrong += f" OR abs({asked.name}) >= 1e14"
    return asked.column("numeric", cell, value, wrong)


def _float(asked: _Asked) -> TextColumn:
    return asked.column("double precision", _cell(asked, "float"))


def _date(asked: _Asked) -> TextColumn:
    return asked.column("timestamptz", _cell(asked, "instant"))


def _local_date(asked: _Asked) -> TextColumn:
    if asked.context.timezone != "UTC":
        raise asked.refuse()  # an hour that came twice is told
    return asked.column("timestamptz", _cell(asked, "local"))


def _day(asked: _Asked) -> TextColumn:
    return asked.column("date", _cell(asked, "day"))


def _uuid(asked: _Asked) -> TextColumn:
    return asked.column("uuid", _cell(asked, "uuid"))


def _bytes(asked: _Asked) -> TextColumn:
    return asked.column("bytea", _cell(asked, "bytes"))


def _reference(asked: _Asked) -> TextColumn:
    codec = asked.field.codec
    if not isinstance(codec, ReferenceTo):
        raise asked.refuse()
    cell = asked.cells.reference(codec.entity, asked.field.source, whole=not isinstance(codec, ForeignKey))
    if cell is None:
        raise asked.refuse()
    return asked.column("uuid", cell)


def _cell(asked: _Asked, kind: str) -> str:
    if asked.kind != kind:
        raise asked.refuse()
    cell = asked.cells.of_kind(asked.field.source)
    if cell is None:
        raise asked.refuse()
    return cell


def _literal(text: str) -> str:
    """Return a literal of PostgreSQL, where backslashes are themselves."""
    return "'" + text.replace("'", "''") + "'"


_RULES: Final[dict[type[Codec], Callable[[_Asked], TextColumn]]] = {
    Text: _text,
    KeyText: _text,
    Enumeration: _enumeration,
    Integer: _integer,
    BigInteger: _integer,
    Flag: _flag,
    Exact: _exact,
    Money: _exact,
    Float: _float,
    Date: _date,
    LocalDate: _local_date,
    Day: _day,
    Uuid: _uuid,
    Bytes: _bytes,
    ReferenceTo: _reference,
    ForeignKey: _reference,
}
