"""What the console reads of loads: per migration, per data set, the findings and the quarantine of the tenant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Select, cast, func, select, true
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH, distinct_on

from caravan.core.database import AnySession
from caravan.core.http.listing import PAGE_ROWS, Listing
from caravan.migration.load.models import FindingRow, LedgerChunk, LoadRun, QuarantinedRecord

__all__ = [
    "DataSetFigures",
    "RefusedClass",
    "Run",
    "data_sets",
    "finding_classes",
    "findings",
    "loaded_rows",
    "one_quarantined",
    "quarantine_classes",
    "quarantined",
    "refused_classes",
    "runs",
]


@dataclass(frozen=True, slots=True)
class Run:
    """The last run of one migration; ``report`` holds what pages show of it, and nothing until it has ended."""

    migration: str
    status: str
    began: datetime
    ended: datetime | None
    report: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DataSetFigures:
    """What the ledger says of one data set: records read and proven, of these in quarantine, chunks, and the last commit."""

    migration: str
    name: str
    read: int
    quarantined: int
    chunks: int
    committed: datetime

    @property
    def loaded(self) -> int:
        """Records that are rows now."""
        return self.read - self.quarantined


@dataclass(frozen=True, slots=True)
class RefusedClass:
    """A class of a data set's quarantine; ``by_flow`` of its records were refused when a change brought them."""

    data_set: str
    reason: str
    records: int
    by_flow: int


async def runs(session: AnySession, *, migration: str | None = None) -> list[Run]:
    """Return the last run of each migration of the tenant, the youngest first."""
    last = (
        select(LoadRun.migration, LoadRun.status, LoadRun.created_at, LoadRun.finished_at, _excerpt())
        .ext(distinct_on(LoadRun.migration))
        .order_by(LoadRun.migration, LoadRun.created_at.desc())
    )
    if migration is not None:
        last = last.where(LoadRun.migration == migration)
    found = [Run(*row) for row in await session.execute(last)]
    return sorted(found, key=lambda run: run.began, reverse=True)


async def data_sets(session: AnySession, *, migration: str | None = None) -> list[DataSetFigures]:
    """Return the figures of each data set, in the order in which their loads began."""
    statement = (
        select(
            LedgerChunk.migration,
            LedgerChunk.data_set,
            func.sum(LedgerChunk.records),
            func.sum(LedgerChunk.quarantined),
            func.count(),
            func.max(LedgerChunk.committed_at),
        )
        .group_by(LedgerChunk.migration, LedgerChunk.data_set)
        .order_by(func.min(LedgerChunk.committed_at), LedgerChunk.data_set)
    )
    if migration is not None:
        statement = statement.where(LedgerChunk.migration == migration)
    return [DataSetFigures(*row) for row in await session.execute(statement)]


async def quarantine_classes(
    session: AnySession, *, migration: str | None = None
) -> list[tuple[str, str, int]]:
    """Return (migration, class, records) of the quarantine."""
    counted = select(QuarantinedRecord.migration, QuarantinedRecord.reason, func.count())
    if migration is not None:
        counted = counted.where(QuarantinedRecord.migration == migration)
    grouped = counted.group_by(QuarantinedRecord.migration, QuarantinedRecord.reason)
    found = await session.execute(grouped.order_by(QuarantinedRecord.reason))
    return [(name, reason, count) for name, reason, count in found]


async def refused_classes(session: AnySession, migration: str) -> list[RefusedClass]:
    """Return the classes of each data set's quarantine. Flows put what they refuse into chunks below zero."""
    table = QuarantinedRecord
    statement = (
        select(table.data_set, table.reason, func.count(), func.count().filter(table.chunk < 0))
        .where(table.migration == migration)
        .group_by(table.data_set, table.reason)
        .order_by(table.data_set, table.reason)
    )
    return [RefusedClass(*row) for row in await session.execute(statement)]


async def loaded_rows(session: AnySession, migration: str) -> list[tuple[str, str, int]]:
    """Return (data set, table, rows) of everything that is proven: one record may be rows of several tables."""
    sums = func.jsonb_each(LedgerChunk.sums).table_valued("key", "value")
    table, rows = sums.c.key, func.sum(cast(sums.c.value.op("->>")(0), BigInteger))
    statement = (
        select(LedgerChunk.data_set, table, rows)
        .join(sums, true())
        .where(LedgerChunk.migration == migration)
        .group_by(LedgerChunk.data_set, table)
        .order_by(LedgerChunk.data_set, table)
    )
    return [(data_set, name, int(count)) for data_set, name, count in await session.execute(statement)]


async def finding_classes(session: AnySession, migration: str) -> list[tuple[str, str, int]]:
    """Return (class, data set, how many) of a migration's findings."""
    statement = (
        select(FindingRow.kind, FindingRow.data_set, func.count())
        .where(FindingRow.migration == migration)
        .group_by(FindingRow.kind, FindingRow.data_set)
        .order_by(FindingRow.kind, FindingRow.data_set)
    )
    return [(kind, data_set, count) for kind, data_set, count in await session.execute(statement)]


async def findings(
    session: AnySession, migration: str, *, kind: str = "", data_set: str = "", page: int = 1
) -> Listing:
    """Return one page of a migration's findings."""
    conditions = [FindingRow.migration == migration]
    if kind:
        conditions.append(FindingRow.kind == kind)
    if data_set:
        conditions.append(FindingRow.data_set == data_set)
    order = (FindingRow.kind, FindingRow.data_set, FindingRow.key, FindingRow.id)
    return await _listed(session, select(FindingRow).order_by(*order), conditions, page)


async def quarantined(
    session: AnySession, *, reason: str = "", data_set: str = "", migration: str = "", page: int = 1
) -> Listing:
    """Return one page of the quarantine, in the order of the source."""
    table = QuarantinedRecord
    wanted = ((table.reason, reason), (table.data_set, data_set), (table.migration, migration))
    conditions = [column == value for column, value in wanted if value]
    order = (table.migration, table.data_set, table.ordinal, table.id)
    listing = await _listed(session, select(table).order_by(*order), conditions, page)
    listing.options["reason"] = await _distinct(session, table.reason)
    listing.options["data_set"] = await _distinct(session, table.data_set)
    return listing


async def one_quarantined(session: AnySession, record: UUID) -> QuarantinedRecord | None:
    """Return one record of the tenant's quarantine."""
    return await session.scalar(select(QuarantinedRecord).where(QuarantinedRecord.id == record))


def _excerpt() -> ColumnElement[dict[str, Any]]:
    """Return what pages show of a report: it lists every finding and every record in quarantine, which may be many."""
    refused = func.jsonb_path_query(
        LoadRun.report, cast('$.quarantine[*] ? (@.waived == true)."class"', JSONPATH)
    )
    waived = refused.column_valued("waived")
    parts: list[Any] = ["waived", select(func.jsonb_agg(waived.distinct())).scalar_subquery()]
    for name in ("data_sets", "checks", "checksums", "waivers"):
        parts += [name, LoadRun.report[name]]
    return func.jsonb_build_object(*parts, type_=JSONB)


async def _listed(
    session: AnySession, rows: Select[Any], conditions: Sequence[ColumnElement[bool]], page: int
) -> Listing:
    wanted = rows.where(*conditions)
    counted = select(func.count()).select_from(wanted.order_by(None).subquery())
    total = await session.scalar(counted) or 0
    last = max(1, -(-total // PAGE_ROWS))
    page = min(page, last)
    found = (await session.scalars(wanted.limit(PAGE_ROWS).offset((page - 1) * PAGE_ROWS))).all()
    return Listing(found, total, page)


async def _distinct(session: AnySession, column: Any) -> list[str]:  # noqa: ANN401 - a mapped column of text
    return list((await session.scalars(select(column).distinct().order_by(column))).all())
