"""CSV files of the RPS bridge: all rows, real CSV, flat memory, gone when the reader goes."""

import asyncio
import csv
import io
import socket
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
import httpx2
import psycopg
import pytest
import pytest_asyncio

from caravan.core.database import DatabaseAddress
from caravan.core.http import streams
from caravan.core.http.streams import CsvStream
from tests.fixtures.applications import RunningApplication
from tests.fixtures.served import SMALL, served
from tests.fixtures.shop import Reader, Readers, Shop

pytestmark = pytest.mark.asyncio(loop_scope="session")

MANY = 20_000
AWKWARD = 'a "quoted", comma\nline break; é أحمد'


@pytest_asyncio.fixture(loop_scope="session")
async def base(service: RunningApplication) -> AsyncIterator[str]:
    async with served(service.served) as url:
        yield url


@pytest.fixture
def watch(module_database: DatabaseAddress) -> Iterator[psycopg.Connection]:
    """A connection that may see what others run."""
    with psycopg.connect(module_database.libpq(None), autocommit=True) as connection:
        yield connection


@pytest.fixture
def crowded(shop: Shop) -> Shop:
    """A shop with 20,000 orders."""
    shop.execute(
        "INSERT INTO orders (org_id, id, currency, state, number, email, created_at)"
        " SELECT %s, gen_random_uuid(), 'EUR', 'draft', n::text, repeat('x', 1200) || '@example.com',"
        " timestamptz '2026-01-01' + n * interval '1 minute' FROM generate_series(1, %s) n",
        shop.org,
        MANY,
    )
    return shop


@asynccontextmanager
async def asking(base: str, reader: Reader, path: str) -> AsyncIterator[httpx2.Response]:
    transport = httpx2.AsyncHTTPTransport(socket_options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)])
    async with (
        httpx2.AsyncClient(base_url=base, headers=reader.headers, timeout=60, transport=transport) as client,
        client.stream("GET", path) as answer,
    ):
        yield answer


async def rows_of(reader: Reader, path: str, **query: object) -> list[dict[str, str]]:
    answer = await reader(path, format="csv", **query)
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


async def drained(chunks: AsyncIterator[bytes]) -> int:
    """Read to the end; return the number of lines."""
    return sum([chunk.count(b"\n") async for chunk in chunks])


def streaming(watch: psycopg.Connection) -> list[tuple[str, str]]:
    """The state and isolation of connections that copy out."""
    return watch.execute(
        "SELECT state, query FROM pg_stat_activity WHERE query ILIKE 'COPY (%' AND datname = current_database()"
    ).fetchall()


async def until_nothing_streams(watch: psycopg.Connection) -> None:
    for _ in range(2000):
        if not streaming(watch):
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"still copying: {streaming(watch)}")


@pytest.mark.parametrize("name", ["orders", "customers", "transactions"])
async def test_the_file_holds_what_the_pages_show(shop: Shop, read: Reader, name: str) -> None:
    for number in range(3):
        order = shop.order(
            number=AWKWARD if number else None, email=f"{number}@example.com", total_amount=number
        )
        shop.beside("orders", order, state="Complete")
        shop.customer(first_name=AWKWARD, email=f"{number}@example.com")
        shop.transaction(amount="0.5", processor=AWKWARD, response_code=str(number))
    listed = (await read.json(f"/rps/{name}"))["rows"]
    answer = await read(f"/rps/{name}", format="CSV", limit=1, offset=2)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}.csv"'
    header, *lines = list(csv.reader(io.StringIO(answer.text, newline="")))
    assert header == list(listed[0])
    assert lines == [["" if value is None else str(value) for value in row.values()] for row in listed]


async def test_filters_and_order_hold_for_the_file_too(shop: Shop, read: Reader) -> None:
    for number in ("a$1", "b$2", "c%"):
        shop.order(number=number, created_at="2026-01-02")
    assert [row["order_number"] for row in await rows_of(read, "/rps/orders", sort="order_number", dir="asc")] == [
        "a$1", "b$2", "c%",
    ]  # fmt: skip
    assert [row["order_number"] for row in await rows_of(read, "/rps/orders", q="%")] == ["c%"]
    assert [row["order_number"] for row in await rows_of(read, "/rps/orders", q="$2")] == ["b$2"]
    assert await rows_of(read, "/rps/orders", q="'; DROP TABLE orders; --") == []
    assert await rows_of(read, "/rps/orders", state="shipped") == []
    assert await rows_of(read, "/rps/orders", to="2026-01-02") == []
    assert len(await rows_of(read, "/rps/orders", **{"from": "2026-01-02"})) == 3


async def test_an_empty_file_has_its_header(read: Reader) -> None:
    answer = await read("/rps/customers", format="csv")
    assert answer.text == "id,first_name,last_name,email,created_at\n"


async def test_the_file_holds_only_what_the_caller_may_see(shop: Shop, readers: Readers) -> None:
    client = shop.client()
    own = shop.order(client_id=client)
    shop.order()
    shop.other().order()
    assert len(await rows_of(readers.of(shop), "/rps/orders")) == 2
    bound = await rows_of(readers.of(shop, client=client), "/rps/orders")
    assert [row["id"] for row in bound] == [str(own)]


async def test_a_wrong_parameter_is_an_error_not_a_file(read: Reader) -> None:
    answer = await read("/rps/orders", format="csv", **{"from": "yesterday"})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/json")


async def test_twenty_thousand_rows_flow_in_flat_memory(crowded: Shop, readers: Readers, base: str) -> None:
    seen = size = 0
    tracemalloc.start()
    try:
        async with asking(base, readers.of(crowded), "/rps/orders?format=csv") as answer:
            async for chunk in answer.aiter_raw():
                seen += chunk.count(b"\n")
                size += len(chunk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert seen == MANY + 1
    assert size > 20_000_000
    assert peak < 3_000_000


async def test_a_slow_reader_slows_the_copy_and_its_snapshot_holds(
    crowded: Shop, readers: Readers, base: str, watch: psycopg.Connection
) -> None:
    async with asking(base, readers.of(crowded), "/rps/orders?format=csv") as answer:
        chunks = answer.aiter_raw()
        first = await anext(chunks)
        await asyncio.sleep(0.3)
        assert [state for state, _ in streaming(watch)] == ["active"]
        crowded.execute("DELETE FROM orders WHERE org_id = %s", crowded.org)
        lines = first.count(b"\n")
        async for chunk in chunks:
            lines += chunk.count(b"\n")
    assert lines == MANY + 1
    await until_nothing_streams(watch)


async def test_a_reader_who_leaves_frees_the_connection(
    crowded: Shop, readers: Readers, base: str, watch: psycopg.Connection
) -> None:
    async with asking(base, readers.of(crowded), "/rps/orders?format=csv") as answer:
        await anext(answer.aiter_raw())
        assert len(streaming(watch)) == 1
    await until_nothing_streams(watch)


async def test_head_sends_the_headers_and_copies_no_further(
    crowded: Shop, readers: Readers, base: str, watch: psycopg.Connection
) -> None:
    reader = readers.of(crowded)
    async with httpx2.AsyncClient(base_url=base, headers=reader.headers) as client:
        answer = await client.head("/rps/orders?format=csv")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    await until_nothing_streams(watch)


async def test_a_failure_in_mid_stream_cuts_the_connection(
    crowded: Shop, readers: Readers, base: str, watch: psycopg.Connection
) -> None:
    async with asking(base, readers.of(crowded), "/rps/orders?format=csv") as answer:
        chunks = answer.aiter_raw()
        await anext(chunks)
        watch.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ILIKE 'COPY (%'"
            " AND datname = current_database() AND pid <> pg_backend_pid()"
        )
        with pytest.raises(httpx2.RemoteProtocolError):
            await drained(chunks)


async def test_a_failure_before_the_first_byte_is_an_error_answer(
    read: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unreachable(**_arguments: object) -> asyncpg.Connection:
        raise RuntimeError("no room")

    monkeypatch.setattr(read.service.state.database, "connect", unreachable)
    answer = await read("/rps/orders", format="csv")
    assert (answer.status_code, answer.json()) == (500, {"detail": "Internal Server Error"})


async def test_more_files_at_once_than_there_is_room_for_are_told_to_come_back(
    crowded: Shop, readers: Readers, base: str, monkeypatch: pytest.MonkeyPatch, watch: psycopg.Connection
) -> None:
    monkeypatch.setattr(streams, "_PATIENCE", 0.05)
    reader = readers.of(crowded)
    async with AsyncExitStack() as stack:
        running = []
        for _ in range(4):
            answer = await stack.enter_async_context(asking(base, reader, "/rps/orders?format=csv"))
            running.append(answer.aiter_raw())
            await anext(running[-1])
        refused = await reader("/rps/orders", format="csv")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "10")
    await until_nothing_streams(watch)
    assert (await reader("/rps/customers", format="csv")).status_code == 200


async def test_a_stream_can_write_nothing(service: RunningApplication, shop: Shop) -> None:
    stream = CsvStream(
        service.state.database,
        shop.org,
        "WITH gone AS (DELETE FROM orders RETURNING id) SELECT * FROM gone",
        filename="x.csv",
    )

    async def receive() -> dict[str, object]:
        await asyncio.Event().wait()
        return {}

    async def send(_message: object) -> None:
        pytest.fail("nothing may go out")

    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await stream({"type": "http"}, receive, send)  # type: ignore[arg-type]  # messages are mappings


async def test_a_stream_is_bound_to_its_tenant(
    module_database: DatabaseAddress, service: RunningApplication, shop: Shop
) -> None:
    shop.other().order()
    sent: list[bytes] = []

    async def receive() -> dict[str, object]:
        await asyncio.Event().wait()
        return {}

    async def send(message: dict[str, object]) -> None:
        sent.append(bytes(message.get("body", b"")))  # type: ignore[call-overload]  # bytes in every body

    stream = CsvStream(service.state.database, shop.org, "SELECT id FROM orders", filename="x.csv")
    await stream({"type": "http"}, receive, send)  # type: ignore[arg-type]  # messages are mappings
    assert b"".join(sent) == b"id\n"
