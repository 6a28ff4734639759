"""Writes a first mapping of a source, to be edited: from the tables it declares, or from documents it holds."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

from caravan.migration.load.readers import (
    REFUSE_ALL,
    Described,
    Live,
    Reader,
    Record,
    RecordUndecodable,
    Rules,
    SourceCollectionMissing,
    SourceKind,
    decode,
    open_source,
    without_password,
)
from caravan.migration.mapping.scaffold_columns import drafted_table
from caravan.migration.mapping.scaffold_documents import drafted_collection, drafted_lines
from caravan.migration.mapping.scaffold_text import DraftTable, module_text

__all__ = ["scaffold"]

_SAMPLE: Final = 1000
"""Documents that are looked at of each collection."""


def scaffold(
    place: Path | str,
    *,
    tables: Sequence[str] = (),
    schema: str = "legacy",
    kind: SourceKind = "auto",
    rules: Rules = REFUSE_ALL,
) -> str:
    """Return the text of a module with one entity per table or collection; ``tables`` empty means all.

    Raises:
        SourceUnreadable: nothing is there that can be read.
        SourceCollectionMissing: a table of that name is not there.
    """
    reader = open_source(place, kind, rules)
    try:
        names = _chosen(reader, tables, place)
        drafts = list(_drafts(reader, names, rules, schema))
    finally:
        if isinstance(reader, Live):
            reader.close()
    return module_text(without_password(place) if isinstance(place, str) else str(place), schema, drafts)


def _chosen(reader: Reader, tables: Sequence[str], place: Path | str) -> list[str]:
    known = reader.collections()
    missing = [name for name in tables if name not in known]
    if missing:
        shown = without_password(place) if isinstance(place, str) else place
        raise SourceCollectionMissing(f"{shown} has no table {missing[0]!r}; it has {', '.join(known)}")
    return list(tables or known)


def _drafts(reader: Reader, names: Sequence[str], rules: Rules, schema: str) -> Iterator[DraftTable]:
    described: Mapping[str, Any] = reader.tables() if isinstance(reader, Described) else {}
    chosen = {name: described[name] for name in names if name in described}
    for name in names:
        if name not in chosen:
            yield drafted_collection(name, _sample(reader, name), names, schema)
        elif isinstance(reader, Described) and reader.dialect == "csv" and not rules.columns:
            columns = [column.name for column in chosen[name].columns]
            yield drafted_lines(name, columns, _sample(reader, name))
        elif isinstance(reader, Described):
            yield drafted_table(name, chosen[name], reader.dialect, rules, chosen, schema)


def _sample(reader: Reader, name: str) -> Iterator[Mapping[str, Any]]:
    for record in islice(reader.read(name), _SAMPLE):
        if isinstance(record, Record):
            try:
                yield decode(reader.format, record.raw)
            except RecordUndecodable:
                continue
