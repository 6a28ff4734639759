"""What MariaDB and MySQL say about their tables, in ``information_schema``."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, Final

from caravan.migration.load.readers.mariadb_values import base_type
from caravan.migration.load.readers.tables import SourceColumn, SourceTable

__all__ = ["described_tables", "members_of", "quoted"]

_MEMBER: Final = re.compile(r"'((?:[^'\\]|''|\\.)*)'", re.DOTALL)
_ESCAPED: Final = re.compile(r"\\(.)|''", re.DOTALL)
_LETTERS: Final = {"0": "\0", "n": "\n", "r": "\r", "Z": "\x1a"}
"""The server writes members with backslashes whatever the mode of the session is."""

_COLUMNS: Final = """
SELECT c.table_name, c.column_name, c.column_type, c.is_nullable, c.extra, c.character_set_name, c.collation_name
FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
WHERE c.table_schema = database() AND t.table_type = 'BASE TABLE'
ORDER BY c.table_name, c.ordinal_position
"""
_KEYS: Final = """
SELECT table_name, index_name, column_name, nullable, sub_part
FROM information_schema.statistics
WHERE table_schema = database() AND non_unique = 0
ORDER BY table_name, index_name <> 'PRIMARY', index_name, seq_in_index
"""
_REFERENCES: Final = """
SELECT k.table_name, min(k.column_name), min(k.referenced_table_name)
FROM information_schema.key_column_usage k
WHERE k.table_schema = database() AND k.referenced_table_schema = database()
GROUP BY k.table_name, k.constraint_name HAVING count(*) = 1
ORDER BY 1, 2
"""


def quoted(name: str) -> str:
    """Return a name as SQL."""
    return "`" + name.replace("`", "``") + "`"


def members_of(declared: str) -> tuple[str, ...]:
    """Return the members of a declared ENUM or SET."""
    if base_type(declared) not in {"enum", "set"}:
        return ()
    return tuple(_ESCAPED.sub(_unescaped, found) for found in _MEMBER.findall(declared))


def _unescaped(found: re.Match[str]) -> str:
    letter = found[1]
    return "'" if letter is None else _LETTERS.get(letter, letter)


def described_tables(rows: Callable[[str], list[tuple[Any, ...]]], database: str) -> Iterator[SourceTable]:
    """Yield the tables of the database; the key is the primary one, else the first unique one without NULL."""
    columns: dict[str, list[SourceColumn]] = defaultdict(list)
    for table, *described in rows(_COLUMNS):
        columns[_text(table)].append(_column(*map(_text, described)))
    keys = _keys(rows(_KEYS))
    references: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in rows(_REFERENCES):
        table, column, target = map(_text, row)
        references[table].append((column, target))
    for name, found in columns.items():
        key = keys.get(name, ())
        ((count,),) = rows(f"SELECT count(*) FROM {quoted(database)}.{quoted(name)}")  # noqa: S608 - quoted
        yield SourceTable(
            name, database, tuple(found), key, tuple(map(quoted, key)), int(count), tuple(references[name])
        )


def _column(
    name: str, declared: str, nullable: str, extra: str, charset: str, collation: str
) -> SourceColumn:
    return SourceColumn(
        name,
        declared,
        nullable == "YES",
        generated="GENERATED" in extra.upper() and "DEFAULT_GENERATED" not in extra.upper(),
        members=members_of(declared),
        charset=charset,
        collation=collation,
    )


def _keys(found: list[tuple[Any, ...]]) -> dict[str, tuple[str, ...]]:
    indexes: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    unfit: set[tuple[str, str]] = set()
    for row in found:
        table, index, column, nullable, prefix = map(_text, row)
        indexes[table][index].append(column)
        if nullable == "YES" or prefix:
            unfit.add((table, index))
    return {
        table: key
        for table, of_table in indexes.items()
        if (
            key := next(
                (tuple(names) for index, names in of_table.items() if (table, index) not in unfit), ()
            )
        )
    }


def _text(value: object) -> str:
    if value is None:
        return ""
    return value.decode() if isinstance(value, bytes) else str(value)
