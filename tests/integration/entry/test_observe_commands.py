"""`caravan cutover observe` as a user runs it: what was seen becomes the graph that `caravan cutover units` prints."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from caravan.core.database import DatabaseAddress, Role
from tests.fixtures.toy.shop import Shop
from tests.integration.migration.gateway.running import Received, Side, side

ROUTE = '[[routes]]\ntemplate = "{}"\nmethods = ["{}"]\neffect = "{}"\nkey = "address"\nunit = "{}"\n'
FILE = """
[migration]
name = "toy"
org = "toy-shop"
[sources.shop]
kind = "sqlite"
path = "legacy.db"
[[data_sets]]
name = "customers"
source = "shop"
collection = "customers"
mapping = "tests.fixtures.toy.rows_mapping:customer"
[new]
base_url = "http://127.0.0.1:1/v2"
[[units]]
name = "people"
data_sets = ["customers"]
[[units]]
name = "audit"
""" + "".join(
    (
        ROUTE.format("/customers", "POST", "write", "people"),
        ROUTE.format("/customers/{id}", "DELETE", "write", "people"),
        ROUTE.format("/customers", "GET", "read", "people"),
        ROUTE.format("/log", "POST", "write", "audit"),
    )
)
WRITES = {
    b"POST /customers": (
        "INSERT INTO customers (name) VALUES ('Ada')",
        "INSERT INTO log (said) VALUES ('made')",
    ),
    b"DELETE /customers/1": ("DELETE FROM customers WHERE id = 1",),
    b"POST /log": ("INSERT INTO log (said) VALUES ('told')",),
}


@pytest.fixture
def file(tmp_path: Path, shop: Shop) -> Path:
    with closing(sqlite3.connect(tmp_path / "legacy.db")) as connection:
        connection.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT)")
        connection.execute("CREATE TABLE log (id INTEGER PRIMARY KEY, said TEXT)")
    written = tmp_path / "migration.toml"
    written.write_text(FILE)
    return written


@pytest.fixture
def old(file: Path) -> Iterator[Side]:
    """An old side that writes into its store before it answers."""

    def answer(request: Received) -> None:
        wanted = request.first.rpartition(b" ")[0]
        with closing(sqlite3.connect(file.parent / "legacy.db", timeout=20)) as connection, connection:
            for statement in WRITES.get(wanted, ()):
                connection.execute(statement)
        request.answer()

    with side(answer) as running:
        yield running


def declared(folder: Path, *requests: str) -> Path:
    file = folder / "requests.jsonl"
    told = (request.split(" ") for request in requests)
    file.write_text("\n".join(json.dumps({"method": method, "target": target}) for method, target in told))
    return file


def test_requests_sent_one_at_a_time_show_which_routes_share_a_table(
    caravan: Callable[..., Any], file: Path, old: Side, tmp_path: Path
) -> None:
    requests = declared(
        tmp_path, "GET /customers", "POST /customers", "DELETE /customers/1", "POST /log", "GET /nowhere"
    )
    send = ("cutover", "observe", "send", file, "--requests", requests, "--to", old.url, "--settle", "0.05")
    only_read = caravan(*send)
    assert (only_read.code, len(old.requests)) == (0, 1), only_read.err
    assert "3 left out: declared to write, and --writes is not given" in only_read.err
    assert "1 left out: no route of the file" in only_read.err
    assert "GET /customers  requests.jsonl:1: 200: changed nothing" in only_read.out
    sent = caravan(*send, "--writes")
    assert sent.code == 0, sent.err
    assert "POST /customers  requests.jsonl:2: 200: write customers, write log" in sent.out
    assert "DELETE /customers/{id}  requests.jsonl:3: 200: delete customers" in sent.out
    with closing(sqlite3.connect(file.parent / "legacy.db")) as connection:
        left = connection.execute("SELECT name FROM sqlite_master WHERE name LIKE '%caravan%'").fetchall()
    assert left == [], "what was made for looking is taken away again"

    units = caravan("cutover", "units", file)
    assert (units.code, "cutover_units_split" in units.err) == (3, True)
    assert "1. 3 routes, 3 requests; declared as audit, people" in units.out
    assert "log: POST /customers, POST /log" in units.out
    assert "ownership transfer: " in units.out
    assert "4 uses forgotten" in caravan("cutover", "observe", "forget", file).out
    assert caravan("cutover", "units", file).code == 0


def test_nothing_to_send_is_said(caravan: Callable[..., Any], file: Path, tmp_path: Path) -> None:
    nothing = caravan("cutover", "observe", "send", file)
    assert (nothing.code, "cutover_not_observable" in nothing.err) == (2, True)
    (tmp_path / "bad.jsonl").write_text("{}")
    bad = caravan("cutover", "observe", "send", file, "--requests", tmp_path / "bad.jsonl")
    assert (bad.code, "bad.jsonl:1: this is no request" in bad.err) == (2, True)


def test_triggers_note_which_request_changes_which_table(
    caravan: Callable[..., Any], file: Path, own_database: DatabaseAddress
) -> None:
    assert caravan("cutover", "observe", "collect", file).code == 0  # the organisation is there from here on
    assert "toy_customers" in caravan("cutover", "observe", "on", file, "toy_customers", "toy_visits").out
    unknown = caravan("cutover", "observe", "on", file, "nowhere")
    assert (unknown.code, "Not a table of tenants: nowhere" in unknown.err) == (2, True)
    with psycopg.connect(own_database.libpq(Role.SYSTEM), autocommit=True) as system:
        row = system.execute("SELECT id FROM organisations WHERE code = 'toy-shop'").fetchone()
        assert row is not None
    insert = "INSERT INTO toy_customers (org_id, id, name) VALUES (%(org)s, gen_random_uuid(), 'Ada')"
    with psycopg.connect(own_database.libpq(Role.APP), autocommit=True) as app:
        for asked, statement in (
            ("r1 POST /v2/customers", insert),
            ("r2 DELETE /v2/customers/7", "DELETE FROM toy_customers WHERE name = 'Ada'"),
            ("r3 POST /v2/customers", "UPDATE toy_customers SET name = 'nobody' WHERE name = 'not there'"),
            ("r4 POST /elsewhere", insert),
            ("", insert),
        ):
            with app.transaction():
                app.execute(
                    "SELECT set_config('caravan.org', %s, true), set_config('caravan.request', %s, true)",
                    (str(row[0]), asked),
                )
                app.execute(statement.encode(), {"org": row[0]} if "%(org)s" in statement else None)
    off = caravan("cutover", "observe", "off", file)
    assert "POST /customers: insert toy_customers, 1 requests" in off.out
    assert "DELETE /customers/{id}: delete toy_customers, 1 requests" in off.out
    assert "update" not in off.out, "a statement that changed no row is no use"
    assert "of no route of the file: POST /elsewhere" in off.err
    assert "no longer noted: toy_customers, toy_visits" in off.out
    assert "1. 2 routes, 2 requests; declared as people" in caravan("cutover", "units", file).out
