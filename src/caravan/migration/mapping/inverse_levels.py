"""One level of a record on its way back: from the values of its columns to the fields of the source."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeAlias

from caravan.migration.mapping.codecs import Decoder, Encoder
from caravan.migration.mapping.contract import InverseContext, UnmappableError
from caravan.migration.mapping.errors import NOTHING, BadValueError
from caravan.migration.mapping.fields import Field
from caravan.migration.mapping.originals import ORIGINAL, parsed_json

__all__ = ["Accept", "InverseLevel", "taken_apart"]

Row: TypeAlias = Mapping[str, Any]
Accept: TypeAlias = Callable[[Any], bool]
"""Whether a value is the one, where its columns cannot tell: a key whose id is known."""


@dataclass(frozen=True, slots=True)
class _Column:
    """One column that a field of the source fills; ``row`` says which of the level's rows it stands in."""

    row: int
    field: Field
    decode: Decoder
    encode: Encoder

    def of(self, source: object) -> object:
        """Return what the way there makes of a value; ``NOTHING`` where it refuses the record."""
        if source is None:
            return self.field.default
        try:
            return self.decode(source)
        except BadValueError as error:
            if error.instead is not NOTHING:
                return error.instead
            return self.field.default if self.field.on_bad == "empty" else NOTHING

    def agrees(self, source: object, rows: Sequence[Row]) -> bool:
        return _equal(self.of(source), rows[self.row].get(self.field.column), self.field)


class InverseLevel:
    """The fields of a level, of its table and of those beside it, grouped by the field of the source they read."""

    def __init__(self, tables: Sequence[Sequence[Field]], context: InverseContext, prefix: str = "") -> None:
        self._prefix: Final = prefix
        self._whole: Final = context.shape == "row"
        groups: dict[str, list[_Column]] = {}
        for number, fields in enumerate(tables):
            for field in fields:
                codec = field.codec
                groups.setdefault(field.source, []).append(
                    _Column(number, field, codec.decoder(context.mapping), codec.encoder(context))
                )
        self._groups: Final = {source: tuple(columns) for source, columns in groups.items()}

    @property
    def sources(self) -> frozenset[str]:
        """The fields of the source that this level reads."""
        return frozenset(self._groups)

    def fields(
        self,
        rows: Sequence[Row],
        originals: Mapping[str, Any],
        special: Mapping[str, tuple[Sequence[Any], Accept]] | None = None,
    ) -> dict[str, Any]:
        """Return the fields of the source for these rows, one per table.

        ``originals``: values kept word for word; each comes back unless our side has changed since. ``special``: more candidates
        for a field, and what tells which is right.

        Raises:
            UnmappableError: a value that the source has no word for.
        """
        found: dict[str, Any] = {}
        for source, columns in self._groups.items():
            candidates, accept = (special or {}).get(source, ((), None))
            value = self._value(source, columns, rows, originals, candidates, accept)
            if value is not None or self._whole:
                found[source] = value
        return found

    def _value(
        self,
        source: str,
        columns: Sequence[_Column],
        rows: Sequence[Row],
        originals: Mapping[str, Any],
        candidates: Sequence[Any],
        accept: Accept | None,
    ) -> Any:  # noqa: ANN401 - any value of any source
        if source in originals and all(column.agrees(originals[source], rows) for column in columns):
            return originals[source]
        for value in candidates:
            if accept is not None and accept(value) and all(column.agrees(value, rows) for column in columns):
                return value
        if all(column.agrees(None, rows) for column in columns):
            return self._default(columns[0])
        for value in _encoded(columns, rows):
            if all(column.agrees(value, rows) for column in columns):
                return value
        return self._of_the_first(source, columns[0], rows)

    def _default(self, column: _Column) -> Any:  # noqa: ANN401 - any value of any source
        """Return nothing where an absent field means the same; a row of a table has all its columns."""
        default = column.field.default
        return column.encode(default) if self._whole and default is not None else None

    def _of_the_first(self, source: str, column: _Column, rows: Sequence[Row]) -> Any:  # noqa: ANN401
        """Columns disagree since our side has changed one: the entity's own table is the one that counts."""
        value = rows[column.row].get(column.field.column)
        if value is None or _equal(value, column.field.default, column.field):
            return self._default(column)
        try:
            return column.encode(value)
        except BadValueError as error:
            raise UnmappableError(error.kind, self._prefix + source, error.detail) from None


def taken_apart(extra: bytes | str | None, known: frozenset[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the fields that no column takes, and the originals by source path, of what ``levels.kept`` has kept."""
    if extra is None:
        return {}, {}
    found: dict[str, Any] = parsed_json(extra)
    originals = found.pop(ORIGINAL, {})
    if not isinstance(originals, dict):
        return {**found, ORIGINAL: originals}, {}
    if ORIGINAL in originals and ORIGINAL not in known:
        found[ORIGINAL] = originals[ORIGINAL]
    return found, {source: value for source, value in originals.items() if source in known}


def _encoded(columns: Sequence[_Column], rows: Sequence[Row]) -> Iterator[Any]:
    """Yield what each column would be written back as, those first that keep what they were given."""
    for column in sorted(columns, key=lambda column: not column.field.codec.faithful):
        value = rows[column.row].get(column.field.column)
        if value is None:
            continue
        try:
            yield column.encode(value)
        except BadValueError:
            continue


def _equal(ours: object, stored: object, field: Field) -> bool:
    if ours is NOTHING:
        return False
    if isinstance(ours, bytes) and field.codec.sql_type == "jsonb" and isinstance(stored, bytes | str):
        return _tree(ours) == _tree(stored)
    return ours == stored or (ours != ours and stored != stored)  # noqa: PLR0124 - NaN is not itself


def _tree(raw: bytes | str) -> object:
    return json.loads(raw, parse_float=Decimal)
