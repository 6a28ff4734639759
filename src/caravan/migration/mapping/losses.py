"""What a declared mapping does not keep, field by field."""

from collections.abc import Iterator, Sequence

from caravan.migration.mapping.contract import Loss
from caravan.migration.mapping.fields import Child, Field, Main, Side

__all__ = ["declared_losses"]


def declared_losses(main: Main, sides: Sequence[Side], children: Sequence[Child]) -> Iterator[Loss]:
    """Yield the losses; one that another column of the same field makes good is none."""
    level = [(main.table, field) for field in main.fields]
    level += [(side.table, field) for side in sides for field in side.fields]
    yield from _of_level(level, "")
    for name in main.ignored:
        yield Loss(name, "", "the whole field, as declared")
    if not main.extra:
        yield Loss(
            "*", main.table, "what a codec could not take word for word: the table has no column extra"
        )
    for child in children:
        yield from _of_child(child)


def _of_child(child: Child) -> Iterator[Loss]:
    level = [(child.table, field) for field in child.fields]
    if child.side:
        level += [(child.side.table, field) for field in child.side.fields]
    yield from _of_level(level, f"{child.source}.")
    if child.shape == "many":
        yield Loss(
            child.source,
            child.table,
            "whether it was a list or an object with numeric keys, and an empty one",
        )
        if child.position is None:
            yield Loss(child.source, child.table, "the order of elements with an _id of their own")


def _of_level(level: Sequence[tuple[str, Field]], prefix: str) -> Iterator[Loss]:
    faithful = {field.source for _, field in level if field.codec.faithful}
    for table, field in level:
        if field.codec.lossy and (field.codec.faithful or field.source not in faithful):
            yield Loss(prefix + field.source, f"{table}.{field.column}", field.codec.lossy)
