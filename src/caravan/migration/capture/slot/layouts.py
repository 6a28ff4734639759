"""From the cells of a log line to the record that the reader would give of the row.

A Relation message tells names and types as they were when the row was written; the catalogue tells what the log leaves out:
generated columns, the key that a load uses, and names of types.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from caravan.migration.capture.errors import ChangesUnreadableError
from caravan.migration.capture.slot.messages import UNCHANGED, Cell, Relation
from caravan.migration.load.readers import BrokenRecord, Record, Rules, SourceTable
from caravan.migration.load.readers.copy_text import text_then
from caravan.migration.load.readers.postgres_schema import described_tables
from caravan.migration.load.readers.postgres_values import parser_of
from caravan.migration.load.readers.row_text import OddValue
from caravan.migration.load.readers.rows import OddValueError, Parse, RowMaker

__all__ = ["Layout", "Layouts", "key_of"]

# A domain is read as the type under it, as the reader does.
_TYPES: Final = """
WITH RECURSIVE base(asked, asked_modifier, typ, modifier) AS (
    SELECT oid, modifier, oid, modifier FROM unnest(%s::oid[], %s::int4[]) AS q(oid, modifier)
    UNION ALL
    SELECT asked, asked_modifier, t.typbasetype, CASE WHEN b.modifier = -1 THEN t.typtypmod ELSE b.modifier END
    FROM base b JOIN pg_type t ON t.oid = b.typ WHERE t.typtype = 'd'
)
SELECT asked, asked_modifier, format_type(typ, modifier) FROM base JOIN pg_type t ON t.oid = typ WHERE t.typtype <> 'd'
"""


@dataclass(frozen=True, slots=True)
class Layout:
    """How the rows of one table are read from here on.

    ``places``: per column of the record its place among the logged cells, None where the log leaves it out.
    ``key``: name, place and parser of each key column.
    """

    collection: str
    table: SourceTable
    maker: RowMaker
    places: tuple[int | None, ...]
    key: tuple[tuple[str, int, Parse], ...]

    def record(self, cells: Sequence[Cell], step: int) -> Record | BrokenRecord:
        """Return the record of a row whose cells are all known."""
        return self.maker.record(step, step, cells)


def key_of(layout: Layout, cells: Sequence[Cell]) -> dict[str, Any]:
    """Return the key's fields as a decoded record has them."""
    found: dict[str, Any] = {}
    for name, place, parse in layout.key:
        cell = cells[place]
        if cell is UNCHANGED:
            raise ChangesUnreadableError(
                f"table {layout.collection}: the log does not tell the key column {name}, which is stored out of line; give the"
                " table REPLICA IDENTITY FULL and synchronise it again"
            )
        try:
            found[name] = parse(cell) if isinstance(cell, bytes) else None
        except OddValueError:
            found[name] = OddValue(cell if isinstance(cell, bytes) else b"")
    return found


class Layouts:
    """Makes layouts; ``needed`` per collection are the columns without which the capture must not go on.

    ``keys`` per collection are the columns that tell rows apart where the table's own key is not enough.
    """

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        names: Mapping[tuple[str, str], str],
        needed: Mapping[str, frozenset[str]],
        rules: Rules,
        keys: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        self._keys = keys or {}
        self._connection = connection
        self._names = names
        self._needed = needed
        self._rules = rules
        self._known: dict[Relation, Layout | None] = {}

    def of(self, relation: Relation) -> Layout | None:
        """Return how rows of a table are read; None for a table that is not captured.

        Raises:
            ChangesUnreadableError: a needed column has vanished, or a type is not known.
        """
        if relation not in self._known:
            collection = self._names.get((relation.schema, relation.name))
            self._known[relation] = None if collection is None else self._made(collection, relation)
        return self._known[relation]

    def _made(self, collection: str, relation: Relation) -> Layout:
        table = self._described(relation)
        if not any(column.is_key for column in relation.columns):
            raise ChangesUnreadableError(
                f"table {collection} has no replica identity any more: deletes and new keys are not logged; give it one and"
                " synchronise it again"
            )
        logged = {column.name: place for place, column in enumerate(relation.columns)}
        today = {column.name: column.type for column in table.columns} if table is not None else {}
        if gone := self._needed.get(collection, frozenset()) - logged.keys() - today.keys():
            raise ChangesUnreadableError(
                f"table {collection} has lost the column {min(gone)} while its changes are followed; correct the mapping, then"
                " synchronise the table again or name the columns that are still needed",
                collection=collection,
                columns=sorted(gone),
            )
        types = {**today, **self._types(relation)}
        # Columns of today in their order, as the reader selects them; behind them what was dropped since.
        names = [*today, *(name for name in logged if name not in today)]
        parsers = [self._parser(collection, types[name]) for name in names]
        by_name = dict(zip(names, parsers, strict=True))
        key = table.key if table is not None and table.key else ()
        key = (
            self._keys.get(collection)
            or key
            or tuple(column.name for column in relation.columns if column.is_key)
            or tuple(logged)
        )
        if missing := [name for name in key if name not in logged]:
            raise ChangesUnreadableError(
                f"table {collection}: its key has the new column {missing[0]}; synchronise it again"
            )
        known = table or SourceTable(relation.name, relation.schema, (), key)
        return Layout(
            collection,
            known,
            RowMaker(known, names, parsers),
            tuple(logged.get(name) for name in names),
            tuple((name, logged[name], by_name[name]) for name in key),
        )

    def _parser(self, collection: str, declared: str) -> Parse:
        try:
            return text_then(parser_of(declared, self._rules), "utf-8", self._rules)
        except LookupError as error:
            raise ChangesUnreadableError(f"table {collection}: {error.args[0]}") from error

    def _described(self, relation: Relation) -> SourceTable | None:
        for table in described_tables(self._connection):
            if (table.schema, table.name) == (relation.schema, relation.name):
                return table
        return None

    def _types(self, relation: Relation) -> dict[str, str]:
        asked = {(column.type_oid, column.modifier) for column in relation.columns}
        rows = self._connection.execute(
            _TYPES, ([oid for oid, _ in asked], [modifier for _, modifier in asked])
        ).fetchall()
        named = {(oid, modifier): name for oid, modifier, name in rows}
        types = {}
        for column in relation.columns:
            declared = named.get((column.type_oid, column.modifier))
            if declared is None:
                raise ChangesUnreadableError(
                    f"table {relation.name}, column {column.name}: its type was dropped after the row was written, so the value"
                    " cannot be read; synchronise the table again"
                )
            types[column.name] = declared
        return types
