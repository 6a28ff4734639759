"""Every list and detail of commerce: what it shows, to whom, and what it refuses."""

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel

from caravan.commerce.affiliates.schemas import AffiliateDetail, AffiliateQuery, AffiliateRow
from caravan.commerce.catalog.schemas import ProductDetail, ProductQuery, ProductRow
from caravan.commerce.customers.schemas import CustomerDetail, CustomerQuery, CustomerRow
from caravan.commerce.orders.schemas import OrderDetail, OrderQuery, OrderRow
from caravan.commerce.payments.schemas import TransactionDetail, TransactionQuery, TransactionRow
from caravan.commerce.promotions.schemas import PromoDetail, PromoQuery, PromoRow
from caravan.core.http import Envelope, Page
from tests.fixtures.shop import Reader, Readers, Shop

pytestmark = pytest.mark.asyncio(loop_scope="session")


@dataclass(frozen=True)
class Resource:
    """One resource: its address, table and models, and values that its filters should find."""

    url: str
    table: str
    row: type[BaseModel]
    detail: type[BaseModel]
    query: type[BaseModel]
    values: dict[str, Any] = field(default_factory=dict)
    finds: tuple[dict[str, str], ...] = ()
    misses: tuple[dict[str, str], ...] = ()

    @property
    def path(self) -> str:
        return f"/api/v1/{self.url}"

    def __str__(self) -> str:
        return self.url


SHARED = {"extra": {"kept": [1, None]}}
RESOURCES = [
    Resource(
        "orders", "orders", OrderRow, OrderDetail, OrderQuery,
        {"currency": "EUR", "state": "confirmed", "number": "A_100%", "email": "Maya@example.com", "total_amount": "166.944"},
        ({"q": "a_100%"}, {"q": "maya@"}, {"state": "confirmed"}, {"number": "A_100%"}),
        ({"q": "a-100"}, {"state": "shipped"}, {"number": "A_100"}, {"customer_id": str(uuid4())}, {"affiliate_id": str(uuid4())}),
    ),
    Resource(
        "customers", "customers", CustomerRow, CustomerDetail, CustomerQuery,
        {"first_name": "أحمد", "last_name": "Haddad", "email": "Ahmad@example.com"},
        ({"q": "أحمد had"}, {"q": "AHMAD@"}, {"email": "ahmad@EXAMPLE.com"}),
        ({"q": "%"}, {"email": "ahmad"}),
    ),
    Resource(
        "transactions", "transactions", TransactionRow, TransactionDetail, TransactionQuery,
        {"currency": "EUR", "state": "captured", "amount": "-12", "processor": "Stripe", "response_code": "R10", "details": {"avs": "Y"}},
        ({"q": "stri"}, {"q": "r10"}, {"state": "captured"}, {"processor": "Stripe"}),
        ({"q": "r_0"}, {"state": "failed"}, {"processor": "stripe"}, {"order_id": str(uuid4())}),
    ),
    Resource(
        "products", "products", ProductRow, ProductDetail, ProductQuery,
        {"sku": "S-1", "name": "Lamp", "state": "active", "price": "2.55", "attributes": [{"name": "a", "value": "b"}], "media": []},
        ({"q": "lam"}, {"q": "s-1"}, {"state": "active"}, {"sku": "S-1"}),
        ({"q": "lamps"}, {"state": "draft"}, {"sku": "s-1"}),
    ),
    Resource(
        "promos", "promotions", PromoRow, PromoDetail, PromoQuery,
        {"code": "SPRING", "name": "Ten percent", "rules": {"percent": 10}, "starts_at": "2026-01-01T00:00:00Z"},
        ({"q": "spr"}, {"q": "ten"}, {"code": "SPRING"}, {"active": "true"}),
        ({"q": "sprint"}, {"code": "spring"}, {"active": "false"}),
    ),
    Resource(
        "affiliates", "affiliates", AffiliateRow, AffiliateDetail, AffiliateQuery,
        {"code": "BLOG", "name": "A blog", "state": "active"},
        ({"q": "blo"}, {"q": "a b"}, {"code": "BLOG"}, {"state": "active"}),
        ({"q": "blogs"}, {"code": "blog"}, {"state": "closed"}),
    ),
]  # fmt: skip
each = pytest.mark.parametrize("resource", RESOURCES, ids=str)


def sorts(resource: Resource) -> list[str]:
    enum: list[str] = resource.query.model_json_schema()["properties"]["sort"]["enum"]
    return enum


def made(shop: Shop, resource: Resource, **values: object) -> UUID:
    return shop.row(resource.table, **(resource.values | SHARED | values))


def few(resource: Resource) -> dict[str, Any]:
    """Values of a row with as much NULL as the table allows."""
    return {"currency": "EUR"} if "currency" in resource.values else {}


@each
async def test_a_list_and_a_detail_answer_as_documented(shop: Shop, read: Reader, resource: Resource) -> None:
    row = made(shop, resource)
    listed = await read(resource.path)
    shown = await read(f"{resource.path}/{row}")
    page = Page[resource.row].model_validate_json(listed.content)  # type: ignore[name-defined]  # chosen at run time
    detail = Envelope[resource.detail].model_validate_json(shown.content)  # type: ignore[name-defined]  # see above
    assert [found.id for found in page.data] == [row]
    assert detail.data.id == row
    assert page.pagination.model_dump() == {"limit": 20, "next": None}
    body = shown.json()["data"]
    assert body["extra"] == {"kept": [1, None]}
    assert listed.json()["data"][0].items() <= body.items()
    assert listed.headers["content-type"] == "application/json"


@each
async def test_documented_examples_are_valid(resource: Resource) -> None:
    for model in (resource.row, resource.detail):
        for example in model.model_json_schema()["examples"]:
            model.model_validate_json(json.dumps(example))


@pytest.mark.parametrize(
    "resource", [resource for resource in RESOURCES if resource.url != "promos"], ids=str
)
async def test_rows_with_nulls_everywhere_are_paged_in_every_order(
    shop: Shop, read: Reader, resource: Resource
) -> None:
    expected = {shop.row(resource.table, **few(resource)) for _ in range(3)} | {made(shop, resource)}
    for sort in sorts(resource):
        found = await walked(read, resource, sort=sort, limit=1)
        assert (len(found), set(found)) == (len(expected), expected), sort


async def walked(read: Reader, resource: Resource, **query: object) -> list[UUID]:
    """Follow the cursors to the end and return the ids in order."""
    ids: list[UUID] = []
    cursor: dict[str, object] = {}
    while True:
        answer = (await read(resource.path, **query, **cursor)).json()
        ids += [UUID(row["id"]) for row in answer["data"]]
        if answer["pagination"]["next"] is None:
            return ids
        cursor = {"cursor": answer["pagination"]["next"]}


@each
async def test_filters_find_and_exclude(shop: Shop, read: Reader, resource: Resource) -> None:
    row = str(made(shop, resource, created_at="2026-02-01T12:00:00Z"))
    finds = [
        *resource.finds,
        {"from": "2026-02-01T12:00:00Z"},
        {"from": "2026-02-01", "to": "2026-02-02"},
        {"to": "2026-02-01T15:00:00.000001+03:00"},
    ]
    misses = [*resource.misses, {"to": "2026-02-01T12:00:00"}, {"from": "2026-02-01T12:00:00.000001Z"}]
    for query in finds:
        assert [found["id"] for found in await read.data(resource.path, **query)] == [row], query
    for query in misses:
        assert await read.data(resource.path, **query) == [], query


@each
async def test_what_was_deleted_is_gone(shop: Shop, read: Reader, resource: Resource) -> None:
    row = made(shop, resource, deleted_at="2026-02-01T12:00:00Z")
    assert await read.data(resource.path) == []
    assert await read.data(resource.path, sort="created_at") == []
    assert (await read(f"{resource.path}/{row}")).status_code == 404


@each
async def test_another_tenant_sees_nothing(shop: Shop, readers: Readers, resource: Resource) -> None:
    row = made(shop, resource)
    stranger = readers.of(shop.other(), "admin")
    assert await stranger.data(resource.path) == []
    assert await stranger.data(resource.path, q="a", sort="created_at") == []
    missing = await stranger(f"{resource.path}/{row}")
    assert missing.status_code == 404
    assert missing.json()["error_code"] == "not_found"


@each
async def test_a_caller_bound_to_a_client_sees_its_rows_only(
    shop: Shop, readers: Readers, resource: Resource
) -> None:
    client = shop.client()
    own = made(shop, resource, client_id=client)
    unique = {"code": "OTHER"} if "code" in resource.values else {}
    foreign = made(shop, resource, **unique)
    bound = readers.of(shop, client=client)
    assert [found["id"] for found in await bound.data(resource.path)] == [str(own)]
    assert (await bound(f"{resource.path}/{own}")).status_code == 200
    assert (await bound(f"{resource.path}/{foreign}")).status_code == 404


@each
@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"limit": "0"}, 422, "request_invalid"),
        ({"limit": "201"}, 422, "request_invalid"),
        ({"limit": "9" * 30}, 422, "request_invalid"),
        ({"limit": "x"}, 422, "request_invalid"),
        ({"limit": ""}, 422, "request_invalid"),
        ({"sort": "password"}, 422, "request_invalid"),
        ({"sort": "--created_at"}, 422, "request_invalid"),
        ({"from": "yesterday"}, 422, "request_invalid"),
        ({"to": "2026-13-01"}, 422, "request_invalid"),
        ({"q": ""}, 422, "request_invalid"),
        ({"q": "a\0b"}, 422, "request_invalid"),
        ({"q": "x" * 201}, 422, "request_invalid"),
        ({"offset": "0"}, 422, "request_invalid"),
        ({"cursor": "!"}, 400, "cursor_invalid"),
        ({"cursor": "ä"}, 400, "cursor_invalid"),
        ({"cursor": ""}, 400, "cursor_invalid"),
        ({"cursor": "W10"}, 400, "cursor_invalid"),
        ({"cursor": "x" * 2001}, 422, "request_invalid"),
    ],
)
async def test_a_parameter_out_of_range_is_refused(
    read: Reader, resource: Resource, query: dict[str, str], status: int, code: str
) -> None:
    answer = await read(resource.path, **query)
    assert (answer.status_code, answer.json()["error_code"]) == (status, code)


@each
async def test_filters_that_are_words_of_a_list_refuse_others(read: Reader, resource: Resource) -> None:
    for name in ({"state", "active", "customer_id", "order_id", "affiliate_id"}) & set(
        resource.query.model_fields
    ):
        answer = await read(resource.path, **{name: "nonsense"})
        assert answer.status_code == 422
        assert answer.json()["details"]["errors"][0]["pointer"] == f"/{name}"


@each
async def test_an_id_that_is_none_is_refused(read: Reader, resource: Resource) -> None:
    assert (await read(f"{resource.path}/7")).status_code == 422
    assert (await read(f"{resource.path}/{uuid4()}")).status_code == 404


@each
async def test_reading_needs_one_of_the_three_permissions(
    shop: Shop, readers: Readers, resource: Resource
) -> None:
    for scope in ("admin", "manage_projects", "view_usage"):
        assert (await readers.of(shop, scope)(resource.path)).status_code == 200
    for path in (resource.path, f"{resource.path}/{uuid4()}"):
        refused = await readers.of(shop, "ingest")(path)
        assert (refused.status_code, refused.json()["error_code"]) == (403, "forbidden")
        anonymous = await readers.service.client.get(path)
        assert (anonymous.status_code, anonymous.json()["error_code"]) == (401, "unauthenticated")


@each
async def test_head_answers_as_get_without_a_body(shop: Shop, read: Reader, resource: Resource) -> None:
    made(shop, resource)
    answer = await read.service.client.head(resource.path, headers=read.headers)
    assert answer.status_code == 200
    assert answer.content == b""
    assert int(answer.headers["content-length"]) > 100


@each
async def test_an_unchanged_detail_is_not_sent_again(shop: Shop, read: Reader, resource: Resource) -> None:
    path = f"{resource.path}/{made(shop, resource)}"
    first = await read(path)
    tag = first.headers["etag"]
    assert tag.startswith('"1-')
    for known in (tag, f'"other", W/{tag}', "*"):
        again = await read(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert (await read(path, headers={"If-None-Match": '"1"'})).status_code == 200
    shop.execute(f"UPDATE {resource.table} SET version = 2 WHERE org_id = %s", shop.org)  # noqa: S608 - a name of ours
    changed = await read(path, headers={"If-None-Match": tag})
    assert (changed.status_code, changed.headers["etag"][:3]) == (200, '"2-')


async def test_every_sort_puts_rows_in_its_order(shop: Shop, read: Reader) -> None:
    for number, (total, placed) in enumerate([("10", 3), ("9.5", 1), ("100", 2)]):
        shop.order(
            number=f"N{number}",
            email=f"{placed}@example.com",
            total_amount=total,
            placed_at=f"2026-01-0{placed}",
            created_at=f"2026-02-0{placed}",
            state=("draft", "pending", "shipped")[number],
        )
    expected = {
        "number": ["N0", "N1", "N2"],
        "total_amount": ["N1", "N0", "N2"],
        "placed_at": ["N1", "N2", "N0"],
        "created_at": ["N1", "N2", "N0"],
        "email": ["N1", "N2", "N0"],
        "state": ["N0", "N1", "N2"],
    }
    for sort, numbers in expected.items():
        assert [row["number"] for row in await read.data("/api/v1/orders", sort=sort)] == numbers
        down = [row["number"] for row in await read.data("/api/v1/orders", sort=f"-{sort}")]
        assert down == numbers[::-1]


async def test_orders_are_filtered_by_customer_and_transactions_by_order(shop: Shop, read: Reader) -> None:
    customer, affiliate = shop.customer(), shop.row("affiliates", code="A")
    order = shop.order(customer_id=customer, affiliate_id=affiliate)
    shop.order()
    payment = shop.transaction(order_id=order)
    shop.transaction()
    for query in ({"customer_id": customer}, {"affiliate_id": affiliate}):
        assert [row["id"] for row in await read.data("/api/v1/orders", **query)] == [str(order)]
    found = await read.data("/api/v1/transactions", order_id=order)
    assert [row["id"] for row in found] == [str(payment)]


async def test_a_parameter_given_twice_is_refused(read: Reader) -> None:
    answer = await read("/api/v1/orders?limit=1&limit=2")
    assert answer.status_code == 422
    assert "more than once" in answer.json()["message"]
