"""Embedded documents on their way back: rows of a child table to a list, or to one document."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

from bson import Binary, ObjectId

from caravan.core.ids import uuid5_bytes
from caravan.migration.mapping.children import own_key
from caravan.migration.mapping.contract import InverseContext
from caravan.migration.mapping.errors import BadValueError
from caravan.migration.mapping.fields import Child
from caravan.migration.mapping.inverse_levels import InverseLevel, taken_apart
from caravan.migration.mapping.keys import is_object_id, key_part

__all__ = ["InverseChild"]

Row = Mapping[str, Any]
_KEY: Final = "_id"


class InverseChild:
    """What one ``Child`` gives back to its record."""

    def __init__(self, child: Child, context: InverseContext) -> None:
        self.child: Final = child
        self._namespace: Final = context.mapping.namespace.bytes
        side = child.side.fields if child.side else ()
        self._level: Final = InverseLevel((child.fields, side), context, f"{child.source}.")

    def value(self, rows: Sequence[Row], sides: Mapping[bytes, Row], parent: str) -> Any:  # noqa: ANN401
        """Return the field's value, None where there are no rows. ``parent`` is the record's key as part of a composite one.

        Raises:
            UnmappableError: a value that the source has no word for.
        """
        own = [row for row in rows if all(row[name] == value for name, value in self.child.constants)]
        lead = f"{self.child.entity}:s:{parent},"
        if self.child.shape == "one":
            wanted = self._id(lead + key_part("s", self.child.discriminator))
            row = next((row for row in own if row["id"] == wanted), own[0] if own else None)
            return None if row is None else self._element(row, sides, lead)
        return [self._element(row, sides, lead) for row in self._in_order(own, lead)] or None

    def _element(self, row: Row, sides: Mapping[bytes, Row], lead: str) -> dict[str, Any]:
        fields, originals = taken_apart(row.get("extra"), self._level.sources)
        stored = next((row[field.column] for field in self.child.fields if field.source == _KEY), None)
        special = {}
        if isinstance(stored, str):
            special[_KEY] = (list(_keys_of(stored)), self._is_key_of(row["id"], lead))
        fields.update(self._level.fields((row, sides.get(row["id"], {})), originals, special))
        return fields

    def _is_key_of(self, row_id: bytes, lead: str) -> Callable[[Any], bool]:
        def accept(value: Any) -> bool:  # noqa: ANN401 - a key of any type
            try:
                return self._id(lead + own_key(value)) == row_id
            except BadValueError:
                return False

        return accept

    def _in_order(self, rows: Sequence[Row], lead: str) -> list[Row]:
        """Return the rows by their position; where no column has it, those whose id is made of it stand where they were."""
        position = self.child.position
        if position is not None:
            return sorted(rows, key=lambda row: row[position])
        numbered = {self._id(lead + key_part("i", str(number))): number for number in range(len(rows))}
        placed = {numbered[row["id"]]: row for row in rows if row["id"] in numbered}
        rest = iter([row for row in rows if row["id"] not in numbered])
        return [placed[number] if number in placed else next(rest) for number in range(len(rows))]

    def _id(self, name: str) -> bytes:
        return uuid5_bytes(self._namespace, name.encode())


def _keys_of(text: str) -> Iterator[Any]:
    """Yield what a key may have been whose text this is."""
    if is_object_id(text):
        yield ObjectId(text)
    if text.removeprefix("-").isdecimal() and text.isascii() and str(int(text)) == text:
        yield int(text)
    yield text
    with suppress(ValueError):
        yield Binary(UUID(text).bytes, 4)
    with suppress(ValueError):
        yield bytes.fromhex(text)
