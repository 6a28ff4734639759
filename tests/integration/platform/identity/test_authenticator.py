"""Who is behind a credential, and where it holds."""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from caravan.core.errors import CaravanError
from caravan.core.principal import NotFoundError, Principal, PrincipalKind
from caravan.core.protocols import TenancyRequest
from caravan.platform.identity import Identity, IdentityAuthenticator, IdentityTenantDirectory
from caravan.platform.identity.api_keys import create_api_key, revoke_api_key
from caravan.platform.identity.authenticator import REVIEW_AFTER
from caravan.platform.identity.errors import (
    ApiKeyInvalidError,
    TokenExpiredError,
    TokenInvalidError,
    TokenMalformedError,
)
from caravan.platform.identity.projects import create_project
from tests.integration.platform.identity.conftest import Person, World

pytestmark = pytest.mark.asyncio


async def seen(world: World, credential: str, **tenancy: str) -> Principal:
    return (await world.authenticator.authenticate(credential, TenancyRequest(**tenancy))).principal


async def several(world: World) -> tuple[Person, str]:
    """A person in two organisations, with a token that chose none."""
    person = await world.person()
    other, _, _ = await world.organisation()
    await world.change(
        "INSERT INTO memberships (org_id, id, user_id, role) VALUES (:org, gen_random_uuid(), :user, 'user')",
        org=other,
        user=person.id,
    )
    return person, (await world.log_in(person)).access_token


async def test_an_access_token_is_its_user_with_what_the_membership_allows_now(world: World) -> None:
    person = await world.person("client-admin")
    issued = await world.log_in(person)
    await world.change("UPDATE memberships SET role = 'client-user' WHERE user_id = :id", id=person.id)
    caller = await seen(world, issued.access_token)
    assert (caller.kind, caller.id, caller.org) == (PrincipalKind.USER, person.id, person.org)
    assert caller.scopes == {"ingest", "search"}
    assert caller.session == issued.session


async def test_a_check_is_made_again_after_a_minute_or_when_the_token_ends(world: World) -> None:
    token = (await world.log_in(await world.person())).access_token
    checked = await world.authenticator.authenticate(token, TenancyRequest())
    assert checked.valid_until == world.clock() + REVIEW_AFTER
    world.clock.move(minutes=14, seconds=30)
    checked = await world.authenticator.authenticate(token, TenancyRequest())
    assert checked.valid_until < world.clock() + REVIEW_AFTER
    world.clock.move(seconds=45)
    with pytest.raises(TokenExpiredError):
        await world.authenticator.authenticate(token, TenancyRequest())


@pytest.mark.parametrize(
    "change",
    ["UPDATE users SET disabled_at = now() WHERE id = :id", "DELETE FROM memberships WHERE user_id = :id"],
)
async def test_a_token_ends_with_its_user_and_membership(world: World, change: str) -> None:
    person = await world.person()
    token = (await world.log_in(person)).access_token
    await world.change(change, id=person.id)
    with pytest.raises(TokenInvalidError):
        await seen(world, token)


async def test_a_token_without_organisation_holds_where_the_request_says(world: World) -> None:
    person, token = await several(world)
    assert (await seen(world, token)).org is None
    for name in (person.org_code, str(person.org)):
        caller = await seen(world, token, org=name)
        assert (caller.org, caller.scopes) == (person.org, {"admin"})


@pytest.mark.parametrize("name", ["no-such-org", "\0", "x" * 300, "{odd}"])
async def test_organisations_that_do_not_exist_are_not_found(world: World, name: str) -> None:
    _, token = await several(world)
    with pytest.raises(NotFoundError):
        await seen(world, token, org=name)


async def test_somebody_elses_organisation_is_told_like_one_that_does_not_exist(world: World) -> None:
    _, token = await several(world)
    stranger = await world.person()
    bound = (await world.log_in(await world.person())).access_token
    messages = set()
    for credential, org in ((token, stranger.org_code), (token, "no-such-org"), (bound, stranger.org_code)):
        with pytest.raises(NotFoundError) as caught:
            await seen(world, credential, org=org)
        messages.add(caught.value.message)
    assert len(messages) == 1


async def test_the_client_and_project_of_the_request_narrow_the_call(world: World) -> None:
    person = await world.person()
    token = (await world.log_in(person)).access_token
    _, client = await IdentityTenantDirectory(world.identity.system).ensure(person.org_code, "shop-1")
    await IdentityTenantDirectory(world.identity.system).ensure(person.org_code, "shop-2")
    admin = await seen(world, token)
    async with world.database.write(person.org) as session:
        project = (await create_project(session, admin, code="P1", name="One", client="shop-1")).id
    caller = await seen(world, token, org=person.org_code, client="shop-1", project="P1")
    assert (caller.client, caller.project) == (client, project)
    for tenancy in ({"client": "shop-9"}, {"client": "shop-2", "project": "P1"}, {"project": "P9"}):
        with pytest.raises(NotFoundError):
            await seen(world, token, **tenancy)


async def test_a_member_of_one_client_stays_there(world: World) -> None:
    _, code, client = await world.organisation("mine")
    await IdentityTenantDirectory(world.identity.system).ensure(code, "theirs")
    person = await world.person("client-admin", code)
    await world.change(
        "UPDATE memberships SET client_id = :client WHERE user_id = :id", client=client, id=person.id
    )
    token = (await world.log_in(person)).access_token
    assert (await seen(world, token)).client == client
    assert (await seen(world, token, client="mine")).client == client
    with pytest.raises(NotFoundError):
        await seen(world, token, client="theirs")


async def key_of(world: World, person: Person, *scopes: str, **more: object) -> tuple[Principal, str]:
    caller = await world.principal(await world.log_in(person))
    async with world.database.write(person.org) as session:
        key, text = await create_api_key(session, caller, name="till", scopes=scopes, **more)
    return replace(caller, id=key.id), text


async def test_an_api_key_is_its_organisation_with_its_own_scopes(world: World) -> None:
    person = await world.person()
    key, text = await key_of(world, person, "search")
    caller = await seen(world, text)
    assert (caller.kind, caller.id, caller.name) == (PrincipalKind.API_KEY, key.id, "till")
    assert (caller.org, caller.scopes, caller.session) == (person.org, {"search"}, None)
    used = "SELECT last_used_at FROM api_keys WHERE id = :id"
    assert await world.value(used, id=key.id) == world.clock()
    first = world.clock()
    world.clock.move(seconds=10)
    await seen(world, text)
    assert await world.value(used, id=key.id) == first, "not written on every request"
    world.clock.move(seconds=30)
    await seen(world, text)
    assert await world.value(used, id=key.id) == world.clock()


async def test_an_api_key_ends_when_it_expires_or_is_revoked(world: World) -> None:
    person = await world.person()
    _, short = await key_of(world, person, "search", expires_at=world.clock() + timedelta(seconds=30))
    checked = await world.authenticator.authenticate(short, TenancyRequest())
    assert checked.valid_until == world.clock() + timedelta(seconds=30)
    key, revoked = await key_of(world, person, "search")
    async with world.database.write(person.org) as session:
        await revoke_api_key(session, replace(key, id=person.id), key.id, now=world.clock())
    world.clock.move(seconds=30)
    for text in (short, revoked):
        with pytest.raises(ApiKeyInvalidError):
            await seen(world, text)


async def test_a_key_with_another_secret_is_no_key(world: World) -> None:
    _, text = await key_of(world, await world.person(), "search")
    wrong = text[:-43] + "x" * 43
    unknown = "crv_abcdefghjk_" + "x" * 43
    for credential in (wrong, unknown):
        with pytest.raises(ApiKeyInvalidError):
            await seen(world, credential)
    with pytest.raises(TokenMalformedError):
        await seen(world, text[:-1])


async def test_an_api_key_does_not_leave_its_organisation(world: World) -> None:
    _, text = await key_of(world, await world.person(), "search")
    with pytest.raises(NotFoundError):
        await seen(world, text, org=(await world.person()).org_code)


def portal_token(world: World, **claims: object) -> str:
    payload = {"userId": "u-1", "iat": int(world.clock().timestamp()), "roles": [], "perms": ["view_usage"]}
    first = base64.urlsafe_b64encode(json.dumps(payload | claims).encode()).rstrip(b"=")
    signature = hmac.new(b"portal secret", first, hashlib.sha256).digest()
    return f"{first.decode()}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


async def test_a_portal_token_holds_in_the_organisation_it_names(world: World) -> None:
    org, code, client = await world.organisation("shop-1")
    await world.change("UPDATE organisations SET external_id = 'portal-17' WHERE id = :id", id=org)
    for claims in ({"orgUUID": str(org)}, {"orgUUID": "portal-17"}, {"orgId": code}):
        caller = await seen(world, portal_token(world, **claims))
        assert (caller.org, caller.client, caller.scopes) == (org, None, {"view_usage"})
    caller = await seen(
        world, portal_token(world, orgUUID=str(org), clientId=str(client), roles=["portal-manager"])
    )
    assert caller.client == client
    assert caller.may("manage_pricing")
    await world.change("UPDATE organisations SET external_id = NULL WHERE id = :id", id=org)


async def test_an_old_portal_token_names_its_organisation_by_a_client_code(world: World) -> None:
    code = f"c-{(await world.person()).id.hex[-8:]}"
    org, _, client = await world.organisation(code)
    caller = await seen(world, portal_token(world, orgId=code))
    assert (caller.org, caller.client) == (org, client)
    await world.organisation(code)
    with pytest.raises(NotFoundError):
        await seen(world, portal_token(world, orgId=code))


async def test_a_portal_token_without_organisation_has_none(world: World) -> None:
    assert (await seen(world, portal_token(world))).org is None


async def test_a_portal_token_of_elsewhere_is_not_found(world: World) -> None:
    org, _, _ = await world.organisation("shop-1")
    for claims in (
        {"orgUUID": "elsewhere"},
        {"orgId": "\0"},
        {"orgUUID": str(org), "clientId": "shop-9"},
    ):
        with pytest.raises(NotFoundError):
            await seen(world, portal_token(world, **claims))


async def test_without_its_secret_a_portal_token_is_no_token(world: World) -> None:
    closed: Identity = replace(world.identity, portal=None)
    with pytest.raises(TokenMalformedError):
        await IdentityAuthenticator(closed).authenticate(portal_token(world), TenancyRequest())


@pytest.mark.parametrize("credential", ["", "nonsense", "a.b", "a.b.c", "crv_", "a.b.c.d"])
async def test_what_is_no_credential_has_a_stable_code(world: World, credential: str) -> None:
    with pytest.raises(CaravanError) as caught:
        await seen(world, credential)
    assert caught.value.status == 401
    assert caught.value.code in {"token_malformed", "token_invalid"}
