"""One chunk, one transaction: keys, rows, references, quarantine, findings and the ledger row, or nothing."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol
from uuid import UUID

import psycopg

from caravan.core.secrets_box import Box
from caravan.migration.load.chunk_records import forget, write_findings, write_ledger, write_quarantine
from caravan.migration.load.chunks import Chunk
from caravan.migration.load.claims import claim, give_up_lost_keys
from caravan.migration.load.dry_notes import ChunkNotes
from caravan.migration.load.foreign_keys import may_skip_look_ups, without_look_ups
from caravan.migration.load.mapped_chunk import KEY_REPEATED, ChunkMapper, MappedChunk
from caravan.migration.load.planning import PlannedDataSet
from caravan.migration.load.readers import RecordFormat
from caravan.migration.load.references import find_missing, remember
from caravan.migration.load.row_versions import marks_of
from caravan.migration.load.rows import insert, upsert
from caravan.migration.load.staging import Staging
from caravan.migration.load.text_chunks import TextChunk
from caravan.migration.load.text_commit import TextStaging
from caravan.migration.load.text_plan import TextPlan

__all__ = [
    "REFUSABLE",
    "TARGET_REFUSED",
    "AsRecords",
    "ChunkGuard",
    "ChunkResult",
    "ChunkWriter",
    "FencedError",
    "Job",
    "MappedFinding",
    "MappedRefusal",
    "said",
]

REFUSABLE: Final = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.errors.ProgramLimitExceeded,
    TypeError,
    ValueError,
    OverflowError,
)
"""What PostgreSQL, or psycopg on the way there, says about one value or row."""

TARGET_REFUSED: Final = "target.refused"
_FENCE: Final = (
    "SELECT 1 FROM engine.load_runs WHERE org_id = %s AND id = %s AND status = 'running' FOR SHARE"
)


class ChunkGuard(Protocol):
    """Stands between a load and a flow of changes to the same rows. It goes to the workers by pickle."""

    def bring_home(
        self, connection: psycopg.Connection, data_set: PlannedDataSet, mapped: MappedChunk
    ) -> None:
        """Give records that were born on our side, and written back since, the ids they have here."""

    def admit(
        self,
        cursor: psycopg.Cursor[Any],
        data_set: PlannedDataSet,
        row_ids: Collection[bytes],
    ) -> list[UUID]:
        """Keep the flow waiting until this transaction ends, and note that the rows are as the snapshot has them.

        Returns those of which the flow knows something newer: they are left to it.
        """


class FencedError(Exception):
    """Another run has taken over; nothing of this one may be committed any more."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker must know to load chunks of one data set."""

    data_set: PlannedDataSet
    record_format: RecordFormat
    file: str
    run_id: UUID
    key_path: Path
    dry_run: bool
    referred: frozenset[str] = frozenset()
    """Tables that something refers to; a dry run notes their rows."""
    guard: ChunkGuard | None = None
    """Set where changes of the source are followed while it is loaded."""

    text: TextPlan | None = None
    """Set where the source is read as text."""

    followed: bool = False
    """Whether a flow of the migration reads the book of keys: then each record is mapped, and its key written at once."""


@dataclass(frozen=True, slots=True)
class MappedFinding:
    kind: str
    key: str
    field: str
    ordinal: int


@dataclass(frozen=True, slots=True)
class MappedRefusal:
    reason: str
    key: str | None
    field: str
    offset: int
    detail: str


@dataclass(frozen=True, slots=True)
class ChunkResult:
    """What became of a chunk; the last four are told by a dry run only."""

    number: int
    records: int
    loaded: int
    quarantined: int
    disturbed: bool = False
    """Another chunk of the data set must be loaded again."""
    findings: tuple[MappedFinding, ...] = ()
    refused: tuple[MappedRefusal, ...] = ()
    rows: tuple[tuple[str, int], ...] = ()
    notes: ChunkNotes | None = None


@dataclass(frozen=True, slots=True)
class AsRecords:
    """A chunk of text that did not go in as it is; it is asked for as records."""

    number: int


class ChunkWriter:
    """Loads the chunks of one data set over one connection."""

    def __init__(self, connection: psycopg.Connection, job: Job) -> None:
        self._connection = connection
        self._job = job
        self._tables = job.data_set.mapping.tables
        self._mapper = ChunkMapper(job.data_set, job.record_format)
        self._box = Box(job.key_path)
        self._skips_look_ups = may_skip_look_ups(connection)
        self._staging = Staging(connection, self._tables)
        self._staging.create()
        with connection.transaction(), connection.cursor() as cursor:
            self._marks = [marks_of(cursor, table) for table in self._tables]
        self._text = None if job.text is None else TextStaging(connection, job.data_set, job.text)

    def load(
        self, chunk: Chunk | TextChunk, *, reload: bool, wait_for_turn: Callable[[], None]
    ) -> ChunkResult | AsRecords:
        """Map, stage, wait for the turn in source order, and commit.

        Raises:
            FencedError: another run of this migration has begun.
            psycopg.OperationalError: the database is lost, full, or stopping; nothing of the chunk remains.
        """
        if isinstance(chunk, TextChunk):
            done = None if reload else self._load_text(chunk, wait_for_turn)
            return AsRecords(chunk.number) if done is None else done
        mapped = self._mapper.map(chunk)
        if self._job.guard is not None:
            self._job.guard.bring_home(self._connection, self._job.data_set, mapped)
        try:
            self._staging.copy(mapped.loadable)
            wait_for_turn()
            return self._merge(mapped, reload=reload)
        except REFUSABLE:
            self._connection.rollback()
            wait_for_turn()
        return self._load_what_is_accepted(mapped)

    def _load_text(self, chunk: TextChunk, wait_for_turn: Callable[[], None]) -> ChunkResult | None:
        if self._text is None:
            return None
        try:
            total = self._text.stage(chunk)
            if total is not None:
                wait_for_turn()
                with self._connection.cursor() as cursor:
                    self._hold_fence(cursor)
                    with without_look_ups(cursor, allowed=self._skips_look_ups):
                        self._text.insert(cursor)
                    self._text.write_down(cursor, chunk, total)
                self._connection.commit()
                return ChunkResult(chunk.number, chunk.rows, chunk.rows, 0)
        except REFUSABLE:
            pass  # which row it is, and why, is found out record by record
        self._connection.rollback()
        return None

    def _load_what_is_accepted(self, mapped: MappedChunk) -> ChunkResult:
        """Try once more over what may be there already; then without the records that the tables refuse."""
        try:
            self._staging.copy(mapped.loadable)
            return self._merge(mapped, reload=True)
        except REFUSABLE:
            self._connection.rollback()
        self._refuse_singly(mapped)
        self._staging.copy(mapped.loadable)
        return self._merge(mapped, reload=True)

    def _merge(self, mapped: MappedChunk, *, reload: bool) -> ChunkResult:
        data_set = self._job.data_set
        scope = {**data_set.scope, "chunk": mapped.chunk.number}
        disturbed = False
        with self._connection.cursor() as cursor:
            self._hold_fence(cursor)
            self._leave_to_the_flow(cursor, mapped)
            claims = claim(cursor, scope, len(mapped.loadable))
            if claims.repeated:
                self._staging.remove([UUID(bytes=row_id) for row_id in claims.repeated])
                mapped.refuse(KEY_REPEATED, claims.repeated)
            if reload or claims.taken:
                forget(cursor, scope, claims.taken)
                disturbed = give_up_lost_keys(cursor, scope, claims)
            loaded = self._write_rows(cursor, mapped, fresh=claims.fresh, plain=not (reload or claims.taken))
            write_quarantine(cursor, scope, mapped, self._job.file, self._box)
            write_findings(cursor, scope, mapped)
            write_ledger(cursor, scope, mapped, data_set.mapping.version)
        self._connection.commit()
        return ChunkResult(
            mapped.chunk.number,
            len(mapped.chunk.records),
            loaded,
            len(mapped.refused),
            disturbed or bool(claims.displaced),
        )

    def _write_rows(
        self, cursor: psycopg.Cursor[Any], mapped: MappedChunk, *, fresh: set[UUID], plain: bool
    ) -> int:
        missing = find_missing(cursor, self._job.data_set.org_id, self._tables)
        if plain:
            with without_look_ups(cursor, allowed=self._skips_look_ups):
                insert(cursor, self._tables, missing)
            loaded = len(mapped.loadable)
        else:
            # Its joins are of hundreds with thousands; the index look-ups of the other statements would be slow here.
            cursor.execute("SET LOCAL enable_hashjoin = on")
            org_id = self._job.data_set.org_id
            loaded = len(fresh | upsert(cursor, org_id, self._tables, missing, self._marks))
        if missing:
            remember(cursor, self._job.data_set, self._mapper, mapped, missing)
        return loaded

    def _leave_to_the_flow(self, cursor: psycopg.Cursor[Any], mapped: MappedChunk) -> None:
        guard = self._job.guard
        if guard is None:
            return
        newer = guard.admit(cursor, self._job.data_set, mapped.row_ids)
        if newer:
            self._staging.remove(newer)
            mapped.leave_out({row_id.bytes for row_id in newer})

    def _hold_fence(self, cursor: psycopg.Cursor[Any]) -> None:
        cursor.execute(_FENCE, (self._job.data_set.org_id, self._job.run_id))
        if cursor.fetchone() is None:
            raise FencedError("another run of this migration has begun")

    def _refuse_singly(self, mapped: MappedChunk) -> None:
        """Find the records that the target tables refuse, one by one, and leave nothing of the search behind."""
        refused: dict[bytes, str] = {}
        org_id = self._job.data_set.org_id
        with self._connection.transaction(force_rollback=True), self._connection.cursor() as cursor:
            if self._job.guard is not None:
                self._job.guard.admit(
                    cursor, self._job.data_set, ()
                )  # else each may wait for rows of the other
            for item in mapped.loadable:
                try:
                    with self._connection.transaction():
                        self._staging.copy([item])
                        missing = find_missing(cursor, org_id, self._tables)
                        upsert(cursor, org_id, self._tables, missing, self._marks)
                        self._staging.clear()
                except REFUSABLE as problem:
                    refused[item.mapped.id] = said(problem)
        mapped.refuse(TARGET_REFUSED, refused)


def said(error: Exception) -> str:
    """Return what the database says about a row it refuses."""
    if isinstance(error, psycopg.Error) and error.diag.message_primary:
        return error.diag.message_primary
    return f"{type(error).__name__}: {error}"
