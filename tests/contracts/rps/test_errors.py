"""Errors as RPS told them (the sheet's section 3.2)."""

from uuid import uuid4

import pytest

from caravan.core.limits import Limiter
from caravan.core.principal import Principal, PrincipalKind
from caravan.legacy import rps
from tests.fixtures.applications import caller, running_application
from tests.fixtures.shop import Readers, Shop

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATHS = [
    "/rps/orders",
    "/rps/customers",
    "/rps/transactions",
    "/rps/orders/01a1fb92-2e08-7708-93d6-ab6145887e16",
]
each = pytest.mark.parametrize("path", PATHS)


@each
@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Basic abc", "Bearer a.b", "a.b"])
async def test_without_a_good_token_it_says_unauthorized(
    readers: Readers, path: str, authorization: str | None
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = await readers.service.client.get(path, headers=headers)
    assert (answer.status_code, answer.json()) == (401, {"detail": "unauthorized"})


@each
@pytest.mark.parametrize("scopes", [(), ("admin",)])
async def test_a_missing_organisation_is_told_before_a_missing_permission(
    readers: Readers, path: str, scopes: tuple[str, ...]
) -> None:
    nowhere = Principal(PrincipalKind.USER, id=uuid4(), scopes=frozenset(scopes))
    answer = await readers.service.client.get(path, headers=readers.service.as_caller(nowhere))
    assert (answer.status_code, answer.json()) == (400, {"detail": "org required"})


@each
async def test_without_the_permission_it_says_so(shop: Shop, readers: Readers, path: str) -> None:
    answer = await readers.of(shop, "ingest", "search")(path)
    assert (answer.status_code, answer.json()) == (403, {"detail": "insufficient permissions"})


@pytest.mark.parametrize("scope", ["admin", "manage_projects", "view_usage"])
async def test_each_of_the_three_permissions_reads(shop: Shop, readers: Readers, scope: str) -> None:
    for path in PATHS[:3]:
        assert (await readers.of(shop, scope)(path)).status_code == 200


async def test_other_paths_and_methods_are_told_in_the_same_shape(shop: Shop, readers: Readers) -> None:
    missing = await readers.of(shop)("/rps/promos")
    assert (missing.status_code, missing.json()) == (404, {"detail": "Not Found"})
    client, headers = readers.service.client, readers.of(shop).headers
    refused = await client.post("/rps/orders", headers=headers)
    assert (refused.status_code, refused.json()) == (405, {"detail": "Method Not Allowed"})
    assert refused.headers["allow"] == "GET"


async def test_a_rate_limit_has_its_own_shape(own_database) -> None:
    async with running_application(
        own_database,
        rps.routers(),
        error_shapes=rps.error_shapes(),
        limiter=Limiter(None),
        rate_limit_requests=1,
    ) as service:
        headers = service.as_caller(caller("admin"))
        assert (await service.client.get("/rps/orders", headers=headers)).status_code == 200
        answer = await service.client.get("/rps/orders", headers=headers)
        assert (answer.status_code, answer.json()) == (429, {"error": "rate_limited"})
        assert int(answer.headers["retry-after"]) >= 1
        assert {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"} <= set(answer.headers)


async def test_a_fault_of_ours_shows_no_trace(shop: Shop, readers: Readers, monkeypatch) -> None:
    async def broken(*_arguments: object) -> None:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr(readers.service.state.database, "fetch_value", broken)
    answer = await readers.of(shop)("/rps/orders")
    assert (answer.status_code, answer.json()) == (500, {"detail": "Internal Server Error"})


async def test_no_idempotency_key_is_asked_for_or_minded(shop: Shop, readers: Readers) -> None:
    answer = await readers.of(shop)("/rps/orders", headers={"Idempotency-Key": "k"})
    assert answer.status_code == 200
    assert "idempotency-replayed" not in answer.headers
