"""Sessions: one transaction per request, reads and writes of different types, the tenant set at its start."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from caravan.core.database.connection import DatabaseAddress, Role
from caravan.core.database.dry_run import DryRun, current_dry_run, note_failure

__all__ = ["AnySession", "Database", "ReadSession", "WriteSession"]

_SET_TENANT = text("SELECT set_config('caravan.org', :org, true)")
_SET_WRITER = text(
    "SELECT set_config('caravan.org', :org, true), set_config('caravan.request', :request, true)"
)
_READ_ONLY = text("SET TRANSACTION READ ONLY")


class ReadSession(AsyncSession):
    """Cannot write: PostgreSQL refuses it, and mypy sees it earlier."""


class WriteSession(AsyncSession):
    """One transaction, committed at the edge; application code never commits."""


class _HeldSession(WriteSession):
    async def commit(self) -> None:
        raise RuntimeError("a dry run is never committed")


AnySession: TypeAlias = ReadSession | WriteSession


class Database:
    """The connections of one process to the database, all in one role.

    Two pools: SQLAlchemy's for behaviour, and one of bare asyncpg for read models, whose answers are bytes.
    """

    def __init__(
        self,
        address: DatabaseAddress,
        *,
        role: Role = Role.APP,
        pool: int = 5,
        read_pool: int = 4,
        statement_timeout: float = 30,
        lock_timeout: float = 5,
        application: str = "caravan",
    ) -> None:
        self.address = address
        self.role = role
        self._read_size = read_pool
        self._server_settings = {
            "role": str(role),
            "TimeZone": "UTC",
            "application_name": application,
            "statement_timeout": str(int(statement_timeout * 1000)),
            "lock_timeout": str(int(lock_timeout * 1000)),
            "idle_in_transaction_session_timeout": "60000",
            "jit": "off",
        }
        self.engine: AsyncEngine = create_async_engine(
            address.sqlalchemy(),
            pool_size=pool,
            max_overflow=0,
            pool_pre_ping=True,
            connect_args={"server_settings": self._server_settings},
            json_serializer=_dump_json,
        )
        event.listen(self.engine.sync_engine, "handle_error", note_failure)
        self._reads: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()

    @asynccontextmanager
    async def write(self, org: UUID | None = None) -> AsyncIterator[WriteSession]:
        """Open one transaction for this tenant; commits at the end of the block, rolls back on any exception.

        In a dry run it is rolled back in any case.
        """
        if (run := current_dry_run()) is not None:
            async with self._held(run, org) as held:
                yield held
            return
        async with WriteSession(self.engine, expire_on_commit=False) as session, session.begin():
            if org is not None:
                await session.execute(_SET_WRITER, {"org": str(org), "request": _request_in_hand()})
            yield session

    @asynccontextmanager
    async def _held(self, run: DryRun, org: UUID | None) -> AsyncIterator[WriteSession]:
        async with _HeldSession(self.engine, expire_on_commit=False) as session, run.hold(session):
            if org is not None:
                await session.execute(_SET_TENANT, {"org": str(org)})
            yield session

    @asynccontextmanager
    async def read(self, org: UUID | None = None) -> AsyncIterator[ReadSession]:
        """Open one read-only transaction for this tenant."""
        if (run := current_dry_run()) is not None:
            run.read()
        async with ReadSession(self.engine, expire_on_commit=False) as session, session.begin():
            await session.execute(_READ_ONLY)
            if org is not None:
                await session.execute(_SET_TENANT, {"org": str(org)})
            yield session

    async def reads(self) -> asyncpg.Pool:
        """Return the pool of read models, made at first use on the running loop."""
        async with self._opening:  # two at once would open two pools, and lose one
            if self._reads is None:
                self._reads = await asyncpg.create_pool(
                    self.address.url,
                    min_size=1,
                    max_size=self._read_size,
                    server_settings=self._server_settings,
                    command_timeout=60,
                    # `reset` costs a round trip, and a read model leaves nothing behind: it sets the tenant locally.
                    reset=_no_reset,
                )
        return self._reads

    async def fetch_value(self, statement: str, *arguments: Any) -> Any:  # noqa: ANN401 - one column of any type
        """Run one statement in one round trip and return its first column; the statement sets its own tenant."""
        pool = self._reads or await self.reads()
        if (run := current_dry_run()) is not None:
            run.read()
            async with pool.acquire() as connection, connection.transaction(readonly=True):
                return await connection.fetchval(statement, *arguments)
        return await pool.fetchval(statement, *arguments)

    async def connect(self, *, statement_timeout: float) -> asyncpg.Connection:
        """Open a connection outside the pools, for what takes long; the caller closes it."""
        settings = self._server_settings | {"statement_timeout": str(int(statement_timeout * 1000))}
        return await asyncpg.connect(self.address.url, server_settings=settings)

    async def close(self) -> None:
        """Close both pools."""
        await self.engine.dispose()
        if self._reads is not None:
            await self._reads.close()
            self._reads = None


def _request_in_hand() -> str:
    """Return id, method and path of the request in hand, for triggers that note who writes what; '' outside of one."""
    # Looked up, not imported: a worker has no requests, and would pay for a web framework.
    web = sys.modules.get("caravan.core.http.context")
    request = web.current_request() if web else None
    if request is None:
        return ""
    path = request.path.encode("utf-8", "replace").decode().replace("\0", "")  # text that PostgreSQL takes
    return f"{request.request_id} {request.method} {path}"


async def _no_reset(_connection: asyncpg.Connection) -> None:
    return


def _dump_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
