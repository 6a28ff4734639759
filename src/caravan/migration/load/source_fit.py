"""Whether a source has what a mapping reads, column by column, before anything is read."""

from collections.abc import Iterator, Mapping, Sequence

from caravan.migration.load.readers import Described, Reader, ValueKind, kind_of_column
from caravan.migration.mapping.codecs import Through
from caravan.migration.mapping.entity import Entity
from caravan.migration.mapping.errors import MappingDeclarationError
from caravan.migration.mapping.fields import Field

__all__ = ["functions_problems", "source_notes", "source_problems"]


def source_problems(entity: Entity, reader: Reader, collection: str) -> Iterator[str]:
    """Yield what a mapping asks of a table that it does not have. Of documents nothing is declared, so nothing is said."""
    kinds = _kinds(reader, collection)
    if kinds is None:
        return
    what = f"entity {entity.entity}, source table {collection}"
    for name in entity.main.key:
        if name not in kinds:
            yield f"{what}: the key names the column {name}, which is not there; it has {_listed(kinds)}"
    for field in _fields(entity):
        yield from _field_problems(what, field, kinds)
    for child in entity.children:
        if kinds.get(child.source) not in {"json", "list", "any"}:
            yield f"{what}: {child.source} is to hold embedded documents, but is {_is(child.source, kinds)}; give it a data set of its own"
    missed = _not_taken(entity, kinds)
    if missed and not entity.main.extra:
        yield (
            f"{what}: no field takes {', '.join(missed)}, and {entity.main.table} has no column extra;"
            " add fields, name them in ignored, or declare extra=True"
        )


def source_notes(entity: Entity, reader: Reader, collection: str) -> Iterator[str]:
    """Yield what a person should know who starts the load."""
    kinds = _kinds(reader, collection)
    if kinds is None:
        return
    missed = _not_taken(entity, kinds)
    if missed and entity.main.extra:
        yield f"{collection}: no field takes {', '.join(missed)}: kept word for word in {entity.main.table}.extra"


def functions_problems(entity: Entity) -> Iterator[str]:
    """Yield the functions of ``Through`` that are not where the mapping says."""
    level = list(_fields(entity))
    for child in entity.children:
        level += child.fields + (child.side.fields if child.side else ())
    for field in level:
        if isinstance(field.codec, Through):
            try:
                field.codec.check()
            except MappingDeclarationError as error:
                yield f"entity {entity.entity}, field {field.source}: {error.message}"


def _field_problems(what: str, field: Field, kinds: Mapping[str, ValueKind]) -> Iterator[str]:
    if field.source not in kinds:
        yield f"{what}: field {field.source} → {field.column} reads a column that is not there; the table has {_listed(kinds)}"
        return
    kind = kinds[field.source]
    if kind != "any" and field.codec.takes and kind not in field.codec.takes:
        yield (
            f"{what}: field {field.source} → {field.column}: the codec {field.codec.name} takes {', '.join(sorted(field.codec.takes))},"
            f" but the column is {_is(field.source, kinds)}; choose another codec, or declare the column in [sources]"
        )


def _kinds(reader: Reader, collection: str) -> dict[str, ValueKind] | None:
    if not isinstance(reader, Described):
        return None
    tables = reader.tables()
    table = tables.get(collection) or next(
        (each for each in tables.values() if each.name == collection), None
    )
    if table is None:
        return None
    return {
        column.name: kind_of_column(reader.dialect, table.name, column, reader.rules)
        for column in table.columns
    }


def _fields(entity: Entity) -> Iterator[Field]:
    yield from entity.main.fields
    for side in entity.sides:
        yield from side.fields


def _not_taken(entity: Entity, kinds: Mapping[str, ValueKind]) -> list[str]:
    known = {field.source for field in _fields(entity)} | {child.source for child in entity.children}
    known |= {*entity.main.key, *entity.main.ignored}
    return [name for name in kinds if name not in known]


def _listed(names: Sequence[str] | Mapping[str, ValueKind]) -> str:
    return ", ".join(names)


def _is(name: str, kinds: Mapping[str, ValueKind]) -> str:
    return kinds.get(name, "not there")
