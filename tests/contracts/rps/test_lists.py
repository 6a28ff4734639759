"""The lists of RPS as the portal's pages read them (R-06, R-07, R-14 to R-18)."""

import json
from uuid import UUID

import pytest

from caravan.legacy.rps.answers import CustomersAnswer, OrdersAnswer, TransactionsAnswer
from tests.fixtures.shop import Reader, Readers, Shop

pytestmark = pytest.mark.asyncio(loop_scope="session")

LISTS = ("orders", "customers", "transactions")
each = pytest.mark.parametrize("name", LISTS)


def numbered(shop: Shop, **values: object) -> UUID:
    return shop.order(created_at="2026-01-02T03:04:05Z", **values)


async def numbers(read: Reader, **query: object) -> list[str | None]:
    return [row["order_number"] for row in (await read.json("/rps/orders", **query))["rows"]]


async def test_orders_have_the_legacys_keys_in_its_order(shop: Shop, read: Reader) -> None:
    customer = shop.customer()
    order = numbered(shop, number="N1", total_amount="166.9440", email="a@example.com", customer_id=customer)
    shop.beside("orders", order, state="Complete")
    answer = await read("/rps/orders", q=" N1 ", state=" COMPLETE ")
    OrdersAnswer.model_validate_json(answer.content)
    assert answer.headers["content-type"] == "application/json"
    assert answer.text == (
        f'{{"rows":[{{"id":"{order}","order_number":"N1","state":"Complete","total_amount":166.944,'
        f'"currency":"EUR","email":"a@example.com","customer_id":"{customer}",'
        '"created_at":"2026-01-02T03:04:05+00:00"}],"limit":20,"offset":0,"q":"n1","state":"complete",'
        '"total":1,"sort":"created_at","dir":"desc"}'
    )


async def test_customers_have_the_legacys_keys_in_its_order(shop: Shop, read: Reader) -> None:
    customer = shop.customer(
        first_name="أحمد", last_name="Haddad", email="A@example.com", created_at="2026-01-02T03:04:05.25Z"
    )
    answer = await read("/rps/customers", q="أحمد HAD")
    CustomersAnswer.model_validate_json(answer.content)
    assert answer.text == (
        f'{{"rows":[{{"id":"{customer}","first_name":"أحمد","last_name":"Haddad","email":"A@example.com",'
        '"created_at":"2026-01-02T03:04:05.250000+00:00"}],"limit":20,"offset":0,"q":"أحمد had",'
        '"total":1,"sort":"created_at","dir":"desc"}'
    )


async def test_transactions_have_the_legacys_keys_in_its_order(shop: Shop, read: Reader) -> None:
    order = shop.order()
    payment = shop.transaction(
        order_id=order,
        amount="12",
        processor="Stripe",
        response_code="R1",
        created_at="2026-01-02T03:04:05Z",
    )
    shop.beside("transactions", payment, state="Settled")
    answer = await read("/rps/transactions", processor="STRIPE", q="r1")
    TransactionsAnswer.model_validate_json(answer.content)
    assert answer.text == (
        f'{{"rows":[{{"id":"{payment}","order_id":"{order}","state":"Settled","amount":12.0,"currency":"EUR",'
        '"processor":"Stripe","response_code":"R1","created_at":"2026-01-02T03:04:05+00:00"}],"limit":20,'
        '"offset":0,"q":"r1","processor":"stripe","total":1,"sort":"created_at","dir":"desc"}'
    )


@each
async def test_an_empty_list_echoes_empty_texts(read: Reader, name: str) -> None:
    answer = await read.json(f"/rps/{name}")
    word = {"orders": {"state": ""}, "customers": {}, "transactions": {"processor": ""}}[name]
    assert answer == {
        "rows": [], "limit": 20, "offset": 0, "q": "", **word, "total": 0, "sort": "created_at", "dir": "desc",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("money", "printed"),
    [("12", "12.0"), ("12.5", "12.5"), ("0.0001", "0.0001"), ("-0.1", "-0.1"), ("0", "0.0"), ("1234567.89", "1234567.89")],
)  # fmt: skip
async def test_money_is_printed_as_a_number_with_a_decimal(
    shop: Shop, read: Reader, money: str, printed: str
) -> None:
    numbered(shop, total_amount=money)
    assert f'"total_amount":{printed},' in (await read("/rps/orders")).text


async def test_absent_values_are_null(shop: Shop, read: Reader) -> None:
    shop.row("orders", currency="EUR")
    (row,) = (await read.json("/rps/orders"))["rows"]
    assert [name for name, value in row.items() if value is None] == [
        "order_number",
        "total_amount",
        "email",
        "customer_id",
    ]


@each
@pytest.mark.parametrize(
    ("limit", "offset", "expected"),
    [
        ("2", "1", (2, 1)),
        ("0", "-1", (1, 0)),
        ("1000", "0", (200, 0)),
        ("many", "some", (20, 0)),
        ("", "", (20, 0)),
        ("1.5", "1e3", (20, 0)),
        ("9" * 40, "9" * 9, (200, 999_999_999)),
        ("-" + "9" * 5000, "9" * 5000, (20, 0)),
    ],
)
async def test_bad_limits_and_offsets_are_read_silently(
    read: Reader, name: str, limit: str, offset: str, expected: tuple[int, int]
) -> None:
    answer = await read.json(f"/rps/{name}", limit=limit, offset=offset)
    assert (answer["limit"], answer["offset"]) == expected


async def test_an_unknown_sort_is_by_creation_and_echoed(shop: Shop, read: Reader) -> None:
    for day in (1, 3, 2):
        shop.order(number=str(day), created_at=f"2026-01-0{day}")
    answer = await read.json("/rps/orders", sort="Password; --", dir="ASC")
    assert (answer["sort"], answer["dir"]) == ("password; --", "asc")
    assert [row["order_number"] for row in answer["rows"]] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("name", "sort"),
    [
        *(("orders", sort) for sort in ("created_at", "order_number", "total_amount", "state", "email")),
        *(("customers", sort) for sort in ("created_at", "email", "first_name", "last_name")),
        *(("transactions", sort) for sort in ("created_at", "amount", "processor", "state", "response_code")),
    ],
)
async def test_every_sort_goes_both_ways(shop: Shop, read: Reader, name: str, sort: str) -> None:
    for number, state in enumerate(("draft", "pending", "shipped")):
        shared = {"created_at": f"2026-01-0{number + 1}"}
        shop.order(number=str(number), total_amount=number, email=str(number), state=state, **shared)
        shop.customer(email=str(number), first_name=str(number), last_name=str(number), **shared)
        states = ("authorized", "captured", "failed")
        shop.transaction(
            amount=number, processor=str(number), response_code=str(number), state=states[number], **shared
        )
    up = (await read.json(f"/rps/{name}", sort=sort, dir="asc"))["rows"]
    down = (await read.json(f"/rps/{name}", sort=sort, dir="downwards"))["rows"]
    assert [row[sort] for row in up] == sorted(row[sort] for row in up)
    assert [row["id"] for row in down] == [row["id"] for row in up][::-1]


async def test_pages_neither_repeat_nor_miss_rows_of_one_moment(shop: Shop, read: Reader) -> None:
    made = {str(numbered(shop)) for _ in range(9)}
    pages = [await read.json("/rps/orders", limit=4, offset=offset, sort="state") for offset in (0, 4, 8)]
    assert [page["total"] for page in pages] == [9, 9, 9]
    found = [row["id"] for page in pages for row in page["rows"]]
    assert (len(found), set(found)) == (9, made)


async def test_wildcards_stand_for_themselves(shop: Shop, read: Reader) -> None:
    numbered(shop, number="50%_off\\")
    numbered(shop, number="5000 off")
    assert await numbers(read, q="%_OFF") == ["50%_off\\"]
    assert await numbers(read, q="off\\") == ["50%_off\\"]
    assert await numbers(read, q="_") == ["50%_off\\"]


async def test_the_search_looks_into_number_and_email(shop: Shop, read: Reader) -> None:
    numbered(shop, number="A1", email="x@example.com")
    numbered(shop, number="A2", email=None)
    assert await numbers(read, q="X@EX") == ["A1"]
    assert set(await numbers(read, q="a")) == {"A1", "A2"}
    assert await numbers(read, q="b") == []


async def test_the_state_filter_knows_the_imported_state_and_ours(shop: Shop, read: Reader) -> None:
    imported = numbered(shop, number="imported", state="completed")
    shop.beside("orders", imported, state="Complete")
    numbered(shop, number="born here", state="completed")
    assert await numbers(read, state="complete") == ["imported"]
    assert await numbers(read, state="completed") == ["born here"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"from": "2026-01-02T03:04:05Z"}, True),
        ({"from": "2026-01-02T03:04:05.000001Z"}, False),
        ({"to": "2026-01-02T03:04:05Z"}, False),
        ({"to": "2026-01-02T06:04:06+03:00"}, True),
        ({"from": "2026-01-02", "to": "2026-01-03"}, True),
        ({"from": "", "to": ""}, True),
        ({"from": "0001-01-01T00:00:00+14:00", "to": "9999-12-31T23:59:59-14:00"}, True),
    ],
)
async def test_from_and_to_bound_the_creation(
    shop: Shop, read: Reader, query: dict[str, str], *, found: bool
) -> None:
    numbered(shop)
    assert (await read.json("/rps/orders", **query))["total"] == int(found)


@each
async def test_a_date_or_text_that_cannot_be_read_is_422(read: Reader, name: str) -> None:
    for query in ({"from": "yesterday"}, {"to": "2026-02-30"}, {"q": "a\0b"}):
        answer = await read(f"/rps/{name}", **query)
        assert answer.status_code == 422
        assert list(answer.json()) == ["detail"]
        assert isinstance(answer.json()["detail"], str)


@each
async def test_deleted_rows_are_not_listed(shop: Shop, read: Reader, name: str) -> None:
    make = {"orders": shop.order, "customers": shop.customer, "transactions": shop.transaction}[name]
    make(deleted_at="2026-01-01")
    kept = make()
    answer = await read.json(f"/rps/{name}")
    assert (answer["total"], [row["id"] for row in answer["rows"]]) == (1, [str(kept)])


@each
async def test_only_the_callers_tenant_and_client_show(shop: Shop, readers: Readers, name: str) -> None:
    def made(where: Shop, **values: object) -> UUID:
        makers = {"orders": where.order, "customers": where.customer, "transactions": where.transaction}
        return makers[name](**values)

    client = shop.client()
    other = shop.other()
    made(other)
    made(shop)
    own = made(shop, client_id=client)
    assert (await readers.of(shop).json(f"/rps/{name}"))["total"] == 2
    bound = await readers.of(shop, client=client).json(f"/rps/{name}")
    assert (bound["total"], [row["id"] for row in bound["rows"]]) == (1, [str(own)])


@each
async def test_head_answers_as_get_without_a_body(read: Reader, name: str) -> None:
    got = await read(f"/rps/{name}")
    asked = await read.service.client.head(f"/rps/{name}", headers=read.headers)
    assert (asked.status_code, asked.content) == (200, b"")
    assert asked.headers["content-length"] == got.headers["content-length"] == str(len(got.content))
    assert json.loads(got.content)["rows"] == []
