"""An organisation with people in it, on a real database; time is moved by hand and hashing is quick."""

import io
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import httpx2
import pytest
import pytest_asyncio
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import text

from caravan.core.clock import utc_now
from caravan.core.database import Database, DatabaseAddress, Role
from caravan.core.http.application import build_application, with_edge
from caravan.core.http.credentials import Credentials
from caravan.core.http.edge import EdgeParts
from caravan.core.http.state import AppState
from caravan.core.limits import Limiter
from caravan.core.principal import Principal
from caravan.core.protocols import TenancyRequest
from caravan.core.settings import Settings
from caravan.core.telemetry.logs import AccessLog
from caravan.platform.identity import (
    Identity,
    IdentityAuthenticator,
    IdentityTenantDirectory,
    Passwords,
    add_user,
)
from caravan.platform.identity.families import Issued
from caravan.platform.identity.log_in import LoginRequest, log_in
from caravan.platform.identity.routes import routers

PASSWORD = "correct horse battery"


class Hands:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.now = utc_now()

    def __call__(self) -> datetime:
        return self.now

    def move(self, **step: float) -> None:
        self.now += timedelta(**step)


@dataclass
class Person:
    id: UUID
    org: UUID
    org_code: str
    email: str


@dataclass
class World:
    """Shorthands of the tests: people, their log-ins, and what the database says."""

    identity: Identity
    database: Database
    clock: Hands
    authenticator: IdentityAuthenticator

    async def organisation(self, client: str | None = None) -> tuple[UUID, str, UUID | None]:
        code = f"org-{secrets.token_hex(5)}"
        org, client_id = await IdentityTenantDirectory(self.identity.system).ensure(code, client)
        return org, code, client_id

    async def person(
        self, role: str = "org-owner", org: str | None = None, *, must_change: bool = False
    ) -> Person:
        code = org or (await self.organisation())[1]
        email = f"{secrets.token_hex(6)}@example.com"
        added = await add_user(self.identity, org=code, email=email, role=role, password=PASSWORD)
        await self.change(
            "UPDATE users SET must_change_password = :must WHERE id = :id", must=must_change, id=added.id
        )
        return Person(added.id, added.org, code, email)

    async def log_in(self, person: Person, **changes: str) -> Issued:
        return await log_in(self.identity, LoginRequest(person.email, PASSWORD, **changes))

    async def principal(self, issued: Issued) -> Principal:
        return (await self.authenticator.authenticate(issued.access_token, TenancyRequest())).principal

    async def caller(self, role: str = "org-owner", org: str | None = None) -> Principal:
        return await self.principal(await self.log_in(await self.person(role, org)))

    async def value(self, statement: str, **parameters: object) -> object:
        async with self.identity.system.read() as session:
            return await session.scalar(text(statement), parameters)

    async def change(self, statement: str, **parameters: object) -> None:
        async with self.identity.system.write() as session:
            await session.execute(text(statement), parameters)

    async def audited(self, org: UUID) -> list[str]:
        async with self.identity.system.read() as session:
            found = await session.scalars(
                text("SELECT action FROM audit_entries WHERE org_id = :org ORDER BY id"), {"org": org}
            )
            return list(found)


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def system(module_database: DatabaseAddress) -> AsyncIterator[Database]:
    database = Database(module_database, role=Role.SYSTEM, pool=6)
    yield database
    await database.close()


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def database(module_database: DatabaseAddress) -> AsyncIterator[Database]:
    database = Database(module_database, role=Role.APP)
    yield database
    await database.close()


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(
        environment="test",
        home=tmp_path_factory.mktemp("home"),
        trusted_hosts=("caravan.test",),
        rate_limits=False,
        portal_token_secret="portal secret",
    )


def quick_passwords() -> Passwords:
    return Passwords(Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def world(system: Database, database: Database, settings: Settings) -> World:
    clock = Hands()
    identity = Identity.open(settings, system, passwords=quick_passwords(), clock=clock, failure_floor=0)
    return World(identity, database, clock, IdentityAuthenticator(identity))


@dataclass
class Api:
    """The application over HTTP, with the real authenticator."""

    client: httpx2.AsyncClient
    world: World
    credentials: Credentials

    async def bearer(self, person: Person, **changes: str) -> dict[str, str]:
        issued = await self.world.log_in(person, **changes)
        return {"Authorization": f"Bearer {issued.access_token}"}


@pytest_asyncio.fixture(loop_scope="session")
async def api(system: Database, database: Database, settings: Settings, world: World) -> AsyncIterator[Api]:
    state = AppState(settings, database, system, world.authenticator)
    state.services["identity"] = world.identity
    app = build_application(state, routers(), error_shapes={})
    credentials = Credentials(world.authenticator)
    sink = io.TextIOWrapper(io.BytesIO())  # kept: the log writes into its buffer
    served = with_edge(app, EdgeParts(settings, credentials, Limiter(None), AccessLog(sink)))
    transport = httpx2.ASGITransport(app=served)
    async with httpx2.AsyncClient(transport=transport, base_url="http://caravan.test") as client:
        yield Api(client, world, credentials)
