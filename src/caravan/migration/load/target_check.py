"""The fast form of verification: what PostgreSQL holds against what the ledger says it must hold."""

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg
from psycopg import sql

from caravan.core.database.connection import DatabaseAddress, Role
from caravan.migration.load.journal import Journal, Proven
from caravan.migration.load.planning import Plan, PlannedDataSet
from caravan.migration.load.record_sums import sums_of_text
from caravan.migration.mapping.contract import TargetTable
from caravan.migration.verify import (
    TableSum,
    broken_links,
    broken_rules,
    chunk_sums,
    dangling_columns,
    links_of,
)

__all__ = ["Mismatch", "TargetCheck", "check_target"]

_SPLIT_FROM: Final = 8
"""Chunks from which a table is hashed over two connections."""

_NAMED: Final = 20


@dataclass(frozen=True, slots=True, order=True)
class Mismatch:
    """A chunk whose rows in one table are not what the ledger says."""

    data_set: str
    table: str
    chunk: int
    expected_rows: int
    found_rows: int


@dataclass(slots=True)
class TargetCheck:
    """``checks`` by name, each with ``ok``; ``totals`` is what the tables hold."""

    checks: dict[str, dict[str, Any]] = field(default_factory=dict)
    mismatches: list[Mismatch] = field(default_factory=list)
    totals: dict[str, TableSum] = field(default_factory=dict)

    @property
    def checksums(self) -> dict[str, str]:
        return {table: total.hex for table, total in sorted(self.totals.items())}


@dataclass(frozen=True, slots=True)
class _Part:
    data_set: PlannedDataSet
    table: TargetTable
    chunks: tuple[int, int]


def check_target(address: DatabaseAddress, journal: Journal, plan: Plan, connections: int = 2) -> TargetCheck:
    """Hash every imported row in PostgreSQL and hold the sums against the ledger; then links and the mappings' rules.

    All of it sees one snapshot, whatever a flow of changes commits meanwhile.
    """
    with journal.connection.transaction():
        journal.connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        row = journal.connection.execute("SELECT pg_export_snapshot()").fetchone()
        return _checked(address, journal, plan, connections, "" if row is None else str(row[0]))


def _checked(
    address: DatabaseAddress, journal: Journal, plan: Plan, connections: int, snapshot: str
) -> TargetCheck:
    result = TargetCheck()
    ledgers = {item.name: journal.ledger(item.name) for item in plan.data_sets}
    dangling = dangling_columns(journal.connection, journal.scope)
    parts = [part for item in plan.data_sets for part in _parts(item, ledgers[item.name], connections)]

    def hashed(part: _Part) -> dict[int, TableSum]:
        with psycopg.connect(
            address.libpq(Role.SYSTEM, application="caravan verify"), autocommit=True
        ) as connection:
            connection.execute("SET jit = off")
            connection.execute("SET work_mem = '32MB'")
            with connection.transaction():
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(snapshot)))
                return _found(connection, part, ledgers[part.data_set.name], dangling)

    with ThreadPoolExecutor(max(1, connections)) as threads:
        for part, found in zip(parts, threads.map(hashed, parts), strict=True):
            _compare(result, part, ledgers[part.data_set.name], found)
    _tell(result, parts, ledgers)
    _check_rules(result, journal, plan)
    return result


def _parts(data_set: PlannedDataSet, ledger: Mapping[int, Proven], connections: int) -> list[_Part]:
    end = max(ledger, default=-1) + 1
    # PostgreSQL walks through a table with several processes itself.
    split = connections > 1 and end >= _SPLIT_FROM and not any(proven.by_record for proven in ledger.values())
    ranges = [(0, end // 2), (end // 2, end)] if split else [(0, end)]
    return [_Part(data_set, table, chunks) for table in data_set.mapping.tables for chunks in ranges]


def _found(
    connection: psycopg.Connection,
    part: _Part,
    ledger: Mapping[int, Proven],
    dangling: Collection[tuple[str, str]],
) -> dict[int, TableSum]:
    """Return what PostgreSQL holds of each chunk, hashed as the ledger has hashed it."""
    scope = part.data_set.scope
    by_record = {number for number, proven in ledger.items() if proven.by_record}
    found: dict[int, TableSum] = {}
    if len(by_record) < len(ledger) or not ledger:
        found = chunk_sums(connection, part.table, scope, dangling, chunks=part.chunks)
    if not by_record:
        return found
    kept = {number: total for number, total in found.items() if number not in by_record}
    must = {number: ledger[number].sums.get(part.table.name, TableSum()) for number in by_record}
    return kept | sums_of_text(connection, part.table, scope, must)


def _compare(
    result: TargetCheck, part: _Part, ledger: Mapping[int, Proven], found: Mapping[int, TableSum]
) -> None:
    name = part.table.name
    total = result.totals.get(name, TableSum())
    for chunk in range(*part.chunks):
        has = found.get(chunk, TableSum())
        proven = ledger.get(chunk)
        must = proven.sums.get(name, TableSum()) if proven is not None else TableSum()
        total += has
        if has != must:
            result.mismatches.append(Mismatch(part.data_set.name, name, chunk, must.rows, has.rows))
    result.totals[name] = total


def _tell(result: TargetCheck, parts: Sequence[_Part], ledgers: Mapping[str, Mapping[int, Proven]]) -> None:
    expected: dict[str, int] = {}
    for ledger in ledgers.values():
        for proven in ledger.values():
            for table, must in proven.sums.items():
                expected[table] = expected.get(table, 0) + must.rows
    tables = {part.table.name for part in parts}
    counts = {
        name: {"expected": expected.get(name, 0), "found": result.totals[name].rows}
        for name in sorted(tables)
    }
    result.mismatches.sort()
    result.checks["rows"] = {
        "ok": all(count["expected"] == count["found"] for count in counts.values()),
        "tables": counts,
    }
    result.checks["checksums"] = {
        "ok": not result.mismatches,
        "chunks": sum(len(ledger) for ledger in ledgers.values()),
        "mismatches": [
            {"data_set": item.data_set, "table": item.table, "chunk": item.chunk}
            for item in result.mismatches[:_NAMED]
        ],
    }


def _check_rules(result: TargetCheck, journal: Journal, plan: Plan) -> None:
    links: dict[str, int] = {}
    for data_set in plan.data_sets:
        mapping = data_set.mapping
        links |= broken_links(journal.connection, plan.org_id, links_of(mapping.tables))
        for name, outcome in broken_rules(journal.connection, plan.org_id, mapping).items():
            result.checks[f"{data_set.name}: {name}"] = outcome
    result.checks["orphans"] = {"ok": not any(links.values()), "links": links}
