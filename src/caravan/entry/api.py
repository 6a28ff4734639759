"""The API's process: every feature's routers under the edge, on its own SO_REUSEPORT socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from redis.asyncio import Redis
from starlette.types import ASGIApp

from caravan.core.database import Database, Role
from caravan.core.http.application import build_application, with_edge
from caravan.core.http.credentials import Credentials
from caravan.core.http.edge import EdgeParts
from caravan.core.http.state import AppState
from caravan.core.limits import Limiter
from caravan.core.settings import Settings
from caravan.core.telemetry.logs import AccessLog
from caravan.entry.addresses import Addresses
from caravan.entry.dry_runs import dry_runs
from caravan.entry.features import console, error_shapes, routers, start_bridges
from caravan.entry.migration_files import give_migration_files
from caravan.entry.readiness import readiness_checks
from caravan.entry.serving import serve
from caravan.entry.wiring import authentication, refuse_unsafe_role, watch_revoked

__all__ = ["create_app", "main"]


def create_app(settings: Settings, addresses: Addresses) -> tuple[FastAPI, ASGIApp]:
    """Make the application and, around it, what a server runs. Both are needed: tests look at the former."""
    pools = {"pool": settings.database_pool, "read_pool": settings.read_pool}
    database = Database(
        addresses.database,
        role=Role.APP,
        application="caravan api",
        statement_timeout=settings.statement_timeout,
        lock_timeout=settings.lock_timeout,
        **pools,
    )
    system = Database(addresses.database, role=Role.SYSTEM, application="caravan api", pool=4, read_pool=1)
    redis = Redis.from_url(addresses.redis_url, socket_timeout=0.5) if addresses.redis_url else None
    authenticator, audit, services = authentication(settings, system)
    state = AppState(settings, database, system, authenticator, audit)
    state.services.update(services)
    limiter = Limiter(redis)
    credentials = Credentials(authenticator)
    state.readiness.update(readiness_checks(database, system, limiter, redis))
    console(state)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await refuse_unsafe_role(database)
        await start_bridges(state)
        await give_migration_files(state)
        async with watch_revoked(system, credentials):
            yield
        if redis is not None:
            await redis.aclose()
        await database.close()
        await system.close()

    app = build_application(state, routers(settings), error_shapes=error_shapes(settings), lifespan=lifespan)
    parts = EdgeParts(settings, credentials, limiter, AccessLog(), dry_runs(settings, database))
    return app, with_edge(app, parts)


def main() -> None:
    """Serve until SIGTERM; `caravan api` and `caravan up` start this module as a process."""
    serve(lambda settings, addresses: create_app(settings, addresses)[1], name="caravan-api", redis=True)


if __name__ == "__main__":
    main()
