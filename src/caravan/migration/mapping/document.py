"""A declaration as tables for people: source path, column, codec, what a bad value does."""

from collections.abc import Iterable, Iterator, Sequence

from caravan.migration.mapping.codecs import Choice, Codec, ReferenceTo
from caravan.migration.mapping.entity import Entity
from caravan.migration.mapping.fields import Child, Field

__all__ = ["codec_rows", "entity_section", "table"]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def entity_section(entity: Entity, collection: str) -> str:
    """Return the section of one entity."""
    parts = [
        f"## {collection} → `{entity.main.table}`",
        f"Entity `{entity.entity}`, version `{entity.version}`.",
    ]
    parts += [_fields_table(entity.main.table, entity.main.fields, "")]
    for side in entity.sides:
        parts += [f"### Beside it: `{side.table}`", _fields_table(side.table, side.fields, "")]
    for child in entity.children:
        parts += _child_parts(child)
    return "\n\n".join(parts)


def codec_rows(entities: Iterable[Entity]) -> Iterator[tuple[str, str, str]]:
    """Yield name, SQL type and loss of every codec in use."""
    codecs = {type(field.codec): field.codec for entity in entities for field in _all_fields(entity)}
    for codec in sorted(codecs.values(), key=lambda codec: codec.name):
        yield codec.name, _sql_type(codec), codec.lossy or "nothing"


def _all_fields(entity: Entity) -> Iterator[Field]:
    yield from entity.main.fields
    for side in entity.sides:
        yield from side.fields
    for child in entity.children:
        yield from child.fields
        if child.side:
            yield from child.side.fields


def _child_parts(child: Child) -> Iterator[str]:
    yield f"### `{child.source}` → `{child.table}`"
    key = (
        "its own `_id` within its parent, else its position"
        if child.shape == "many"
        else f"its parent and `{child.discriminator}`"
    )
    shape = (
        "A list, or an object with numeric keys; one row per element"
        if child.shape == "many"
        else "One document"
    )
    constants = "".join(f" `{column}` is `{value}`." for column, value in child.constants)
    inherited = "".join(f" `{column}` is that of its parent." for column in child.inherited)
    wrong = "the record goes to quarantine" if child.on_bad == "quarantine" else "no rows and a finding"
    yield f"{shape}. Entity `{child.entity}`; key: {key}.{constants}{inherited} Of another shape: {wrong}."
    yield _fields_table(child.table, child.fields, f"{child.source}.")
    if child.side:
        yield f"Beside it `{child.side.table}`, only for elements that have any of these:"
        yield _fields_table(child.side.table, child.side.fields, f"{child.source}.")


def _fields_table(name: str, fields: Sequence[Field], prefix: str) -> str:
    rows = (
        (
            f"`{prefix}{field.source}`",
            f"`{name}.{field.column}`",
            _described(field.codec),
            _sql_type(field.codec),
            _policy(field),
            field.note,
        )
        for field in fields
    )
    return table(("source", "column", "codec", "type", "a bad value", "note"), rows)


def _described(codec: Codec) -> str:
    if isinstance(codec, ReferenceTo):
        return f"reference to `{codec.entity}`"
    if isinstance(codec, Choice):
        return f"choice, else `{codec.otherwise}` and `{codec.kind}`"
    return codec.name


def _sql_type(codec: Codec) -> str:
    return "numeric(18,4)" if codec.scale else codec.sql_type


def _policy(field: Field) -> str:
    policy = "quarantine" if field.on_bad == "quarantine" else "empty, finding"
    return f"{policy}; needed" if field.required else policy
