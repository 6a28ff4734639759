"""A mapping module as text, to be edited by people."""

import keyword
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

__all__ = ["DraftField", "DraftTable", "entity_name", "module_text", "table_name"]

_RESERVED: Final = frozenset({"org_id", "id", "client_id", "extra"})
_LONGEST: Final = 63
_HEAD: Final = '''"""A first mapping of {source}: edit it.

Each field names what the source calls it, the column of ours it fills, and the codec between them; see docs/guide/mapping.md. A comment
says where the draft had to guess. The tables do not exist yet: `caravan migration mapping --tables MODULE` prints them as SQL.
"""
'''


@dataclass(frozen=True, slots=True)
class DraftField:
    """``codec`` as Python; ``guess`` is what a person should look at."""

    source: str
    codec: str
    guess: str = ""


@dataclass(slots=True)
class DraftTable:
    """What was found of one table or collection; ``ignored`` are (field, why)."""

    collection: str
    key: tuple[str, ...]
    fields: list[DraftField] = field(default_factory=list)
    ignored: list[tuple[str, str]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def module_text(source: str, schema: str, tables: Sequence[DraftTable]) -> str:
    """Return the module. ``schema``: of the target tables."""
    names = _unique(entity_name(table.collection) for table in tables)
    parts = [_HEAD.format(source=source), _imports(tables)]
    parts += [_entity(name, schema, table) for name, table in zip(names, tables, strict=True)]
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def column_name(source: str) -> str:
    """Return the column a field fills: in small letters, and none that every table has for itself."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", source)
    name = re.sub(r"\W+", "_", name.lower()).strip("_") or "unnamed"
    name = f"legacy_{name}" if name in _RESERVED or name[0].isdigit() else name
    return name[:_LONGEST]


def entity_name(collection: str) -> str:
    """Return the name of an entity, which is that of its variable."""
    name = column_name(collection)
    return f"{name}_" if keyword.iskeyword(name) else name


def table_name(schema: str, collection: str) -> str:
    """Return the target table."""
    return f"{schema}.{column_name(collection)}"


def _imports(tables: Sequence[DraftTable]) -> str:
    used = sorted({each.codec.partition("(")[0] for table in tables for each in table.fields})
    listed = "".join(f"    {name},\n" for name in used)
    codecs = f"from caravan.migration.mapping.codecs import (\n{listed})\n" if used else ""
    return (
        f"from typing import Final\n\n{codecs}from caravan.migration.mapping.entity import Entity\n"
        "from caravan.migration.mapping.fields import Field, Main\n"
    )


def _entity(name: str, schema: str, table: DraftTable) -> str:
    return "\n".join(
        [
            *(f"# {remark}" for remark in table.remarks),
            f"{name}: Final = Entity(",
            f"    entity={_text(name)},",
            "    main=Main(",
            f"        table={_text(table_name(schema, table.collection))},",
            f"        key={_tuple(table.key)},",
            "        client=False,",
            *_ignored(table),
            "        fields=(",
            *_fields(table),
            "        ),",
            "    ),",
            ")",
        ]
    )


def _ignored(table: DraftTable) -> Iterator[str]:
    if table.ignored:
        yield "        ignored=("
        yield from (f"            {_text(name)},  # {why}" for name, why in table.ignored)
        yield "        ),"


def _fields(table: DraftTable) -> Iterator[str]:
    columns = _unique(column_name(each.source) for each in table.fields)
    for column, each in zip(columns, table.fields, strict=True):
        guess = f"  # {each.guess}" if each.guess else ""
        yield f"            Field({_text(each.source)}, {_text(column)}, {each.codec}),{guess}"


def _unique(names: Iterable[str]) -> list[str]:
    taken: set[str] = set()
    found = []
    for name in names:
        chosen, number = name, 2
        while chosen in taken:
            chosen, number = f"{name[: _LONGEST - 4]}_{number}", number + 1
        taken.add(chosen)
        found.append(chosen)
    return found


def _text(value: str) -> str:
    """Return a literal in double quotes, as our formatter writes it."""
    single = repr(value)
    if single[0] == '"' or '"' in single:
        return single
    inner = single[1:-1].replace("\\'", "'")
    return f'"{inner}"'


def _tuple(names: Sequence[str]) -> str:
    listed = ", ".join(map(_text, names))
    return f"({listed},)" if len(names) == 1 else f"({listed})"
