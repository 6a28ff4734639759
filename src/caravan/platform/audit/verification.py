"""Checking the audit: contents, chains, checkpoints, cut tails."""

import itertools
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text

from caravan.core.database import Database, ReadSession
from caravan.platform.audit.checkpoints import Checkpoint, CheckpointFile
from caravan.platform.audit.content import FIRST_PREVIOUS, Content, chain_hash
from caravan.platform.audit.keys import AuditKey

__all__ = ["AuditFinding", "AuditReport", "verify_audit"]

_FETCH: Final = 1000
_MOST_FINDINGS: Final = 1000

_SEALS = text(
    "SELECT s.org_id, s.seq, s.entry_id, s.previous_hash, s.chain_hash, e.id, e.created_at, e.principal, e.action,"
    " e.entity, e.entity_id, e.before, e.after, e.request_id, e.content_hash"
    " FROM audit_seals s LEFT JOIN audit_entries e ON e.org_id = s.org_id AND e.id = s.entry_id"
    " WHERE CAST(:org AS uuid) IS NULL OR s.org_id = :org ORDER BY s.org_id, s.seq"
)
_UNSEALED = text(
    "SELECT e.org_id, e.id, e.created_at, e.principal, e.action, e.entity, e.entity_id, e.before, e.after,"
    " e.request_id, e.content_hash FROM audit_entries e"
    " WHERE (CAST(:org AS uuid) IS NULL OR e.org_id = :org)"
    " AND NOT EXISTS (SELECT FROM audit_seals s WHERE s.org_id = e.org_id AND s.entry_id = e.id)"
)
_CHECKPOINTS = text(
    "SELECT org_id, seq, chain_hash, made_at, key_id, signature FROM audit_checkpoints"
    " WHERE CAST(:org AS uuid) IS NULL OR org_id = :org"
)


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """One thing that is not as it was sealed.

    ``kind``: content_changed, entry_missing, link_broken, seal_missing, tail_cut, checkpoint_forged,
    checkpoint_differs, checkpoint_missing.
    """

    kind: str
    org: UUID
    seq: int | None
    entry: UUID | None
    detail: str


@dataclass(slots=True)
class AuditReport:
    """``ok`` when nothing was found; ``unsealed`` entries are the newest, or the sealer does not run."""

    organisations: int = 0
    sealed: int = 0
    unsealed: int = 0
    checkpoints: int = 0
    findings: list[AuditFinding] = field(default_factory=list)
    more_findings: int = 0

    @property
    def ok(self) -> bool:
        return not self.findings

    def found(self, finding: AuditFinding) -> None:
        """Keep a finding; past a thousand they are only counted."""
        if len(self.findings) < _MOST_FINDINGS:
            self.findings.append(finding)
        else:
            self.more_findings += 1


async def verify_audit(
    database: Database,
    key: AuditKey,
    file: CheckpointFile,
    *,
    org: UUID | None = None,
    report: AuditReport | None = None,
) -> AuditReport:
    """Check one organisation's audit, or all; ``database`` is in the system's role. ``report`` is filled, if given.

    Memory holds the checkpoints and one page of rows. The file is read first, so that what is sealed meanwhile
    is not missed from it; everything in the database is read in one snapshot.

    Raises:
        CheckpointFileError: when the file is damaged.
    """
    signed = [each for each in file.read() if org in {None, each.org}]
    report = report if report is not None else AuditReport()
    async with database.read() as session:
        await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        rows = (await session.execute(_CHECKPOINTS, {"org": org})).all()
        tabled = [Checkpoint(*row) for row in rows]
        expected = _by_place(report, key, signed, tabled)
        ends = await _check_chains(session, org, report, expected)
        await _check_unsealed(session, org, report)
    report.checkpoints = len(expected)
    _check_tails(report, expected, ends)
    return report


_Place = tuple[UUID, int]


def _by_place(
    report: AuditReport, key: AuditKey, signed: Sequence[Checkpoint], tabled: Sequence[Checkpoint]
) -> dict[_Place, bytes]:
    """Return the hash that each checkpoint promises; the file's word goes before the table's."""
    expected: dict[_Place, bytes] = {}
    for checkpoint in (*signed, *tabled):
        place = (checkpoint.org, checkpoint.seq)
        if not checkpoint.is_genuine(key):
            _tell(
                report,
                "checkpoint_forged",
                place,
                f"not signed by the key {key.id}, nor by one it has replaced",
            )
        elif expected.setdefault(place, checkpoint.chain_hash) != checkpoint.chain_hash:
            _tell(report, "checkpoint_differs", place, "two signed checkpoints of one place differ")
    in_table = {(each.org, each.seq) for each in tabled}
    for each in signed:
        if (each.org, each.seq) not in in_table:
            _tell(report, "checkpoint_missing", (each.org, each.seq), "in the file, and not in the table")
    return expected


async def _check_chains(
    session: ReadSession, org: UUID | None, report: AuditReport, expected: dict[_Place, bytes]
) -> dict[UUID, int]:
    ends: dict[UUID, int] = {}
    previous = FIRST_PREVIOUS
    async for row in _stream(session, org):
        if row.org_id not in ends:
            ends[row.org_id], previous = 0, FIRST_PREVIOUS
        _check_link(report, row, ends[row.org_id], previous)
        promised = expected.get((row.org_id, row.seq))
        if promised is not None and promised != row.chain_hash:
            _tell(
                report,
                "checkpoint_differs",
                (row.org_id, row.seq),
                "the chain is not the one that was signed",
            )
        ends[row.org_id], previous = row.seq, row.chain_hash
        report.sealed += 1
    report.organisations = len(ends)
    return ends


def _check_link(report: AuditReport, row: Row[Any], end: int, previous: bytes) -> None:
    place = (row.org_id, row.seq)
    if row.seq != end + 1:
        _tell(report, "seal_missing", place, f"seals {end + 1} to {row.seq - 1} are gone")
    elif row.previous_hash != previous:
        _tell(report, "link_broken", place, "does not follow the seal before it", row.entry_id)
    if row.id is None:
        _tell(report, "entry_missing", place, "the sealed entry is gone", row.entry_id)
        return
    if row.chain_hash != chain_hash(row.previous_hash, row.org_id, row.seq, row.entry_id, row.content_hash):
        _tell(report, "link_broken", place, "the seal is not the hash of its entry", row.entry_id)
    _check_content(report, row, place)


def _check_content(report: AuditReport, row: Row[Any], place: tuple[UUID, int | None]) -> None:
    content = Content(
        org=row.org_id,
        id=row.id,
        created_at=row.created_at,
        principal=row.principal,
        action=row.action,
        entity=row.entity,
        entity_id=row.entity_id,
        before=row.before,
        after=row.after,
        request_id=row.request_id,
    )
    if content.digest() != row.content_hash:
        _tell(report, "content_changed", place, "the entry is not what its hash says", row.id)


async def _check_unsealed(session: ReadSession, org: UUID | None, report: AuditReport) -> None:
    result = await session.stream(_UNSEALED, {"org": org}, execution_options={"yield_per": _FETCH})
    async for row in result:
        report.unsealed += 1
        _check_content(report, row, (row.org_id, None))


def _check_tails(report: AuditReport, expected: dict[_Place, bytes], ends: dict[UUID, int]) -> None:
    for org, places in itertools.groupby(sorted(expected), key=lambda place: place[0]):
        furthest = max(seq for _, seq in places)
        if furthest > ends.get(org, 0):
            detail = f"signed up to {furthest}, and the chain ends at {ends.get(org, 0)}"
            _tell(report, "tail_cut", (org, furthest), detail)


async def _stream(session: ReadSession, org: UUID | None) -> AsyncIterator[Row[Any]]:
    result = await session.stream(_SEALS, {"org": org}, execution_options={"yield_per": _FETCH})
    async for row in result:
        yield row


def _tell(
    report: AuditReport, kind: str, place: tuple[UUID, int | None], detail: str, entry: UUID | None = None
) -> None:
    report.found(AuditFinding(kind, place[0], place[1], entry, detail))
