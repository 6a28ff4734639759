"""The console of one migration without the platform: ``python -m caravan.entry.console FILE [NAME DIGEST]``.

Who may come in stands in ``[operators]`` of the file; NAME and DIGEST are of one more, for a run whose file has none.
"""

import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from starlette.types import ASGIApp

from caravan import admin
from caravan.core.database import Database, Role
from caravan.core.http.application import build_application, with_edge
from caravan.core.http.edge import EdgeParts
from caravan.core.http.state import AppState
from caravan.core.limits import Limiter
from caravan.core.settings import Settings
from caravan.core.telemetry.logs import AccessLog
from caravan.entry.addresses import Addresses
from caravan.entry.serving import serve
from caravan.entry.tenants import ensured_tenants
from caravan.entry.wiring import refuse_unsafe_role
from caravan.migration import console
from caravan.migration.config import MigrationConfig, Operator, read_config
from caravan.migration.units import Scope

__all__ = ["create_console", "main"]


def create_console(
    settings: Settings, addresses: Addresses, config: MigrationConfig, more: Mapping[str, Operator]
) -> tuple[FastAPI, ASGIApp]:
    """Make the application and, around it, what a server runs. Called outside of any event loop."""
    org, _ = ensured_tenants(addresses.database, config.migration.org, config.migration.client)
    scope = Scope(org, config.migration.name)
    database = Database(addresses.database, role=Role.APP, application="caravan console", pool=2, read_pool=1)
    system = Database(
        addresses.database, role=Role.SYSTEM, application="caravan console", pool=3, read_pool=2
    )
    sessions = console.OperatorSessions(system, scope, console.Operators(config, more))
    state = AppState(settings, database, system, sessions)
    state.services[console.OPERATOR_SESSIONS] = sessions
    state.services[console.ONLY_MIGRATION] = scope.migration
    state.services[console.MIGRATION_FILES] = {(scope.org_id, scope.migration): config}
    admin.install_frame(state, [admin.page_set(), console.page_set()])

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await refuse_unsafe_role(database)
        yield
        await database.close()
        await system.close()

    routers = [*admin.frame_routers(), *console.operator_routers()]
    app = build_application(state, routers, error_shapes=admin.error_shapes(), lifespan=lifespan)
    credentials = console.OperatorCredentials(sessions)
    return app, with_edge(app, EdgeParts(settings, credentials, Limiter(None), AccessLog()))


def main() -> None:
    """Serve until SIGTERM; `caravan run` starts this module as a process."""
    file, *one_more = sys.argv[1:]
    more = {one_more[0]: Operator(token=one_more[1], may=("view", "accept", "switch"))} if one_more else {}

    def build(settings: Settings, addresses: Addresses) -> ASGIApp:
        return create_console(settings, addresses, read_config(Path(file)), more)[1]

    serve(build, name="caravan-console", redis=False)


if __name__ == "__main__":
    main()
