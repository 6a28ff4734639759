"""What a mapping is to the rest of the engine: target tables, a key, and rows for one source record.

Row values are what binary COPY takes: ``uuid`` as 16 bytes, ``numeric`` as ``Decimal``, ``timestamptz`` as aware
``datetime``, ``jsonb`` as UTF-8 JSON text in ``bytes``, ``bytea`` as ``bytes``, ``double precision`` as ``float``; the rest as the
Python type of that name.
"""

from collections.abc import Callable, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias
from uuid import UUID

from caravan.core.ids import LegacyTag

__all__ = [
    "Column",
    "FindKey",
    "Finding",
    "Invariant",
    "InverseContext",
    "Loss",
    "MappedRecord",
    "Mapping",
    "MappingContext",
    "Reference",
    "ReferenceValue",
    "SqlType",
    "TargetTable",
    "UnmappableError",
]

SqlType: TypeAlias = Literal[
    "uuid",
    "text",
    "numeric",
    "boolean",
    "integer",
    "bigint",
    "double precision",
    "timestamptz",
    "date",
    "jsonb",
    "bytea",
]

FindKey: TypeAlias = Callable[[str, bytes], tuple[LegacyTag, str] | None]
"""From an entity's name and the id of one of its rows to the row's typed legacy key; None where it has none yet."""


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    type: SqlType
    scale: int | None = None
    """Digits after the point of a ``numeric`` column; None means as many as it has."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A column that holds the id of a row of ``table``; loaded as NULL, with a finding, when that row is missing."""

    column: str
    table: str
    entity: str
    source: str
    """Path in the source record, for findings: ``customer``, ``items.product``."""


@dataclass(frozen=True, slots=True)
class TargetTable:
    """One table that records of this entity fill. The first two columns are ``org_id`` and ``id``.

    ``parent`` names the column that holds the record's own id in child and side tables (``order_id``; ``id`` where the
    side table is 1:1), and is None for the entity's own table. Rows of a record come and go together.
    """

    name: str
    columns: tuple[Column, ...]
    parent: str | None = None
    references: tuple[Reference, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a person should know about one record that was loaded all the same.

    ``kind`` is the stable class (``date.out_of_range``), ``key`` the legacy key as text, ``field`` the source path.
    """

    kind: str
    key: str
    field: str
    detail: str = ""


class UnmappableError(Exception):
    """A record that must not be loaded: it goes to quarantine whole, under the class ``kind``."""

    def __init__(self, kind: str, field: str, detail: str) -> None:
        super().__init__(f"{field}: {detail}")
        self.kind = kind
        self.field = field
        self.detail = detail


@dataclass(frozen=True, slots=True)
class MappingContext:
    """What ids and tenancy need: the organisation, its client, the namespace of the source, its time zone."""

    org_id: UUID
    client_id: UUID | None
    namespace: UUID
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class InverseContext:
    """What the way back needs: the way there, the legacy keys of rows, and whether the source keeps documents or rows."""

    mapping: MappingContext
    find_key: FindKey
    shape: Literal["document", "row"] = "document"


@dataclass(frozen=True, slots=True)
class Loss:
    """What of a field is not kept. ``source`` is its path, ``column`` is ``table.column`` (empty: no column takes it)."""

    source: str
    column: str
    lost: str


@dataclass(frozen=True, slots=True)
class ReferenceValue:
    """A reference as the source wrote it, for the rare row whose target is missing."""

    table: str
    row_id: bytes
    column: str
    source: str
    tag: LegacyTag
    text: str


@dataclass(slots=True)
class MappedRecord:
    """The rows of one source record, by table name, each a tuple in the order of that table's columns."""

    tag: LegacyTag
    key: str
    id: bytes
    rows: dict[str, list[tuple[Any, ...]]]
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Invariant:
    """A check after the load: SQL with ``%(org_id)s`` that returns the rows that break it (``detail`` text each)."""

    name: str
    sql: str


class Mapping(Protocol):
    """One entity of one legacy system."""

    @property
    def entity(self) -> str:
        """Name in ids and reports, singular: ``order``."""

    @property
    def version(self) -> str:
        """Changes whenever the mapping does, so that proven chunks are loaded again."""

    @property
    def tables(self) -> Sequence[TargetTable]:
        """The entity's own table first, then its children and side tables, parents before children."""

    @property
    def repeated(self) -> Sequence[tuple[str, str, str]]:
        """``(column, source path, finding kind)`` of values that should not occur twice, such as an order number."""

    @property
    def sums(self) -> Sequence[tuple[str, str]]:
        """``(name, SQL expression over the entity's own table t)`` reported per data set, such as the money total."""

    @property
    def invariants(self) -> Sequence[Invariant]: ...

    def key_of(self, document: MappingOf[str, Any]) -> tuple[LegacyTag, str]:
        """Return the typed legacy key; raises ``UnmappableError`` when there is none."""

    def map(self, document: MappingOf[str, Any], context: MappingContext) -> MappedRecord:
        """Return the record's rows; raises ``UnmappableError`` when it must be quarantined."""

    def references(self, document: MappingOf[str, Any], context: MappingContext) -> Sequence[ReferenceValue]:
        """Return every reference of the record as the source wrote it."""
