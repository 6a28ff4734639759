"""The engine's tables of a load, in the schema ``engine``. All are keyed by organisation and migration.

``(org_id, migration)`` names one migration; data sets, chunks and tables are named by their text in the migration file.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Index, Text, UniqueConstraint, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from caravan.core.database.base import Base, OrgRow

__all__ = [
    "DanglingReference",
    "FindingRow",
    "LedgerChunk",
    "LegacyKey",
    "LoadRun",
    "PackedKeys",
    "QuarantineClock",
    "QuarantinedRecord",
]

_NAME = Text(collation="C")
_SCHEMA: dict[str, Any] = {"schema": "engine"}


class LoadRun(OrgRow):
    """One run of one migration; chunks commit only while theirs is ``running``."""

    __tablename__ = "load_runs"
    __table_args__ = (
        Index("ix_load_runs_org_id_migration", "org_id", "migration", "created_at"),
        _SCHEMA,
    )

    migration: Mapped[str] = mapped_column(_NAME)
    status: Mapped[str]
    finished_at: Mapped[datetime | None]
    report: Mapped[dict[str, Any] | None]


class LedgerChunk(Base):
    """A proven chunk: what was read, with which mapping, and what its rows must hash to.

    ``sums`` is ``{table: [rows, lanes in hex]}``. ``stale`` asks the next pass to load the chunk again.
    """

    __tablename__ = "ledger"
    __table_args__ = (_SCHEMA,)

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    migration: Mapped[str] = mapped_column(_NAME, primary_key=True)
    data_set: Mapped[str] = mapped_column(_NAME, primary_key=True)
    chunk: Mapped[int] = mapped_column(primary_key=True)
    first_ordinal: Mapped[int] = mapped_column(BigInteger)
    records: Mapped[int]
    quarantined: Mapped[int]
    source_hash: Mapped[bytes]
    mapping_version: Mapped[str]
    sums: Mapped[dict[str, Any]]
    stale: Mapped[bool] = mapped_column(server_default=text("false"))
    committed_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class LegacyKey(Base):
    """The typed legacy key of each imported row, unique both ways.

    ``chunk`` is NULL when the source has lost the record since.
    """

    __tablename__ = "legacy_keys"
    __table_args__ = (
        UniqueConstraint("org_id", "migration", "data_set", "tag", "key"),
        Index("ix_legacy_keys_chunk", "org_id", "migration", "data_set", "chunk"),
        _SCHEMA,
    )

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    row_id: Mapped[UUID] = mapped_column(primary_key=True)
    migration: Mapped[str] = mapped_column(_NAME)
    data_set: Mapped[str] = mapped_column(_NAME)
    tag: Mapped[str] = mapped_column(_NAME)
    key: Mapped[str] = mapped_column(_NAME)
    chunk: Mapped[int | None]
    ordinal: Mapped[int] = mapped_column(BigInteger)


class PackedKeys(Base):
    """The legacy keys of a chunk whose rows went in as text: the same as so many rows of ``legacy_keys``.

    ``keys`` beside ``row_ids``, in the order of the source from ``first_ordinal`` on. ``packed_keys.unpack`` writes them out.
    """

    __tablename__ = "packed_keys"
    __table_args__ = (_SCHEMA,)

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    migration: Mapped[str] = mapped_column(_NAME, primary_key=True)
    data_set: Mapped[str] = mapped_column(_NAME, primary_key=True)
    chunk: Mapped[int] = mapped_column(primary_key=True)
    first_ordinal: Mapped[int] = mapped_column(BigInteger)
    tag: Mapped[str] = mapped_column(_NAME)
    row_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    keys: Mapped[list[str]] = mapped_column(ARRAY(Text))


class QuarantinedRecord(OrgRow):
    """A record that was not loaded. ``sealed`` is its original bytes, encrypted, NULL once purged.

    ``created_at`` is when the record was first put away, whatever loads came since (``QuarantineClock``).
    """

    __tablename__ = "quarantine"
    __table_args__ = (
        Index("ix_quarantine_chunk", "org_id", "migration", "data_set", "chunk"),
        Index("ix_quarantine_row_id", "org_id", "row_id"),
        _SCHEMA,
    )

    migration: Mapped[str] = mapped_column(_NAME)
    data_set: Mapped[str] = mapped_column(_NAME)
    chunk: Mapped[int]
    ordinal: Mapped[int] = mapped_column(BigInteger)
    file: Mapped[str]
    byte_offset: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(_NAME)
    field: Mapped[str]
    detail: Mapped[str]
    tag: Mapped[str | None] = mapped_column(_NAME)
    key: Mapped[str | None] = mapped_column(_NAME)
    row_id: Mapped[UUID | None]
    sealed: Mapped[bytes | None]
    purged_at: Mapped[datetime | None]


class QuarantineClock(Base):
    """When a record entered the quarantine; ``record`` is its tag and key, or ``@`` and its offset when it has none.

    The row outlives reloads, and goes when a whole run ends without the record in quarantine.
    """

    __tablename__ = "quarantine_clock"
    __table_args__ = (_SCHEMA,)

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    migration: Mapped[str] = mapped_column(_NAME, primary_key=True)
    data_set: Mapped[str] = mapped_column(_NAME, primary_key=True)
    record: Mapped[str] = mapped_column(_NAME, primary_key=True)
    first_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class FindingRow(OrgRow):
    """Something to know about a record that was loaded. ``chunk`` is NULL for what is found after the data set."""

    __tablename__ = "findings"
    __table_args__ = (
        Index("ix_findings_chunk", "org_id", "migration", "data_set", "chunk"),
        Index("ix_findings_key", "org_id", "migration", "data_set", "key"),
        _SCHEMA,
    )

    migration: Mapped[str] = mapped_column(_NAME)
    data_set: Mapped[str] = mapped_column(_NAME)
    chunk: Mapped[int | None]
    kind: Mapped[str] = mapped_column(_NAME)
    key: Mapped[str] = mapped_column(_NAME)
    field: Mapped[str]
    detail: Mapped[str]


class DanglingReference(Base):
    """A reference loaded as NULL because its row was not there; filled, and removed, when the row has come.

    ``record_id`` is the row of the record that refers; ``tag`` and ``key`` are the reference as the source wrote it.
    """

    __tablename__ = "dangling_references"
    __table_args__ = (
        Index("ix_dangling_references_chunk", "org_id", "migration", "data_set", "chunk"),
        Index("ix_dangling_references_wanted_id", "org_id", "wanted_id"),
        Index("ix_dangling_references_record_id", "org_id", "record_id"),
        _SCHEMA,
    )

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    table_name: Mapped[str] = mapped_column(_NAME, primary_key=True)
    row_id: Mapped[UUID] = mapped_column(primary_key=True)
    column_name: Mapped[str] = mapped_column(_NAME, primary_key=True)
    migration: Mapped[str] = mapped_column(_NAME)
    data_set: Mapped[str] = mapped_column(_NAME)
    chunk: Mapped[int]
    record_id: Mapped[UUID]
    target_table: Mapped[str] = mapped_column(_NAME)
    wanted_id: Mapped[UUID]
    source: Mapped[str]
    tag: Mapped[str]
    key: Mapped[str]
