"""Every route, from the registry, under four callers: anonymous, of another organisation, without the right, with it."""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from uuid import uuid4

import httpx2
import psycopg
import pytest
import pytest_asyncio

from caravan.core.database import DatabaseAddress, Role
from caravan.core.http import RouteRule, route_rules
from caravan.core.settings import Settings
from caravan.entry.addresses import Addresses
from caravan.entry.api import create_app
from caravan.entry.features import routers
from caravan.platform.identity import Identity, add_user
from tests.fixtures.shop import Shop

pytestmark = pytest.mark.asyncio

RULES = [rule for rule in route_rules(routers()) if not rule.path.startswith("/console/static")]
GUARDED = [rule for rule in RULES if not rule.public]
SCOPED = [rule for rule in GUARDED if rule.scopes]
REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


def name(rule: RouteRule) -> str:
    return f"{rule.method} {rule.path}"


def is_form(rule: RouteRule) -> bool:
    """A form of the console wants its own token, which only a page gives."""
    return rule.method == "POST" and rule.path.startswith("/console")


@dataclass
class Town:
    """A running application with two organisations and the callers' headers."""

    client: httpx2.AsyncClient
    ids: dict[str, str]
    member: dict[str, str]
    powerless: dict[str, str]
    stranger: dict[str, str]

    async def ask(self, rule: RouteRule, headers: dict[str, str]) -> httpx2.Response:
        path = re.sub(r"{[^}]+}", lambda _: self._id(rule.path), rule.path)
        keyed = headers | {"Idempotency-Key": str(uuid4())}
        return await self.client.request(rule.method, path, headers=keyed)

    def _id(self, path: str) -> str:
        for part in reversed(path.split("/")):
            if part in self.ids:
                return self.ids[part]
        return str(uuid4())


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def town(
    module_database: DatabaseAddress, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Town]:
    home: Path = tmp_path_factory.mktemp("town")
    settings = Settings(
        environment="test", home=home, trusted_hosts=("caravan.test",), rate_limits=False, log_level="error"
    )
    app, served = create_app(settings, Addresses(module_database, None, None))
    identity = app.state.caravan.services["identity"]
    with psycopg.connect(module_database.libpq(Role.SYSTEM), autocommit=True) as connection:
        ours, theirs = Shop(connection), Shop(connection)
        transport = httpx2.ASGITransport(app=served)
        async with httpx2.AsyncClient(transport=transport, base_url="http://caravan.test") as client:
            yield Town(
                client,
                dict(_rows(ours)),
                await _log_in(client, identity, ours, "org-owner"),
                await _log_in(client, identity, ours, "user"),
                await _log_in(client, identity, theirs, "org-owner"),
            )
    await app.state.caravan.database.close()
    await app.state.caravan.system_database.close()


def _rows(shop: Shop) -> Iterator[tuple[str, str]]:
    customer = shop.customer(email="layla@example.com")
    order = shop.order(number="A-1", customer_id=customer)
    yield "orders", str(order)
    yield "customers", str(customer)
    yield "transactions", str(shop.transaction(order_id=order))
    yield "products", str(shop.row("products", name="Lamp", state="active"))
    yield "promos", str(shop.row("promotions", code="TEN"))
    yield "affiliates", str(shop.row("affiliates", code="AFF", state="active"))
    yield "clients", str(shop.client())
    yield "projects", str(shop.row("projects", code="web", name="Web"))
    yield "organisations", str(shop.org)


async def _log_in(client: httpx2.AsyncClient, identity: Identity, shop: Shop, role: str) -> dict[str, str]:
    email = f"{role}.{uuid4().hex[:8]}@example.com"
    user = await add_user(identity, org=str(shop.org), email=email, role=role)
    answer = await client.post("/api/v1/auth/login", json={"identifier": email, "password": user.password})
    assert answer.status_code == HTTPStatus.OK, answer.text
    bearer = {"Authorization": f"Bearer {answer.json()['data']['access_token']}"}
    passwords = {"current": user.password, "new": "correct horse battery"}
    changed = await client.post("/api/v1/me/password", json=passwords, headers=bearer)
    assert changed.status_code == HTTPStatus.OK, changed.text
    return bearer


async def test_every_route_says_who_may_use_it() -> None:
    assert len(RULES) > 40
    open_routes = {rule.path for rule in RULES if rule.public}
    assert {path for path in open_routes if path.startswith("/api/v1/") and "/auth/" not in path} == set()


@pytest.mark.parametrize("rule", GUARDED, ids=name)
async def test_nobody_enters_without_a_log_in(town: Town, rule: RouteRule) -> None:
    answer = await town.ask(rule, {})
    if rule.path.startswith("/console"):
        assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/console/login")
    else:
        assert answer.status_code == HTTPStatus.UNAUTHORIZED


@pytest.mark.parametrize("rule", SCOPED, ids=name)
async def test_a_member_without_the_right_is_told_so(town: Town, rule: RouteRule) -> None:
    assert (await town.ask(rule, town.powerless)).status_code == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("rule", [rule for rule in GUARDED if not is_form(rule)], ids=name)
async def test_a_member_with_the_right_enters(town: Town, rule: RouteRule) -> None:
    answer = await town.ask(rule, town.member)
    assert answer.status_code not in REFUSED
    assert answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR


@pytest.mark.parametrize("rule", GUARDED, ids=name)
async def test_another_organisation_sees_nothing(town: Town, rule: RouteRule) -> None:
    answer = await town.ask(rule, town.stranger)
    assert answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
    assert not [own for own in town.ids.values() if own in answer.text and own not in str(answer.request.url)]
    named = next((part for part in reversed(rule.path.split("/")) if part in town.ids), None)
    if "{" in rule.path and named is not None and rule.method in {"GET", "DELETE"}:
        assert answer.status_code == HTTPStatus.NOT_FOUND
