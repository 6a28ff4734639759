"""What people do about themselves: sessions, password, reset; and the operator's hand."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from caravan.core.clock import utc_now
from caravan.core.database import Database, DatabaseAddress, Role
from caravan.core.outbox import Event
from caravan.core.outbox.surroundings import worker_settings
from caravan.core.principal import ANONYMOUS, ForbiddenError, NotFoundError
from caravan.core.settings import Settings
from caravan.platform.identity import (
    Identity,
    IdentityTenantDirectory,
    add_user,
    create_first_admin,
    reset_password_by_operator,
)
from caravan.platform.identity.change_password import change_password
from caravan.platform.identity.errors import (
    InvalidCredentialsError,
    PasswordTooWeakError,
    RefreshInvalidError,
    ResetTokenInvalidError,
    SigningKeyMissingError,
    TokenInvalidError,
)
from caravan.platform.identity.families import Visitor
from caravan.platform.identity.log_in import LoginRequest, log_in
from caravan.platform.identity.password_reset import (
    request_password_reset,
    reset_password,
    send_password_reset,
)
from caravan.platform.identity.refresh import refresh
from caravan.platform.identity.sessions import end_all_sessions, end_session, list_sessions
from caravan.platform.identity.tasks import mail_password_reset, sweep
from caravan.platform.identity.tenancy_tables import Organisation
from tests.integration.platform.identity.conftest import PASSWORD, World, quick_passwords

pytestmark = pytest.mark.asyncio

NEW = "another long password"


class Outgoing:
    """A notifier that keeps what it is given."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    async def send(self, **message: object) -> None:
        self.sent.append(message)

    @property
    def token(self) -> str:
        return str(self.sent[-1]["variables"]["url"]).partition("?token=")[2]


async def mailed(world: World, **payload: str | None) -> Outgoing:
    outgoing = Outgoing()
    async with world.identity.system.write() as session:
        await send_password_reset(
            session,
            payload,
            notifier=outgoing,
            idempotency_key="k",
            page="http://caravan.test/reset",
            lifetime=timedelta(hours=1),
            clock=world.clock,
        )
    return outgoing


async def test_sessions_are_listed_with_where_they_come_from(world: World) -> None:
    person = await world.person()
    first = await log_in(
        world.identity, LoginRequest(person.email, PASSWORD, visitor=Visitor("x" * 999, "192.0.2.1"))
    )
    world.clock.move(minutes=1)
    second = await world.log_in(person)
    caller = await world.principal(second)
    async with world.identity.system.read() as session:
        rows = await list_sessions(session, caller, now=world.clock())
    assert [row.id for row in rows] == [second.session, first.session]
    assert rows[1].user_agent == "x" * 400
    async with world.identity.system.read() as session:
        assert await list_sessions(session, caller, now=world.clock() + timedelta(days=31)) == []


async def test_one_session_is_ended_by_its_user_alone(world: World) -> None:
    person = await world.person()
    first, second = await world.log_in(person), await world.log_in(person)
    stranger = await world.caller()
    async with world.identity.system.write() as session:
        with pytest.raises(NotFoundError):
            await end_session(session, stranger, first.session, now=world.clock())
    caller = await world.principal(second)
    async with world.identity.system.write() as session:
        await end_session(session, caller, first.session, now=world.clock())
        with pytest.raises(NotFoundError):
            await end_session(session, caller, first.session, now=world.clock())
    with pytest.raises(TokenInvalidError):
        await world.principal(first)


@pytest.mark.parametrize(("keep", "left"), [(True, 1), (False, 0)])
async def test_all_sessions_are_ended_at_once(world: World, *, keep: bool, left: int) -> None:
    person = await world.person()
    issued = [await world.log_in(person) for _ in range(3)]
    caller = await world.principal(issued[0])
    async with world.identity.system.write() as session:
        assert await end_all_sessions(session, caller, keep_current=keep, now=world.clock()) == 3 - left
    alive = "SELECT count(*) FROM refresh_families WHERE user_id = :id AND revoked_at IS NULL"
    assert await world.value(alive, id=person.id) == left


async def test_a_changed_password_ends_the_other_sessions(world: World) -> None:
    person = await world.person()
    first, second = await world.log_in(person), await world.log_in(person)
    caller = await world.principal(second)
    async with world.identity.system.write() as session:
        await change_password(session, world.identity, caller, current=PASSWORD, new=NEW)
    with pytest.raises(RefreshInvalidError):
        await refresh(world.identity, first.refresh_token)
    await refresh(world.identity, second.refresh_token)
    with pytest.raises(InvalidCredentialsError):
        await world.log_in(person)
    issued = await log_in(world.identity, LoginRequest(person.email, NEW))
    assert not issued.user.must_change_password


async def test_a_password_is_changed_with_the_current_one_to_a_different_one(world: World) -> None:
    caller = await world.caller()
    for current, new, error in (
        ("a wrong password", NEW, InvalidCredentialsError),
        (PASSWORD, "short", PasswordTooWeakError),
        (PASSWORD, PASSWORD, PasswordTooWeakError),
    ):
        async with world.identity.system.write() as session:
            with pytest.raises(error):
                await change_password(session, world.identity, caller, current=current, new=new)
    async with world.identity.system.write() as session:
        with pytest.raises(ForbiddenError):
            await change_password(session, world.identity, ANONYMOUS, current=PASSWORD, new=NEW)


async def test_asking_for_a_reset_does_the_same_for_everybody(world: World) -> None:
    person = await world.person()
    written = []
    for name in (person.email.upper(), "nobody@example.com"):
        async with world.identity.system.write() as session:
            await request_password_reset(session, ANONYMOUS, identifier=name)
            row = "SELECT payload FROM outbox ORDER BY seq DESC LIMIT 1"
            written.append(await session.scalar(text(row)))
    assert written == [
        {"identifier": person.email, "client_code": None},
        {"identifier": "nobody@example.com", "client_code": None},
    ]


async def test_a_mailed_link_sets_a_password_once_and_ends_everything_before(world: World) -> None:
    person = await world.person()
    issued = await world.log_in(person)
    outgoing = await mailed(world, identifier=person.email)
    assert outgoing.sent[0]["to"] == person.email
    assert outgoing.sent[0]["variables"]["minutes"] == 60
    with pytest.raises(PasswordTooWeakError):
        await reset_password(world.identity, token=outgoing.token, password=person.email)
    await reset_password(world.identity, token=outgoing.token, password=NEW)
    with pytest.raises(RefreshInvalidError):
        await refresh(world.identity, issued.refresh_token)
    await log_in(world.identity, LoginRequest(person.email, NEW))
    with pytest.raises(ResetTokenInvalidError):
        await reset_password(world.identity, token=outgoing.token, password=NEW)
    assert "identity.password_reset" in await world.audited(person.org)


async def test_a_reset_ends_a_lock_out(world: World) -> None:
    person = await world.person()
    for _ in range(5):
        with pytest.raises(InvalidCredentialsError):
            await log_in(world.identity, LoginRequest(person.email, "a wrong password"))
    token = (await mailed(world, identifier=person.email)).token
    await reset_password(world.identity, token=token, password=NEW)
    await log_in(world.identity, LoginRequest(person.email, NEW))


async def test_a_link_ends_with_its_time_and_with_the_next_link(world: World) -> None:
    person = await world.person()
    first = (await mailed(world, identifier=person.email)).token
    second = (await mailed(world, identifier=person.email)).token
    with pytest.raises(ResetTokenInvalidError):
        await reset_password(world.identity, token=first, password=NEW)
    world.clock.move(hours=1)
    with pytest.raises(ResetTokenInvalidError):
        await reset_password(world.identity, token=second, password=NEW)


async def test_of_parallel_uses_of_one_link_one_counts(world: World) -> None:
    token = (await mailed(world, identifier=(await world.person()).email)).token
    outcomes = await asyncio.gather(
        *(reset_password(world.identity, token=token, password=f"{NEW} {n}") for n in range(4)),
        return_exceptions=True,
    )
    assert outcomes.count(None) == 1
    assert sum(isinstance(outcome, ResetTokenInvalidError) for outcome in outcomes) == 3


async def test_nothing_is_mailed_to_who_may_not_log_in(world: World) -> None:
    disabled, person = await world.person(), await world.person()
    await world.change("UPDATE users SET disabled_at = now() WHERE id = :id", id=disabled.id)
    for payload in (
        {"identifier": "nobody@example.com"},
        {"identifier": disabled.email},
        {"identifier": person.email, "client_code": "nowhere"},
    ):
        assert (await mailed(world, **payload)).sent == []


def event_of(name: str, payload: Mapping[str, Any]) -> Event:
    return Event(uuid4(), name, payload, None, None, None, "anonymous", None, None, None, utc_now())


async def test_the_worker_mails_in_the_readers_language(world: World, settings: Settings) -> None:
    person = await world.person()
    await world.change("UPDATE users SET locale = 'fr' WHERE id = :id", id=person.id)
    chosen = worker_settings.set(settings)
    try:
        async with world.identity.system.write() as session:
            event = event_of("identity.password_reset_requested", {"identifier": person.email})
            await mail_password_reset(session, event)
    finally:
        worker_settings.reset(chosen)
    body = "SELECT body FROM kept_messages WHERE recipient = :to AND locale = 'fr'"
    assert "/console/password-reset?token=" in str(await world.value(body, to=person.email))


async def test_what_ended_long_ago_is_swept(world: World) -> None:
    person = await world.person()
    kept, revoked, expired = [(await world.log_in(person)).session for _ in range(3)]
    await world.change(
        "UPDATE refresh_families SET revoked_at = now() - interval '31 days' WHERE id = :id", id=revoked
    )
    await world.change(
        "UPDATE refresh_families SET expires_at = now() - interval '31 days' WHERE id = :id", id=expired
    )
    async with world.identity.system.write() as session:
        await sweep(session, event_of("identity.sweep_due", {}))
    async with world.identity.system.read() as session:
        left = await session.scalars(
            text("SELECT id FROM refresh_families WHERE user_id = :id"), {"id": person.id}
        )
        assert list(left) == [kept]


async def test_an_operator_gives_a_new_password(world: World) -> None:
    person = await world.person()
    issued = await world.log_in(person)
    given = await reset_password_by_operator(world.identity, person.email)
    with pytest.raises(RefreshInvalidError):
        await refresh(world.identity, issued.refresh_token)
    entered = await log_in(world.identity, LoginRequest(person.email, given.password))
    assert entered.user.must_change_password
    with pytest.raises(NotFoundError):
        await reset_password_by_operator(world.identity, "nobody@example.com")


async def test_an_operator_adds_people_to_organisations_that_exist(world: World) -> None:
    _, code, _ = await world.organisation()
    email = f"{uuid4().hex}@example.com"
    added = await add_user(
        world.identity, org=code, email=email, role="org-staff", username=f"u{uuid4().hex[:8]}"
    )
    await log_in(world.identity, LoginRequest(email, added.password))
    with pytest.raises(NotFoundError):
        await add_user(world.identity, org="nowhere", email=email, role="org-staff")


async def test_the_first_administrator_is_made_once(
    own_database: DatabaseAddress, settings: Settings
) -> None:
    system = Database(own_database, role=Role.SYSTEM)
    try:
        identity = Identity.open(settings, system, passwords=quick_passwords(), failure_floor=0)
        made = await asyncio.gather(*(create_first_admin(identity) for _ in range(3)))
        [admin] = [found for found in made if found is not None]
        issued = await log_in(identity, LoginRequest(admin.email, admin.password))
        assert issued.member is not None
        assert issued.member.scopes == {"admin"}
        assert await create_first_admin(identity, org="other") is None
        added = await add_user(identity, org=None, email="second@example.com", role="org-staff")
        assert added.org == admin.org
        async with system.write() as session:
            session.add(Organisation(code="another", name="Another"))
        with pytest.raises(NotFoundError, match="there are: another, caravan"):
            await add_user(identity, org=None, email="third@example.com", role="org-staff")
    finally:
        await system.close()


async def test_the_first_administrator_joins_an_organisation_that_a_load_made(
    own_database: DatabaseAddress, settings: Settings
) -> None:
    system = Database(own_database, role=Role.SYSTEM)
    try:
        identity = Identity.open(settings, system, passwords=quick_passwords())
        org, _ = await IdentityTenantDirectory(system).ensure("sample", None)
        made = await create_first_admin(identity, org="sample", email="a@example.com", password=PASSWORD)
        assert made is not None
        assert (made.org, made.password) == (org, PASSWORD)
    finally:
        await system.close()


async def test_in_production_missing_keys_stop_the_start(world: World, settings: Settings) -> None:
    production = settings.model_copy(update={"environment": "production", "home": settings.home / "none"})
    with pytest.raises(SigningKeyMissingError):
        Identity.open(production, world.identity.system)


async def test_without_its_secret_the_portal_is_not_believed(world: World, settings: Settings) -> None:
    closed = settings.model_copy(update={"portal_token_secret": None})
    assert Identity.open(closed, world.identity.system).portal is None
