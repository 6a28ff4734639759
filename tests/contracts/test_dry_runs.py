"""Every route that may write, asked for a dry run: nothing in the database or among the keys is another afterwards."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import psycopg
import pytest
import pytest_asyncio
from pydantic import SecretStr

from caravan.core.database import DatabaseAddress, Role
from caravan.core.database.dry_run_probe import probe_on
from caravan.core.http import RouteRule, route_rules
from caravan.core.settings import Settings
from caravan.entry.addresses import Addresses
from caravan.entry.api import create_app
from caravan.entry.dry_runs import never_dry
from caravan.entry.features import routers
from caravan.platform.identity import Identity, add_user
from tests.fixtures.dry_runs import KEY, RESULT, all_files, all_rows, ask_dry
from tests.fixtures.shop import Shop

pytestmark = pytest.mark.asyncio

OPEN = Settings(environment="test", deduper_bridge=True)
RULES = [rule for rule in route_rules(routers(OPEN)) if not rule.path.startswith("/console/static")]
WRITES = [rule for rule in RULES if rule.method in {"POST", "PUT", "PATCH", "DELETE"}]
READS = [rule for rule in RULES if rule.method == "GET"]


def name(rule: RouteRule) -> str:
    return f"{rule.method} {rule.path}"


def state_of(address: DatabaseAddress, home: Path) -> tuple[object, object]:
    return all_rows(address, but=("dry_run_nonces",)), all_files(home)


@dataclass
class Town:
    """The whole platform with dry runs on, one owner of an organisation, and what there is to change."""

    address: DatabaseAddress
    home: Path
    client: httpx2.AsyncClient
    headers: dict[str, str]
    ids: dict[str, str]
    before: tuple[object, object]

    def path_of(self, rule: RouteRule) -> str:
        path = rule.path
        for parameter, value in self.ids.items():
            path = path.replace("{" + parameter + "}", value)
        return path

    def now(self) -> tuple[object, object]:
        return state_of(self.address, self.home)


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def town(
    module_database: DatabaseAddress, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Town]:
    home = tmp_path_factory.mktemp("dry")
    settings = Settings(
        environment="test",
        home=home,
        trusted_hosts=("caravan.test",),
        log_level="error",
        deduper_bridge=True,
        dry_run_secret=SecretStr(KEY.secret.decode()),
    )
    app, served = create_app(settings, Addresses(module_database, None, None))
    with psycopg.connect(module_database.libpq(Role.SYSTEM), autocommit=True) as connection:
        shop = Shop(connection)
        transport = httpx2.ASGITransport(app=served)
        client = httpx2.AsyncClient(transport=transport, base_url="http://caravan.test")
        async with client, app.router.lifespan_context(app):
            yield await _town(app.state.caravan.services["identity"], shop, module_database, home, client)


async def _town(
    identity: Identity, shop: Shop, address: DatabaseAddress, home: Path, client: httpx2.AsyncClient
) -> Town:
    email, new = f"owner.{uuid4().hex[:8]}@example.com", "correct horse battery"
    user = await add_user(identity, org=str(shop.org), email=email, role="org-owner")
    log_in = {"identifier": email, "password": user.password}
    tokens = (await client.post("/api/v1/auth/login", json=log_in)).json()["data"]
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    passwords = {"current": user.password, "new": new}
    assert (await client.post("/api/v1/me/password", json=passwords, headers=headers)).is_success

    async def made(path: str, **body: object) -> str:
        answer = await client.post(path, json=body, headers=headers | {"Idempotency-Key": str(uuid4())})
        assert answer.is_success, answer.text
        data = answer.json()["data"]
        return str((data.get("api_key") or data.get("user") or data)["id"])

    second = await client.post("/api/v1/auth/login", json={"identifier": email, "password": new})
    member = await made("/api/v1/users", email="other@example.com", display_name="Other", role="user")
    members = (await client.get("/api/v1/memberships", headers=headers)).json()["data"]
    ids = {
        "session_id": second.json()["data"]["session_id"],
        "organisation_id": str(shop.org),
        "client": await made("/api/v1/clients", name="Acme"),
        "project": await made("/api/v1/projects", name="Web", code="web"),
        "user_id": member,
        "membership_id": next(each["id"] for each in members if each["user_id"] == member),
        "api_key_id": await made("/api/v1/api-keys", name="nightly", scopes=["view_usage"]),
        "invite_id": await made("/api/v1/invites", email="new@example.com", role="user"),
        "job": await made("/api/v1/jobs", workflow="audit.verify", parameters={}),
        "id": "1",
    }
    assert (await client.get("/deduper/jobs")).is_success
    probe_on(address)
    return Town(address, home, client, headers, ids, state_of(address, home))


BODIES: dict[str, dict[str, Any]] = {
    "POST /api/v1/auth/logout": {},
    "POST /api/v1/auth/password-reset": {"identifier": "other@example.com"},
    "POST /api/v1/me/password": {"current": "correct horse battery", "new": "another horse battery"},
    "POST /api/v1/organisations": {"name": "Second", "code": "second"},
    "PATCH /api/v1/organisations/{organisation_id}": {"name": "Renamed"},
    "POST /api/v1/clients": {"name": "Nile Outfitters"},
    "PATCH /api/v1/clients/{client}": {"name": "Renamed"},
    "POST /api/v1/projects": {"name": "Shop", "code": "shop"},
    "PATCH /api/v1/projects/{project}": {"name": "Renamed"},
    "POST /api/v1/users": {"email": "third@example.com", "display_name": "Third", "role": "user"},
    "PATCH /api/v1/users/{user_id}": {"display_name": "Renamed"},
    "POST /api/v1/memberships": {"user": "{user_id}", "role": "user"},
    "PATCH /api/v1/memberships/{membership_id}": {"role": "org-owner"},
    "POST /api/v1/api-keys": {"name": "second", "scopes": ["view_usage"]},
    "POST /api/v1/invites": {"email": "fourth@example.com", "role": "user"},
    "POST /api/v1/jobs": {"workflow": "audit.verify", "parameters": {}},
    "POST /test": {"report_id": "6"},
}
CANNOT_SUCCEED_HERE = {
    "POST /api/v1/auth/totp/enable",
    "POST /api/v1/auth/totp/disable",
    "POST /api/v1/organisations",
    "POST /api/v1/memberships",
    "DELETE /api/v1/users/{user_id}/totp",
}


@pytest.mark.parametrize("rule", WRITES, ids=name)
async def test_a_dry_run_of_any_route_changes_nothing(town: Town, rule: RouteRule) -> None:
    body = {
        key: value.format(**town.ids) if isinstance(value, str) else value
        for key, value in BODIES.get(name(rule), {}).items()
    }
    headers = town.headers | {"Idempotency-Key": str(uuid4()), "If-Match": "*"}
    answer = await ask_dry(town.client, rule.method, town.path_of(rule), headers=headers, json=body)
    assert town.now() == town.before
    result = answer.headers[RESULT]
    if never_dry(rule.method, rule.path) is not None:
        assert (answer.status_code, result.split(";")[0]) == (HTTPStatus.CONFLICT, "not-run")
        return
    assert result.startswith("rolled-back"), answer.text
    if name(rule) not in CANNOT_SUCCEED_HERE:
        assert answer.is_success, answer.text


async def test_reads_are_answered_and_those_that_write_all_the_same_change_nothing(town: Town) -> None:
    for rule in READS:
        answer = await ask_dry(town.client, "GET", town.path_of(rule), headers=town.headers)
        if never_dry("GET", rule.path) is not None:
            assert answer.headers[RESULT].startswith("not-run"), rule.path
        else:
            assert answer.headers[RESULT].startswith("rolled-back"), (rule.path, answer.text)
            assert answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR, (rule.path, answer.text)
    made = await ask_dry(town.client, "GET", "/deduper/jobs")
    assert (made.status_code, town.now()) == (HTTPStatus.CREATED, town.before)
    assert '"table": "jobs"' in made.text


async def test_an_api_key_was_not_used_by_a_dry_run(town: Town) -> None:
    headers = town.headers | {"Idempotency-Key": str(uuid4())}
    key = {"name": "tried", "scopes": ["view_usage"]}
    made = (await town.client.post("/api/v1/api-keys", json=key, headers=headers)).json()["data"]
    secret = {"Authorization": f"Bearer {made['key']}"}
    before = town.now()
    dry = await ask_dry(town.client, "GET", "/api/v1/orders", headers=secret)
    assert (dry.status_code, dry.headers[RESULT]) == (HTTPStatus.OK, "rolled-back")
    assert town.now() == before
    assert (await town.client.get("/api/v1/orders", headers=secret)).is_success
    assert town.now() != before, "when it was last used is remembered of real requests"
    town.before = town.now()
