"""Two tables verified: opened, compared chunk by chunk with notes in our database, looked at again while they are written to."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from caravan.core.database.connection import DatabaseAddress
from caravan.migration.config import MigrationConfig
from caravan.migration.verify.errors import SideLostError
from caravan.migration.verify.pairs.comparing import Pairing, compare, pair
from caravan.migration.verify.pairs.differences import Found, explained
from caravan.migration.verify.pairs.settling import Patience, settled
from caravan.migration.verify.pairs.tables import Key, Prepared
from caravan.migration.verify.pairs.walk import Tally, Tuning
from caravan.migration.verify.report import SubjectReport
from caravan.migration.verify.runs import Run, begun_run
from caravan.migration.verify.sides import TARGET, Side, opened

__all__ = ["TablesRequest", "verify_keys", "verify_tables"]

_CONNECTIONS: Final = 2
"""To a store whose snapshot several connections can share."""


@dataclass(frozen=True, slots=True)
class TablesRequest:
    """``patience`` where either side is written to meanwhile. ``afresh`` forgets what an earlier run has judged."""

    config: MigrationConfig
    database: DatabaseAddress
    org_id: UUID
    left: Side
    right: Side
    key: Sequence[str] = ()
    columns: Sequence[str] = ()
    patience: Patience | None = None
    afresh: bool = False
    connections: int = _CONNECTIONS
    tuning: Tuning = field(default_factory=Tuning)
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    @property
    def subject(self) -> str:
        return f"{self.left} = {self.right}"

    @property
    def zone(self) -> str:
        """The zone of moments that are compared as instants: that of the left side's source, or the right's."""
        sides = [side.source for side in (self.left, self.right) if side.source != TARGET]
        return self.config.sources[sides[0]].timezone if sides else "UTC"


def verify_keys(request: TablesRequest, keys: Sequence[Key]) -> SubjectReport:
    """Compare the rows with these keys alone, such as those that changed since the tables were compared.

    Raises:
        NotComparableError, SourceUnreadable, SideLostError: as ``verify_tables``.
    """
    began = time.monotonic()
    with _both(request) as pairing:
        tally = Tally(len(keys), len(keys))
        tally.take(Found(list(explained(pairing.agreement, pairing.left, pairing.right, keys))))
        report = _report(request, pairing, tally)
        if request.patience is not None and tally.differences:
            _settle(request, pairing, report, request.patience)
    report.seconds = time.monotonic() - began
    return report


def verify_tables(request: TablesRequest, progress: Callable[[int], None] | None = None) -> SubjectReport:
    """Compare two tables; a run that was cut short is gone on with.

    Raises:
        NotComparableError, SourceUnreadable: the sides are not there, or do not go together.
        VerifyRunningError: another process verifies the same two.
        SideLostError: a side cannot be read on. What is judged is kept for the next run.
    """
    began = time.monotonic()
    with _both(request) as pairing:
        named = (request.config.migration.name, request.subject, f"{pairing.plan}; {request.tuning}")
        with begun_run(request.database, request.org_id, *named, afresh=request.afresh) as run:
            tally = compare(pairing, run, request.tuning, progress=progress)
            report = _report(request, pairing, tally)
            if request.patience is not None and tally.differences:
                _settle(request, pairing, report, request.patience)
            report.seconds = time.monotonic() - began
            _end(run, report)
    return report


@contextmanager
def _both(request: TablesRequest) -> Iterator[Pairing]:
    with ExitStack() as stack:
        tables = []
        for side in (request.left, request.right):
            table = opened(request.config, request.database, side, connections=request.connections)
            stack.callback(table.close)
            tables.append(table)
        yield pair(*tables, key=request.key, columns=request.columns, zone=request.zone)


def _settle(request: TablesRequest, pairing: Pairing, report: SubjectReport, patience: Patience) -> None:
    @contextmanager
    def again() -> Iterator[tuple[Prepared, Prepared]]:
        with _both(request) as fresh:
            if fresh.plan != pairing.plan:
                raise SideLostError(f"{request.subject}: a side has changed its columns meanwhile")
            yield fresh.left, fresh.right

    keys = [one.key for one in report.differences]
    outcome = settled(pairing.agreement, keys, again, patience, clock=request.clock, sleep=request.sleep)
    report.generations += outcome.generations
    report.not_judged = len(outcome.not_judged) + sum(report.counts.values()) - len(report.differences)
    told = Tally()
    told.take(Found(outcome.differences))
    report.counts, report.differences = told.counts, told.differences


def _report(request: TablesRequest, pairing: Pairing, tally: Tally) -> SubjectReport:
    return SubjectReport(
        request.subject,
        key=pairing.agreement.key,
        ways=dict(pairing.ways),
        unread=pairing.agreement.unread,
        left_rows=tally.left_rows,
        right_rows=tally.right_rows,
        chunks=tally.chunks,
        hashed=tally.hashed,
        listed=tally.listed,
        resumed=tally.resumed,
        counts=tally.counts,
        differences=tally.differences,
        positions=pairing.positions,
    )


def _end(run: Run, report: SubjectReport) -> None:
    run.end(report.verdict, report.kept())
