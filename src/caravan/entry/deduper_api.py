"""The deduper's worker alone: its old addresses, health for orchestrators, nothing else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.types import ASGIApp

from caravan.core.database import Database, Role
from caravan.core.http.application import build_application, with_edge
from caravan.core.http.credentials import Credentials
from caravan.core.http.edge import EdgeParts
from caravan.core.http.state import AppState
from caravan.core.limits import Limiter
from caravan.core.principal import UnauthenticatedError
from caravan.core.protocols import Authenticated, TenancyRequest
from caravan.core.settings import Settings
from caravan.core.telemetry.logs import AccessLog
from caravan.entry.addresses import Addresses
from caravan.entry.dry_runs import dry_runs
from caravan.entry.readiness import database_checks
from caravan.entry.serving import serve
from caravan.entry.wiring import refuse_unsafe_role
from caravan.legacy import deduper
from caravan.platform.identity import IdentityTenantDirectory

__all__ = ["create_app", "main"]


class _NoAccounts:
    """Knows nobody: no address here asks for a log-in."""

    async def authenticate(self, _credential: str, _tenancy: TenancyRequest) -> Authenticated:
        raise UnauthenticatedError("This service has no accounts.")


def create_app(settings: Settings, addresses: Addresses) -> tuple[FastAPI, ASGIApp]:
    """Make the application and, around it, what a server runs."""
    database = Database(
        addresses.database,
        role=Role.APP,
        application="caravan deduper",
        statement_timeout=settings.statement_timeout,
        lock_timeout=settings.lock_timeout,
        pool=settings.database_pool,
        read_pool=settings.read_pool,
    )
    system = Database(
        addresses.database, role=Role.SYSTEM, application="caravan deduper", pool=1, read_pool=1
    )
    nobody = _NoAccounts()
    state = AppState(settings, database, system, nobody)
    state.readiness.update(database_checks(database))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await refuse_unsafe_role(database)
        await deduper.install(state, IdentityTenantDirectory(system))
        yield
        await database.close()
        await system.close()

    app = build_application(
        state, deduper.routers(), error_shapes=deduper.error_shapes(alone=True), lifespan=lifespan
    )
    if not settings.cors_origins:  # whose headers are a layer's
        deduper.answer_polled_first(app)
    parts = EdgeParts(settings, Credentials(nobody), Limiter(None), AccessLog(), dry_runs(settings, database))
    return app, with_edge(app, parts)


def main() -> None:
    """Serve until SIGTERM; `caravan api --only deduper` starts this module as a process."""
    serve(lambda settings, addresses: create_app(settings, addresses)[1], name="caravan-deduper", redis=False)


if __name__ == "__main__":
    main()
