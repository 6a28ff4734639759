"""Who has the password that somebody gave them changes it before anything else."""

import httpx2
import pytest

from caravan.core.http import RouteRule, route_rules
from caravan.platform.identity.routes import routers
from tests.integration.platform.identity.conftest import PASSWORD, Api

pytestmark = pytest.mark.asyncio

OWN = "a password of my own"
ALLOWED = {"changePassword", "whoAmI"}
REFUSED = [rule for rule in route_rules(routers()) if not rule.public and rule.operation_id not in ALLOWED]


def refused(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error_code"]


@pytest.mark.parametrize("rule", REFUSED, ids=[f"{rule.method} {rule.path}" for rule in REFUSED])
async def test_nothing_else_is_open_to_them(api: Api, rule: RouteRule) -> None:
    bearer = await api.bearer(await api.world.person(must_change=True))
    answer = await api.client.request(rule.method, rule.path, headers=bearer | {"Idempotency-Key": "k"})
    assert refused(answer) == (403, "password_change_required")


async def test_they_may_ask_who_they_are_change_it_and_go_on_at_once(api: Api) -> None:
    bearer = await api.bearer(await api.world.person(must_change=True))
    assert refused(await api.client.get("/api/v1/clients", headers=bearer)) == (
        403,
        "password_change_required",
    )
    me = await api.client.get("/api/v1/me", headers=bearer)
    assert me.json()["data"]["must_change_password"] is True
    body = {"current": PASSWORD, "new": OWN}
    assert (await api.client.post("/api/v1/me/password", json=body, headers=bearer)).status_code == 200
    assert (await api.client.get("/api/v1/clients", headers=bearer)).status_code == 200
    me = await api.client.get("/api/v1/me", headers=bearer)
    assert me.json()["data"]["must_change_password"] is False


async def test_they_may_leave(api: Api) -> None:
    bearer = await api.bearer(await api.world.person(must_change=True))
    assert (await api.client.post("/api/v1/auth/logout", json={}, headers=bearer)).status_code == 200
    assert refused(await api.client.get("/api/v1/me", headers=bearer)) == (401, "token_invalid")


async def test_a_refreshed_token_does_not_get_around_it(api: Api) -> None:
    issued = await api.world.log_in(await api.world.person(must_change=True))
    renewed = await api.client.post("/api/v1/auth/refresh", json={"refresh_token": issued.refresh_token})
    assert renewed.json()["data"]["must_change_password"] is True
    bearer = {"Authorization": f"Bearer {renewed.json()['data']['access_token']}"}
    assert refused(await api.client.get("/api/v1/clients", headers=bearer)) == (
        403,
        "password_change_required",
    )
