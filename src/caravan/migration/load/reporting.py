"""Gathers a report: from the engine's tables after a load, from the mapped chunks after a dry run."""

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

from psycopg import sql

from caravan.migration.config import MigrationConfig
from caravan.migration.load.chunk_commit import MappedRefusal
from caravan.migration.load.data_set_pass import Outcome
from caravan.migration.load.dry_book import DryBook, Repeated
from caravan.migration.load.journal import Journal
from caravan.migration.load.mapped_chunk import KEY_REPEATED
from caravan.migration.load.planning import Plan, PlannedDataSet
from caravan.migration.load.readers import Reader
from caravan.migration.load.report import (
    DataSetReport,
    LoadReport,
    ReportedFinding,
    ReportedRefusal,
    ReportedWaiver,
)
from caravan.migration.load.sources import file_of
from caravan.migration.verify import imported_rows

__all__ = ["fill_from_dry_run", "fill_from_tables"]

_FINDINGS: Final = "SELECT kind, data_set, key, field FROM engine.findings WHERE org_id = %(org)s AND migration = %(migration)s"
_QUARANTINE: Final = (
    "SELECT reason, data_set, key, field, file, byte_offset, detail FROM engine.quarantine"
    " WHERE org_id = %(org)s AND migration = %(migration)s ORDER BY data_set, ordinal"
)


def fill_from_tables(
    report: LoadReport, config: MigrationConfig, journal: Journal, plan: Plan, outcomes: Mapping[str, Outcome]
) -> None:
    """Write figures, findings and quarantine of the whole migration, earlier runs included, into the report."""
    today = datetime.now(UTC).date()
    with journal.connection.transaction():
        report.findings = sorted(
            ReportedFinding(*row) for row in journal.connection.execute(_FINDINGS, journal.scope)
        )
        report.quarantine = [
            _stored_refusal(row, config, today)
            for row in journal.connection.execute(_QUARANTINE, journal.scope)
        ]
        report.waivers = _waivers(report, config, today)
        for data_set in plan.data_sets:
            outcome = outcomes.get(data_set.name, Outcome())
            rows = _ledger_rows(journal, data_set)
            sums = _sums(journal, data_set)
            report.data_sets[data_set.name] = _figures(report, data_set.name, outcome, rows, sums)


def fill_from_dry_run(
    report: LoadReport,
    config: MigrationConfig,
    plan: Plan,
    readers: Mapping[str, Reader],
    outcomes: Mapping[str, Outcome],
    book: DryBook,
) -> None:
    """Write what a load would report; what only the whole can show comes from the book, unless the run was stopped."""
    today = datetime.now(UTC).date()
    repeated = book.repeated()
    for data_set in plan.data_sets:
        outcome = outcomes.get(data_set.name, Outcome())
        file = file_of(readers[data_set.name], data_set)
        doubles = [item for item in repeated if item.data_set == data_set.name]
        _add_findings(report, data_set.name, outcome, {item.ordinal for item in doubles})
        outcome.loaded -= len(doubles)
        outcome.quarantined += len(doubles)
        refused = [item for result in outcome.dry for item in result.refused] + [
            MappedRefusal(KEY_REPEATED, item.key, "", item.offset, item.detail) for item in doubles
        ]
        report.quarantine += [
            _refusal(data_set.name, file, item, config, today)
            for item in sorted(refused, key=lambda one: one.offset)
        ]
    if len(outcomes) == len(plan.data_sets) and not _interrupted(report, outcomes):
        report.findings += book.findings()
    report.findings.sort()
    for data_set in plan.data_sets:
        outcome = outcomes.get(data_set.name, Outcome())
        rows = _dry_rows(data_set, outcome, [item for item in repeated if item.data_set == data_set.name])
        report.data_sets[data_set.name] = _figures(report, data_set.name, outcome, rows, {})
    report.waivers = _waivers(report, config, today)


def _interrupted(report: LoadReport, outcomes: Mapping[str, Outcome]) -> bool:
    """Tell whether something else than a damaged source has stopped the run: a load goes on behind those."""
    damages = sum(outcome.damage is not None for outcome in outcomes.values())
    return len(report.stopped) > damages


def _add_findings(report: LoadReport, data_set: str, outcome: Outcome, doubles: Container[int]) -> None:
    report.findings += [
        ReportedFinding(item.kind, data_set, item.key, item.field)
        for result in outcome.dry
        for item in result.findings
        if item.ordinal not in doubles
    ]


def _dry_rows(data_set: PlannedDataSet, outcome: Outcome, doubles: Sequence[Repeated]) -> dict[str, int]:
    rows = {table.name: 0 for table in data_set.mapping.tables}
    for result in outcome.dry:
        for table, count in result.rows:
            rows[table] += count
    for item in doubles:
        for table, count in zip(rows, item.counts, strict=True):
            rows[table] -= count
    return rows


def _waivers(report: LoadReport, config: MigrationConfig, today: date) -> list[ReportedWaiver]:
    """Return the file's waivers; of one class the one that counts longest comes last."""
    counts = Counter(item.kind for item in report.quarantine)
    return [
        ReportedWaiver(
            waiver.class_,
            waiver.owner,
            waiver.reason,
            waiver.until.isoformat() if waiver.until else None,
            counts[waiver.class_],
            waiver.holds(today),
        )
        for waiver in sorted(config.waivers, key=lambda one: (one.class_, one.until or date.max))
    ]


def _figures(
    report: LoadReport, name: str, outcome: Outcome, rows: dict[str, int], sums: dict[str, str]
) -> DataSetReport:
    return DataSetReport(
        read=outcome.read,
        loaded=outcome.loaded,
        unchanged=outcome.unchanged,
        quarantined=outcome.quarantined,
        findings=sum(item.data_set == name for item in report.findings),
        rows=rows,
        sums=sums,
        seconds=round(outcome.seconds, 3),
        rate=round(outcome.read / outcome.seconds, 1) if outcome.seconds else 0.0,
    )


def _ledger_rows(journal: Journal, data_set: PlannedDataSet) -> dict[str, int]:
    counts = {table.name: 0 for table in data_set.mapping.tables}
    for proven in journal.ledger(data_set.name).values():
        for table, total in proven.sums.items():
            counts[table] = counts.get(table, 0) + total.rows
    return counts


def _sums(journal: Journal, data_set: PlannedDataSet) -> dict[str, str]:
    table = data_set.mapping.tables[0]
    values: dict[str, str] = {}
    for name, expression in data_set.mapping.sums:
        statement = sql.SQL("SELECT {value} {rows} AND k.chunk IS NOT NULL").format(
            value=sql.SQL(expression),  # the mapping's author wrote it, not its data
            rows=imported_rows(table),
        )
        row: tuple[Any, ...] | None = journal.connection.execute(statement, data_set.scope).fetchone()
        values[name] = str(row[0]) if row is not None and row[0] is not None else "0"
    return values


def _refusal(
    data_set: str, file: str, item: MappedRefusal, config: MigrationConfig, today: date
) -> ReportedRefusal:
    return ReportedRefusal(
        item.reason,
        data_set,
        item.key,
        item.field,
        file,
        item.offset,
        item.detail,
        config.waived(item.reason, today),
    )


def _stored_refusal(row: tuple[Any, ...], config: MigrationConfig, today: date) -> ReportedRefusal:
    kind, data_set, key, field, file, offset, detail = row
    return ReportedRefusal(kind, data_set, key, field, file, offset, detail, config.waived(kind, today))
