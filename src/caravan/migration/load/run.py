"""``caravan load``: plan, read, load, finish, verify, report."""

import time
from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

import psycopg

from caravan.core.errors import CaravanError
from caravan.core.ids import uuid7
from caravan.core.secrets_box import Box
from caravan.migration.load.analysis import analyze
from caravan.migration.load.chunk_commit import ChunkGuard, ChunkResult, Job
from caravan.migration.load.data_set_pass import DataSetPass, Outcome
from caravan.migration.load.dry_book import DryBook, open_book, referred_tables
from caravan.migration.load.errors import LoadStoppedError
from caravan.migration.load.finishing import finish, trim
from caravan.migration.load.journal import Journal, open_journal
from caravan.migration.load.mapping_check import check_mappings, mapping_notes
from caravan.migration.load.packed_keys import unpack, unpack_others
from caravan.migration.load.planning import Plan, PlannedDataSet, plan
from caravan.migration.load.pool import Pool, open_pool
from caravan.migration.load.progress import NoProgress, Progress
from caravan.migration.load.readers import Reader, SourceDamaged, without_password
from caravan.migration.load.report import LoadReport, Stop
from caravan.migration.load.reporting import fill_from_dry_run, fill_from_tables
from caravan.migration.load.request import LoadRequest
from caravan.migration.load.source_health import Health, measure_of
from caravan.migration.load.sources import closing_sources, file_of, open_sources, snapshot_notes
from caravan.migration.load.stop import StopSwitch
from caravan.migration.load.target_check import check_target
from caravan.migration.load.text_plan import TextPlan, text_plan

__all__ = ["run_load"]

_FLOWS: Final = "SELECT 1 FROM engine.flows WHERE org_id = %(org)s AND migration = %(migration)s LIMIT 1"


def run_load(request: LoadRequest, progress: Progress | None = None) -> LoadReport:
    """Load what is not loaded yet and verify the whole.

    A load that cannot go on ends with a report whose ``stopped`` says why (exit code 4); all it committed is whole.

    Raises:
        ConfigError, PlanError, MappingNotFoundError, MappingUnfitError, SourceUnreadable, SourceCollectionMissing: wrong use.
        LoadRunningError: the migration is being loaded by another process.
    """
    progress = progress or NoProgress()
    tenant = request.tenants(request.config.migration.org, request.config.migration.client)
    planned = plan(request.config, tenant, request.source_override)
    readers = open_sources(planned, processes=request.reading_processes)
    with closing_sources(readers.values()), StopSwitch() as stop:
        check_mappings(planned, readers, request.database)
        for note in (*mapping_notes(planned, readers), *snapshot_notes(planned, readers)):
            progress.note(note)
        if request.dry_run:
            return _Run(request, planned, readers, None, progress, stop).dry()
        with open_journal(request.database, planned.org_id, planned.migration) as journal:
            return _Run(request, planned, readers, journal, progress, stop).load()


class _Run:
    def __init__(
        self,
        request: LoadRequest,
        planned: Plan,
        readers: dict[str, Reader],
        journal: Journal | None,
        progress: Progress,
        stop: StopSwitch,
    ) -> None:
        self._request = request
        self._plan = planned
        self._readers = readers
        self._journal = journal
        self._progress = progress
        self._stop = stop
        self._outcomes: dict[str, Outcome] = {}
        self._guards: Mapping[str, ChunkGuard] = {}
        self._followed = False
        self._take: Callable[[str, ChunkResult], ChunkResult] | None = None
        self._report = LoadReport(planned.migration, dry_run=request.dry_run)
        self._started = time.monotonic()

    def dry(self) -> LoadReport:
        try:
            with open_book(self._request.database, self._plan) as book:
                self._read_all(book)
                fill_from_dry_run(
                    self._report, self._request.config, self._plan, self._readers, self._outcomes, book
                )
        except psycopg.OperationalError as error:
            self._stopped(LoadStoppedError(f"the database said: {str(error).strip()}"))
        self._report.seconds = time.monotonic() - self._started
        return self._report

    def _read_all(self, book: DryBook) -> None:
        """Map everything for what it would bring; a stop leaves what was read so far."""
        run_id = uuid7()
        self._take = book.take
        try:
            with open_pool(None, self._request.workers, self._stop) as pool:
                for name in self._readers:
                    self._pass(name, pool, self._job(name, run_id))
        except LoadStoppedError as error:
            self._stopped(error)

    def load(self) -> LoadReport:
        journal = self._held()
        Box(self._request.key_path)
        if self._request.beside is not None:
            self._guards = self._request.beside(self._plan, self._readers)
        run_id = journal.begin()
        self._open_books(journal)
        try:
            self._load_all(journal, run_id)
        except LoadStoppedError as error:
            self._stopped(error)
        except psycopg.OperationalError as error:
            self._stopped(LoadStoppedError(f"the database said: {str(error).strip()}"))
        self._tell(journal)
        return self._report

    def _open_books(self, journal: Journal) -> None:
        """Write packed keys out where somebody will look into the book: a flow, or data sets whose ids may be those of others."""
        names = [data_set.name for data_set in self._plan.data_sets]
        flows = journal.connection.execute(_FLOWS, journal.scope).fetchone()
        self._followed = bool(self._guards) or flows is not None
        unpack_others(journal.connection, self._plan.org_id, self._plan.migration, names)
        for name in names:
            data_set = next(item for item in self._plan.data_sets if item.name == name)
            if self._followed or self._text_plan(data_set, self._readers[name]) is None:
                unpack(journal.connection, self._plan.org_id, self._plan.migration, name)

    def _load_all(self, journal: Journal, run_id: UUID) -> None:
        with open_pool(self._request.database, self._request.workers, self._stop) as pool:
            for name in self._readers:
                self._pass(name, pool, self._job(name, run_id))
        self._stop.check()
        filled = finish(journal, self._plan)
        if filled:
            self._progress.note(f"{filled} references filled")
        self._stop.check()
        self._progress.note("verifying")
        checked = check_target(self._request.database, journal, self._plan, max(1, self._request.workers))
        self._report.checks, self._report.checksums = checked.checks, checked.checksums

    def _tell(self, journal: Journal) -> None:
        """Fill the report from the tables and store it; a database that is gone leaves the figures of this process."""
        try:
            fill_from_tables(self._report, self._request.config, journal, self._plan, self._outcomes)
            self._report.seconds = time.monotonic() - self._started
            journal.end(self._report.status, self._report.as_json())
        except psycopg.OperationalError:
            self._report.seconds = time.monotonic() - self._started

    def _pass(self, name: str, pool: Pool, job: Job) -> None:
        data_set = job.data_set
        step = DataSetPass(
            data_set,
            self._readers[name],
            job,
            journal=self._journal,
            limit=self._request.limit,
            progress=self._progress,
            analyze=lambda: self._analyze(job),
            take=self._take,
        )
        if (health := self._health_of(data_set)) is not None:
            step.watch(health)
        try:
            step.run(pool)
        finally:
            outcome = self._outcomes[name] = step.outcome()
        if outcome.damage is not None:
            self._damaged(outcome.damage)
        if step.complete and self._journal is not None:
            trim(self._journal, data_set, outcome.chunks)

    def _health_of(self, data_set: PlannedDataSet) -> Health | None:
        if not data_set.pause_above or data_set.url is None:
            return None
        measure = measure_of(data_set.url)
        return Health(
            without_password(data_set.url),
            data_set.pause_above,
            measure,
            pause=self._stop.pause,
            note=self._progress.note,
        )

    def _job(self, name: str, run_id: UUID) -> Job:
        data_set = next(item for item in self._plan.data_sets if item.name == name)
        reader = self._readers[name]
        return Job(
            data_set,
            reader.format,
            file_of(reader, data_set),
            run_id,
            self._request.key_path,
            self._request.dry_run,
            referred_tables(self._plan) if self._request.dry_run else frozenset(),
            self._guards.get(name),
            self._text_plan(data_set, reader),
            self._followed,
        )

    def _text_plan(self, data_set: PlannedDataSet, reader: Reader) -> TextPlan | None:
        """A dry run says what the mapping finds in each record."""
        if self._request.dry_run or not self._request.as_text:
            return None
        return text_plan(self._plan, data_set, reader)

    def _analyze(self, job: Job) -> None:
        if not job.dry_run:
            tables = [table.name for table in job.data_set.mapping.tables]
            analyze(self._request.database, [*tables, "engine.legacy_keys"])

    def _held(self) -> Journal:
        if self._journal is None:
            raise RuntimeError("a load needs its journal")
        return self._journal

    def _stopped(self, error: CaravanError) -> None:
        self._report.stopped.append(Stop(error.code, error.message, error.fix))

    def _damaged(self, damage: SourceDamaged) -> None:
        self._stopped(damage)
        self._progress.note(damage.message)
