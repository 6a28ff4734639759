"""From undecoded records to rows, hashes and refusals; the part of the work that needs no database."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from uuid import UUID

from caravan.core.ids import LegacyTag, uuid5_bytes
from caravan.migration.load.chunks import Chunk
from caravan.migration.load.overrun import OverrunWatch, RecordOverrunError
from caravan.migration.load.planning import PlannedDataSet
from caravan.migration.load.readers import BrokenRecord, Record, RecordFormat, RecordUndecodable, decode
from caravan.migration.mapping.contract import Finding, MappedRecord, UnmappableError
from caravan.migration.verify import RowEncoder, TableSum

__all__ = ["ChunkMapper", "Loadable", "MappedChunk", "Refused"]

_T = TypeVar("_T")
_OF_A_MAPPING: Final = (Exception, SystemExit, RecordOverrunError)
"""What the code of a mapping may end with; Ctrl-C is not its own."""

KEY_REPEATED: Final = "key.repeated"
MAPPING_FAILED: Final = "mapping.failed"


@dataclass(frozen=True, slots=True)
class Refused:
    """A record for the quarantine; tag, key and row id are None when its key could not be read."""

    ordinal: int
    offset: int
    raw: bytes
    reason: str
    field: str = ""
    detail: str = ""
    tag: LegacyTag | None = None
    key: str | None = None
    row_id: bytes | None = None


@dataclass(frozen=True, slots=True)
class Loadable:
    """A record with its rows."""

    source: Record
    mapped: MappedRecord


@dataclass(slots=True)
class MappedChunk:
    """A chunk on its way into the tables; ``sums`` is what each table must hold of it."""

    chunk: Chunk
    encoders: Mapping[str, RowEncoder]
    loadable: list[Loadable] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    sums: Mapping[str, TableSum] = field(default_factory=dict)

    @property
    def findings(self) -> Iterator[Finding]:
        for item in self.loadable:
            yield from item.mapped.findings

    @property
    def row_ids(self) -> list[bytes]:
        """The records whose key could be read, refused ones among them."""
        refused = (item.row_id for item in self.refused if item.row_id is not None)
        return [*(item.mapped.id for item in self.loadable), *refused]

    def seal(self) -> None:
        """Hash the rows; a record with a row that cannot be encoded is refused as a fault of its mapping."""
        try:
            self.sums = _sums(self.encoders, self.loadable)
        except Exception:  # noqa: BLE001 - which record it was, and why, is found out one by one
            self.refuse(MAPPING_FAILED, dict(self._unencodable()))

    def refuse(self, reason: str, details: Mapping[bytes, str]) -> None:
        """Move the records with these row ids to the refused ones, and hash what is left."""
        kept = []
        for item in self.loadable:
            detail = details.get(item.mapped.id)
            if detail is None:
                kept.append(item)
            else:
                self.refused.append(_refused(item.source, item.mapped, reason, detail))
        self.loadable = kept
        self.sums = _sums(self.encoders, kept)

    def leave_out(self, row_ids: Collection[bytes]) -> None:
        """Drop these records, and hash what is left."""
        self.loadable = [item for item in self.loadable if item.mapped.id not in row_ids]
        self.refused = [item for item in self.refused if item.row_id not in row_ids]
        self.sums = _sums(self.encoders, self.loadable)

    def _unencodable(self) -> Iterator[tuple[bytes, str]]:
        for item in self.loadable:
            try:
                _sums(self.encoders, [item])
            except Exception as error:  # noqa: BLE001 - a bug of a mapping costs one record, never the load
                yield item.mapped.id, f"{type(error).__name__}: {error}"


class ChunkMapper:
    """Maps the chunks of one data set."""

    def __init__(self, data_set: PlannedDataSet, record_format: RecordFormat) -> None:
        self._mapping = data_set.mapping
        self._context = data_set.context
        self._namespace = data_set.context.namespace.bytes
        self._format = record_format
        self._encoders = {table.name: RowEncoder(table.columns) for table in self._mapping.tables}
        self._watch = OverrunWatch()

    def map(self, chunk: Chunk) -> MappedChunk:
        """Return the rows of a chunk; of records with one key the first is kept."""
        result = MappedChunk(chunk, self._encoders)
        seen: set[bytes] = set()
        with self._watch:
            for record in chunk.records:
                item = self._one(record, seen)
                if isinstance(item, Loadable):
                    seen.add(item.mapped.id)
                    result.loadable.append(item)
                else:
                    result.refused.append(item)
        result.seal()
        return result

    def document(self, record: Record) -> Mapping[str, Any]:
        """Return the record decoded once more."""
        return decode(self._format, record.raw)

    def _one(self, record: Record | BrokenRecord, seen: Collection[bytes]) -> Loadable | Refused:
        if isinstance(record, BrokenRecord):
            return Refused(
                record.ordinal, record.offset, record.raw, record.reason, record.field, record.detail
            )
        try:
            document = decode(self._format, record.raw)
        except RecordUndecodable as error:
            return Refused(record.ordinal, record.offset, record.raw, error.reason, detail=error.detail)
        try:
            mapped = self._watched(record, lambda: self._mapping.map(document, self._context))
            if mapped.id in seen:
                return _refused(
                    record, mapped, KEY_REPEATED, "a record with this key stands earlier in the source"
                )
            return Loadable(record, mapped)
        except UnmappableError as error:
            return self._unmappable(record, document, error.kind, error.field, error.detail)
        except _OF_A_MAPPING as error:
            return self._unmappable(record, document, MAPPING_FAILED, "", f"{type(error).__name__}: {error}")

    def _watched(self, record: Record, call: Callable[[], _T]) -> _T:
        self._watch.record = record.ordinal
        try:
            return call()
        finally:
            self._watch.record = None

    def _unmappable(
        self, record: Record, document: Mapping[str, Any], reason: str, path: str, detail: str
    ) -> Refused:
        try:
            tag, key = self._watched(record, lambda: self._mapping.key_of(document))
            row_id = uuid5_bytes(self._namespace, f"{self._mapping.entity}:{tag}:{key}".encode())
        except _OF_A_MAPPING:
            return Refused(record.ordinal, record.offset, record.raw, reason, path, detail)
        return Refused(record.ordinal, record.offset, record.raw, reason, path, detail, tag, key, row_id)


def _sums(encoders: Mapping[str, RowEncoder], records: Sequence[Loadable]) -> dict[str, TableSum]:
    return {
        table: encoder.sum([row for item in records for row in item.mapped.rows.get(table, ())])
        for table, encoder in encoders.items()
    }


def _refused(record: Record, mapped: MappedRecord, reason: str, detail: str) -> Refused:
    return Refused(
        record.ordinal, record.offset, record.raw, reason, "", detail, mapped.tag, mapped.key, mapped.id
    )


def as_uuid(row_id: bytes | None) -> UUID | None:
    """Return 16 bytes as the UUID that psycopg takes."""
    return None if row_id is None else UUID(bytes=row_id)
