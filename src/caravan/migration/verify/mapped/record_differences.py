"""From buckets that do not sum alike to the row and the column, by mapping their records once more."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from caravan.migration.load.chunks import Chunk, cut
from caravan.migration.load.mapped_chunk import ChunkMapper, Loadable
from caravan.migration.load.planning import PlannedDataSet
from caravan.migration.load.readers import BrokenRecord, Reader, Record, RecordUndecodable, decode
from caravan.migration.mapping.contract import TargetTable, UnmappableError
from caravan.migration.mapping.keys import id_of
from caravan.migration.verify.encoding import RowEncoder
from caravan.migration.verify.float_bits import double_of
from caravan.migration.verify.mapped.buckets import bucket_of
from caravan.migration.verify.mapped.homes import Homes
from caravan.migration.verify.mapped.target_rows import Cells, TargetRows
from caravan.migration.verify.pairs.differences import FieldDifference, RowDifference

__all__ = ["Opened", "opened_buckets"]

_ASKED: Final = 500


@dataclass(slots=True)
class Opened:
    """Differences by the id of their record; keys are (legacy key, table, row id)."""

    by_record: dict[bytes, list[RowDifference]] = field(default_factory=dict)
    quarantined: int = 0


def opened_buckets(
    data_set: PlannedDataSet,
    reader: Reader,
    target: TargetRows,
    buckets: Collection[int],
    only: Collection[bytes] | None = None,
) -> Opened:
    """Compare the records of some buckets row by row, or of them those with the ids ``only``.

    Raises:
        SourceDamaged: the source cannot be read on.
    """
    found = Opened()
    seen: set[bytes] = set()
    mapper = ChunkMapper(data_set, reader.format)
    for chunk in cut(reader.read(data_set.collection)):
        wanted = tuple(_within(data_set, reader, chunk, buckets, only, target.homes))
        if not wanted:
            continue
        mapped = mapper.map(Chunk(chunk.number, chunk.first_ordinal, wanted, chunk.source_hash))
        if target.homes is not None:
            target.homes.bring(mapped, data_set.mapping.tables)
        fresh = [item for item in mapped.loadable if item.mapped.id not in seen]
        seen.update(item.mapped.id for item in fresh)
        _compare(data_set, target, fresh, found)
    _compare_lost(data_set, target, buckets, seen, only, found)
    return found


def _within(
    data_set: PlannedDataSet,
    reader: Reader,
    chunk: Chunk,
    buckets: Collection[int],
    only: Collection[bytes] | None,
    homes: Homes | None,
) -> Iterator[Record | BrokenRecord]:
    ids = list(_ids(data_set, reader, chunk))
    known = homes.ids(row_id for _, row_id in ids) if homes is not None else {}
    for record, computed in ids:
        row_id = known.get(computed, computed)
        if row_id in only if only is not None else bucket_of(row_id) in buckets:
            yield record


def _ids(data_set: PlannedDataSet, reader: Reader, chunk: Chunk) -> Iterator[tuple[Record, bytes]]:
    """Yield the records whose key can be read, with the ids that their keys give."""
    namespace = data_set.context.namespace.bytes
    for record in chunk.records:
        if isinstance(record, BrokenRecord):
            continue
        try:
            tag, key = data_set.mapping.key_of(decode(reader.format, record.raw))
        except (RecordUndecodable, UnmappableError):
            continue
        yield record, id_of(namespace, data_set.mapping.entity, tag, key)


def _compare(
    data_set: PlannedDataSet, target: TargetRows, records: Sequence[Loadable], found: Opened
) -> None:
    ids = [item.mapped.id for item in records]
    refused = target.quarantined(ids)
    found.quarantined += len(refused)
    for table in data_set.mapping.tables:
        encoder = RowEncoder(table.columns)
        there = target.of_records(table, ids)
        for item in records:
            if item.mapped.id in refused and item.mapped.id not in there:
                continue
            expected = {row[1]: encoder.cells(row) for row in item.mapped.rows.get(table.name, ())}
            differences = _rows(table, item.mapped.key, expected, there.get(item.mapped.id, {}))
            if differences:
                found.by_record.setdefault(item.mapped.id, []).extend(differences)


def _compare_lost(
    data_set: PlannedDataSet,
    target: TargetRows,
    buckets: Collection[int],
    seen: Collection[bytes],
    only: Collection[bytes] | None,
    found: Opened,
) -> None:
    """Tell the rows of records that the source does not have."""
    imported = target.keys(buckets) if only is None else target.keys_of(only)
    lost = [row_id for row_id in imported if row_id not in seen]
    for start in range(0, len(lost), _ASKED):
        ids = lost[start : start + _ASKED]
        for table in data_set.mapping.tables:
            for record, rows in target.of_records(table, ids).items():
                differences = _rows(table, imported[record], {}, rows)
                found.by_record.setdefault(record, []).extend(differences)


def _rows(
    table: TargetTable, key: str, expected: Mapping[bytes, Cells], found: Mapping[bytes, Cells]
) -> list[RowDifference]:
    differences = []
    for row_id in sorted(expected.keys() | found.keys()):
        named = (key, table.name, str(UUID(bytes=row_id)))
        must, has = expected.get(row_id), found.get(row_id)
        if has is None:
            differences.append(RowDifference(named, "missing", (), 1, 0))
        elif must is None:
            differences.append(RowDifference(named, "extra", (), 0, 1))
        elif must != has:
            fields = tuple(
                FieldDifference(column.name, _shown(one), _shown(other))
                for column, one, other in zip(table.columns, must, has, strict=True)
                if one != other
            )
            differences.append(RowDifference(named, "changed", fields))
    return differences


def _shown(cell: str) -> str | None:
    tag, _, rest = cell.partition(":")
    text = rest.partition(":")[2]
    if tag == "f":
        return repr(double_of(text))
    return None if tag == "n" else text
