"""Organisations, clients, projects and keys: codes are unique where they should be, tenants see their own."""

import asyncio
import re
from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from caravan.core.principal import ForbiddenError, NotFoundError, OrgRequiredError, Principal, PrincipalKind
from caravan.platform.identity import IdentityTenantDirectory
from caravan.platform.identity.api_keys import create_api_key, get_api_key, list_api_keys, revoke_api_key
from caravan.platform.identity.clients import create_client, get_client, list_clients, update_client
from caravan.platform.identity.errors import ApiKeyScopesError, CodeTakenError
from caravan.platform.identity.organisations import (
    create_organisation,
    get_organisation,
    list_organisations,
    update_organisation,
)
from caravan.platform.identity.projects import create_project, get_project, list_projects, update_project
from caravan.platform.identity.tenancy_tables import Client
from tests.integration.platform.identity.conftest import World

pytestmark = pytest.mark.asyncio


async def test_whoever_makes_an_organisation_owns_it(world: World) -> None:
    caller = await world.caller()
    code = f"new-{uuid4().hex[:8]}"
    async with world.identity.system.write() as session:
        made = await create_organisation(session, caller, code=code, name="New")
        with pytest.raises(CodeTakenError):
            await create_organisation(session, caller, code=code, name="Again")
    async with world.identity.system.read() as session:
        mine = await list_organisations(session, caller)
    assert {organisation.id for organisation in mine} == {made.id, caller.org}
    assert await world.audited(made.id) == ["identity.organisation_created"]


async def test_a_key_has_one_organisation(world: World) -> None:
    caller = await world.caller()
    key = replace(caller, kind=PrincipalKind.API_KEY, session=None)
    async with world.identity.system.read() as session:
        assert [organisation.id for organisation in await list_organisations(session, key)] == [caller.org]


async def test_an_organisation_is_renamed_by_its_own_alone(world: World) -> None:
    caller, stranger = await world.caller(), await world.caller()
    org = caller.require_org()
    async with world.database.write(org) as session:
        assert (await update_organisation(session, caller, org, name="Renamed")).name == "Renamed"
        assert (await get_organisation(session, caller, org)).name == "Renamed"
    async with world.database.write(stranger.org) as session:
        with pytest.raises(NotFoundError):
            await update_organisation(session, stranger, org, name="Mine")
        with pytest.raises(NotFoundError):
            await get_organisation(session, replace(stranger, org=org), org)


async def test_clients_have_codes_of_their_own_within_an_organisation(world: World) -> None:
    one, two = await world.caller(), await world.caller()
    for caller in (one, two):
        async with world.database.write(caller.org) as session:
            made = await create_client(session, caller, code="shop", name="Shop")
            assert made.created_at is not None
    async with world.database.write(one.org) as session:
        with pytest.raises(CodeTakenError):
            await create_client(session, one, code="shop", name="Again")
        random = await create_client(session, one, code=None, name="Random")
        assert re.fullmatch("[a-z2-9]{6}", random.code)
        renamed = await update_client(session, one, "shop", name="Renamed")
        assert (await get_client(session, one, str(renamed.id))).name == "Renamed"
    async with world.database.read(one.org) as session:
        listed = await list_clients(session, one, limit=10, cursor=None)
    assert [client.code for client in listed.items] == ["shop", random.code]


async def test_a_caller_bound_to_a_client_knows_no_other(world: World) -> None:
    caller = await world.caller()
    async with world.database.write(caller.org) as session:
        mine = await create_client(session, caller, code="mine", name="Mine")
        theirs = await create_client(session, caller, code="theirs", name="Theirs")
        await create_project(session, caller, code="T1", name="Theirs", client="theirs")
        await create_project(session, caller, code="W1", name="Whole", client=None)
        bound = replace(caller, client=mine.id)
        project = await create_project(session, bound, code="M1", name="Mine", client=None)
        assert project.client_id == mine.id
        with pytest.raises(NotFoundError):
            await create_project(session, bound, code="T2", name="No", client="theirs")
        with pytest.raises(ForbiddenError):
            await create_client(session, bound, code="other", name="No")
        for hidden in ("theirs", str(theirs.id)):
            with pytest.raises(NotFoundError):
                await get_client(session, bound, hidden)
        for hidden in ("T1", "W1"):
            with pytest.raises(NotFoundError):
                await get_project(session, bound, hidden)
        clients = await list_clients(session, bound, limit=10, cursor=None)
        projects = await list_projects(session, bound, client=None, limit=10, cursor=None)
        keys = await list_api_keys(session, bound, limit=10, cursor=None)
    assert [client.code for client in clients.items] == ["mine"]
    assert [found.code for found in projects.items] == ["M1"]
    assert keys.items == []


async def test_projects_belong_to_the_organisation_or_one_client(world: World) -> None:
    caller = await world.caller()
    async with world.database.write(caller.org) as session:
        client = await create_client(session, caller, code="shop", name="Shop")
        await create_project(session, caller, code="P1", name="One", client="shop")
        await create_project(session, caller, code="P2", name="Two", client=None)
        with pytest.raises(CodeTakenError):
            await create_project(session, caller, code="P1", name="Again", client=None)
        assert (await update_project(session, caller, "P1", name="Renamed")).client_id == client.id
        assert (await get_project(session, caller, "P1")).name == "Renamed"
        everything = await list_projects(session, caller, client=None, limit=10, cursor=None)
        one = await list_projects(session, caller, client="shop", limit=10, cursor=None)
    assert [project.code for project in everything.items] == ["P1", "P2"]
    assert [project.code for project in one.items] == ["P1"]


async def test_without_a_chosen_organisation_there_is_nothing_to_make(world: World) -> None:
    caller = replace(await world.caller(), org=None)
    async with world.database.write() as session:
        with pytest.raises(OrgRequiredError):
            await create_client(session, caller, code="shop", name="Shop")


@pytest.mark.parametrize(
    "table", ["organisations", "clients", "projects", "memberships", "api_keys", "invites"]
)
async def test_the_service_without_a_tenant_sees_nothing(world: World, table: str) -> None:
    caller = await world.caller()
    async with world.database.write(caller.org) as session:
        await create_client(session, caller, code="shop", name="Shop")
        await create_project(session, caller, code="P1", name="One", client="shop")
        await create_api_key(session, caller, name="till", scopes=["search"])
    async with world.database.read() as session:
        assert await session.scalar(text(f"SELECT count(*) FROM {table}")) == 0  # noqa: S608 - a fixed list
    async with world.database.read(caller.org) as session:
        others = (
            f"SELECT count(*) FROM {table} WHERE {'id' if table == 'organisations' else 'org_id'} <> :org"  # noqa: S608
        )
        assert await session.scalar(text(others), {"org": caller.org}) == 0


async def test_a_row_cannot_be_put_into_another_tenant(world: World) -> None:
    one, two = await world.caller(), await world.caller()
    with pytest.raises(Exception, match="row-level security"):
        async with world.database.write(one.org) as session:
            session.add(Client(org_id=two.require_org(), code="stolen", name="Stolen"))


async def test_a_key_has_scopes_its_maker_holds(world: World) -> None:
    caller = await world.caller("client-admin")
    async with world.database.write(caller.org) as session:
        key, text_of_key = await create_api_key(
            session, caller, name="till", scopes=["search", "search", "ingest"]
        )
        assert key.scopes == ["ingest", "search"]
        assert key.created_by == caller.id
        assert key.prefix in text_of_key
        for scopes in ([], ["admin"], ["fly"], ["manage_pricing"]):
            with pytest.raises(ApiKeyScopesError):
                await create_api_key(session, caller, name="more", scopes=scopes)
    stored = await world.value("SELECT secret_hash FROM api_keys WHERE id = :id", id=key.id)
    assert text_of_key.encode() not in bytes(stored)


async def test_a_key_made_by_a_key_has_no_person(world: World) -> None:
    caller = await world.caller()
    robot = Principal(PrincipalKind.API_KEY, uuid4(), caller.org, scopes=frozenset({"admin"}))
    async with world.database.write(caller.org) as session:
        await create_client(session, caller, code="shop", name="Shop")
        key, _ = await create_api_key(session, robot, name="till", scopes=["search"], client="shop")
        assert key.created_by is None
        assert key.client_id is not None


async def test_a_revoked_key_stays_on_the_list_and_others_do_not_see_it(world: World) -> None:
    caller, stranger = await world.caller(), await world.caller()
    async with world.database.write(caller.org) as session:
        key, _ = await create_api_key(session, caller, name="till", scopes=["search"])
    for _ in range(2):
        async with world.database.write(caller.org) as session:
            revoked = await revoke_api_key(session, caller, key.id, now=world.clock())
            assert revoked.revoked_at == world.clock()
    async with world.database.read(caller.org) as session:
        assert [item.id for item in (await list_api_keys(session, caller, limit=10, cursor=None)).items] == [
            key.id
        ]
    assert (await world.audited(caller.require_org())).count("identity.api_key_revoked") == 1
    async with world.database.write(stranger.org) as session:
        with pytest.raises(NotFoundError):
            await get_api_key(session, stranger, key.id)


async def test_tenants_are_made_once_however_many_ask(world: World) -> None:
    directory = IdentityTenantDirectory(world.identity.system)
    code = f"load-{uuid4().hex[:8]}"
    answers = await asyncio.gather(*(directory.ensure(code, "shop") for _ in range(5)))
    assert len(set(answers)) == 1
    assert await directory.ensure(code, None) == (answers[0][0], None)


async def test_a_broken_constraint_without_a_meaning_stays_what_it_is(world: World) -> None:
    caller = await world.caller()
    async with world.database.write(caller.org) as session:
        with pytest.raises(IntegrityError):
            await create_client(session, caller, code="not a code!", name="No")
        await create_client(session, caller, code="shop", name="Yes")
