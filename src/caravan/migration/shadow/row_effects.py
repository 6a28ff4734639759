"""Compares the rows that a write changed on each side: old ones through the mapping, new ones from a dry run.

The rows become one document (table → operation → rows), so that paths, kinds and canonicalisers are those of answers:
``rows.orders.insert[*].total``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias

from caravan.migration.shadow.canonical import Canonicaliser, Timestamp, Token, Uuid
from caravan.migration.shadow.comparison import Comparison, compare_documents
from caravan.migration.shadow.differences import Kind
from caravan.migration.shadow.documents import Document, number, write_json
from caravan.migration.shadow.rules import EXACT, Rules

__all__ = ["RowEffect", "compare_rows", "rows_document"]

Operation: TypeAlias = Literal["insert", "update", "delete"]

_OF_A_TYPE: Final = (Uuid, Timestamp, Token)
"""Kinds that a side gives to rows of its own; a counter or a tolerance learnt elsewhere says nothing about a column."""


@dataclass(frozen=True, slots=True)
class RowEffect:
    """One changed row in target space; ``columns`` after the change, of a deleted row before it. Numbers keep their text."""

    table: str
    operation: Operation
    key: str
    columns: Mapping[str, Any]


def rows_document(effects: Iterable[RowEffect], order: Callable[[RowEffect], str]) -> Document:
    """Arrange effects by table and operation, in a given order; values that JSON does not know become text."""
    tables: dict[str, dict[str, list[Document]]] = {}
    for effect in sorted(effects, key=lambda effect: (effect.table, effect.operation, order(effect))):
        columns = {name: _value(value) for name, value in sorted(effect.columns.items())}
        tables.setdefault(effect.table, {}).setdefault(effect.operation, []).append(columns)
    return dict(tables)


def compare_rows(
    old: Sequence[RowEffect],
    new: Sequence[RowEffect],
    learnt: Iterable[Canonicaliser] = (),
    rules: Rules = EXACT,
) -> Comparison:
    """Compare the effects of both sides; a value that a canonicaliser of its type takes, learnt on any field, counts as equal.

    Rows are matched by key where the keys agree, else by what is left of them without the values that a side gives.
    """
    kinds = [kind for kind in learnt if isinstance(kind, _OF_A_TYPE)]
    same_keys = {(each.table, each.key) for each in old} == {(each.table, each.key) for each in new}

    def order(effect: RowEffect) -> str:
        return effect.key if same_keys else _without_given(effect, kinds)

    found = compare_documents(rows_document(old, order), rows_document(new, order), "rows", rules)
    refused = {
        path
        for path, before, after in found.differing
        if not any(kind.accepts(before, after) for kind in kinds)
    }
    found.differences = [
        each for each in found.differences if each.kind is not Kind.VALUE or each.path in refused
    ]
    return found


def _without_given(effect: RowEffect, kinds: Sequence[Canonicaliser]) -> str:
    values = {name: _value(value) for name, value in sorted(effect.columns.items())}
    return write_json(
        {
            name: value
            for name, value in values.items()
            if not any(kind.accepts(value, value) for kind in kinds)
        }
    )


def _value(value: Any) -> Document:  # noqa: ANN401 - whatever a column holds
    if value is None or isinstance(value, bool | str | dict | list):
        return value
    if isinstance(value, tuple):
        return number(str(value[0]))
    return number(str(value)) if isinstance(value, int | float | Decimal) else str(value)
