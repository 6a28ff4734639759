"""Keeps one process at the current table: hears NOTIFY, looks each second, confirms, and knows when it may not be sure."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg
import structlog
from pydantic import ValidationError

from caravan.core.database import DatabaseAddress, Role
from caravan.core.errors import CaravanError
from caravan.migration.gateway.data_path import DataPath
from caravan.migration.gateway.decision import RouteTable
from caravan.migration.gateway.errors import TableUnreadableError
from caravan.migration.gateway.plan import RoutePlan, checksum
from caravan.migration.gateway.publishing import CHANNEL
from caravan.migration.gateway.table_copy import CopiedTable, TableCopy

__all__ = ["Following", "TableFollower"]

log = structlog.get_logger(__name__)

_LOOK_EVERY: Final = 1.0
_LOOK_EVERY_BUSY: Final = 0.02
_PAUSE: Final = 0.25
_PATIENCE: Final = 2.0

# Says what this process has applied and asks for the current version, in one round trip.
_BEAT: Final = """
WITH beat AS (
    INSERT INTO engine.gateway_processes
        (org_id, migration, name, version, epoch, armed, held, in_flight, lease_seconds, seen_at)
    VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7::jsonb, $8::jsonb, $9, clock_timestamp())
    ON CONFLICT (org_id, migration, name) DO UPDATE SET version = excluded.version, epoch = excluded.epoch,
        armed = excluded.armed, held = excluded.held, in_flight = excluded.in_flight,
        lease_seconds = excluded.lease_seconds, seen_at = excluded.seen_at
)
SELECT version, epoch FROM engine.route_pointers WHERE org_id = $1 AND migration = $2
"""
_TABLE: Final = """
SELECT t.version, t.epoch, t.checksum, t.document::text AS document
FROM engine.route_pointers p JOIN engine.route_tables t USING (org_id, migration, version)
WHERE p.org_id = $1 AND p.migration = $2
"""
_LEAVE: Final = "DELETE FROM engine.gateway_processes WHERE org_id = $1 AND migration = $2 AND name = $3"


@dataclass(frozen=True, slots=True)
class Following:
    """Whose table, as which process. ``org`` asks for the organisation's id, outside of any loop; it may fail like a connection."""

    address: DatabaseAddress
    migration: str
    name: str
    org: Callable[[], UUID]


class TableFollower:
    """Owns the data path's table and lease. The lease runs on the monotonic clock from before each answered look."""

    def __init__(self, following: Following, path: DataPath, copy: TableCopy) -> None:
        self._following = following
        self._path = path
        self._copy = copy
        self._org: UUID | None = None
        self._connection: asyncpg.Connection | None = None
        self._ring = asyncio.Event()
        self.trouble: str | None = "the route table's database has not been reached yet"
        path.lease_until = 0.0

    async def start(self) -> None:
        """Take the copy on disk, then wait a moment for the database; what is newer counts.

        Raises:
            TableUnreadableError: there is a copy, it cannot be read, and the database cannot be reached either.
        """
        unreadable: TableUnreadableError | None = None
        try:
            copied = await asyncio.to_thread(self._copy.load)
        except TableUnreadableError as error:
            copied, unreadable = None, error
        if copied is not None:
            self._org = copied.org
            self._path.swap(RouteTable(copied.plan, version=copied.version, epoch=copied.epoch))
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._look()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError, CaravanError) as error:
            if unreadable is not None:
                raise unreadable from None
            self._note_trouble(error)
            table = self._path.table
            log.warning("gateway.started_from_copy", version=table.version, epoch=table.epoch)

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                await self._rest()
                async with asyncio.timeout(_PATIENCE):
                    await self._look()
            except (
                OSError,
                asyncpg.PostgresError,
                asyncpg.InterfaceError,
                TimeoutError,
                CaravanError,
            ) as error:
                self._note_trouble(error)
                self._drop()
                await asyncio.sleep(_PAUSE)

    async def leave(self) -> None:
        """Take leave: a process that has ended need not be waited for."""
        try:
            async with asyncio.timeout(1):
                if self._connection is not None and self._org is not None:
                    following = self._following
                    await self._connection.execute(_LEAVE, self._org, following.migration, following.name)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
            log.warning("gateway.leave_not_taken", error=str(error))
        self._drop()

    async def _rest(self) -> None:
        """Wait until there is something to look at; while a hold waits for writes on their way, not for long."""
        table = self._path.table
        draining = any(self._path.writes_in_flight(unit) for unit in table.held)
        try:
            async with asyncio.timeout(_LOOK_EVERY_BUSY if draining else _LOOK_EVERY):
                await self._ring.wait()
        except TimeoutError:
            pass
        self._ring.clear()

    async def _look(self) -> None:
        connection, org = await self._connected()
        while True:
            asked = time.monotonic()
            current = await self._beat(connection, org)
            self._path.lease_until = asked + self._path.limits.lease_seconds
            table = self._path.table
            if current is None or current["version"] == table.version:
                break
            if (current["epoch"], current["version"]) < (table.epoch, table.version):
                self.trouble = (
                    f"the database has version {current['version']}, older than {table.version} applied here"
                )
                log.error("gateway.older_table_refused", version=current["version"], applied=table.version)
                return
            await self._apply(connection, org)
        if self.trouble is not None:
            log.info("gateway.following", version=self._path.table.version)
        self.trouble = None

    async def _beat(self, connection: asyncpg.Connection, org: UUID) -> Any:  # noqa: ANN401 - asyncpg has no types
        path, table, following = self._path, self._path.table, self._following
        in_flight = {name: count for name in table.armed if (count := path.writes_in_flight(name))}
        return await connection.fetchrow(
            _BEAT,
            org,
            following.migration,
            following.name,
            table.version,
            table.epoch,
            json.dumps(sorted(table.armed)),
            json.dumps(sorted(table.held)),
            json.dumps(in_flight),
            path.limits.lease_seconds,
        )

    async def _apply(self, connection: asyncpg.Connection, org: UUID) -> None:
        """Fetch the current table, keep it on disk, then route by it: in this order, so that a restart cannot fall behind."""
        row = await connection.fetchrow(_TABLE, org, self._following.migration)
        document = json.loads(row["document"])
        if checksum(document) != row["checksum"]:
            raise TableUnreadableError(
                f"Version {row['version']} in the database does not match its checksum."
            )
        try:
            plan = RoutePlan.model_validate(document)
        except ValidationError as error:
            raise TableUnreadableError(f"Version {row['version']} in the database: {error}.") from None
        table = RouteTable(plan, version=row["version"], epoch=row["epoch"])
        copied = CopiedTable(org, table.version, table.epoch, plan)
        await asyncio.to_thread(self._copy.save, copied)
        self._path.swap(table)
        log.info("gateway.table", version=table.version, epoch=table.epoch, held=sorted(table.held))

    async def _connected(self) -> tuple[asyncpg.Connection, UUID]:
        connection = self._connection
        if connection is None or connection.is_closed():
            settings = {
                "role": str(Role.SYSTEM),
                "application_name": "caravan gateway",
                "statement_timeout": "2000",
            }
            connection = await asyncpg.connect(
                self._following.address.url, server_settings=settings, timeout=_PATIENCE
            )
            self._connection = connection
            await connection.add_listener(CHANNEL, self._heard)
        if self._org is None:
            self._org = await asyncio.to_thread(self._following.org)
        return connection, self._org

    def _heard(self, *_notification: object) -> None:
        self._ring.set()

    def _note_trouble(self, error: BaseException) -> None:
        text = str(error) or type(error).__name__
        if self.trouble != text:
            log.warning("gateway.database_away", error=text, version=self._path.table.version)
        self.trouble = text

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
