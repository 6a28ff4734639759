"""`caravan migration`: what it writes, prints and ends with."""

import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from caravan.core.clock import utc_now
from caravan.core.database import DatabaseAddress
from caravan.migration.conductor.wishes import hold
from caravan.migration.contract import AnswerShape, Contract, Route, freeze, write_contract
from caravan.migration.units import Scope, connected, held_lease, record_measurement
from tests.integration.entry.conftest import Caravan

FILE = """
[migration]
name = "shop"
org = "demo"
[legacy]
base_url = "{side}"
[new]
base_url = "{side}"
[[units]]
name = "orders"
[[routes]]
template = "/orders"
effect = "read"
key = "address"
unit = "orders"
[[routes]]
template = "/alone"
methods = ["POST"]
effect = "read"
"""
CLEAN: dict[str, dict[str, Any]] = {
    "contract": {"frozen": True, "coverage": 1.0},
    "replay": {"judged": 400, "unexplained": 0},
    "shadow": {"judged": 400, "mismatched": 0, "reported": 0, "coverage": 1.0, "bound": 0.0075},
}


class Well(BaseHTTPRequestHandler):
    """Both sides in one."""

    def do_GET(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def side() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Well)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def file(tmp_path: Path, side: str) -> Path:
    written = tmp_path / "migration.toml"
    written.write_text(FILE.format(side=side))
    return written


def everything(address: DatabaseAddress) -> list[object]:
    """Return what the engine has stored of units."""
    with psycopg.connect(address.url) as connection:
        tables = (
            "migrations",
            "units",
            "unit_transitions",
            "unit_decisions",
            "migration_journal",
            "migration_leases",
        )
        return [connection.execute(f"SELECT * FROM engine.{table}").fetchall() for table in tables]  # noqa: S608 - names of ours


def measure(address: DatabaseAddress) -> None:
    with connected(address) as connection:
        row = connection.execute("SELECT id FROM organisations WHERE code = 'demo'").fetchone()
        assert row is not None
        scope = Scope(UUID(str(row[0])), "shop")
        for kind, figures in CLEAN.items():
            record_measurement(connection, scope, "orders", kind, figures, at=utc_now())


def test_a_unit_is_planned_moved_and_moved_back(
    caravan: Caravan, file: Path, own_database: DatabaseAddress
) -> None:
    assert "not begun" in caravan("migration", "status", file).out
    planned = caravan("migration", "plan", file)
    assert (planned.code, planned.out.splitlines()[0]) == (0, "orders: discovered (reads: old; writes: old)")
    assert "on to contracted (contract): closed" in planned.out
    assert everything(own_database) == [[]] * 6

    closed = caravan("migration", "advance", file, "orders", "contracted")
    assert (closed.code, "contract: nothing yet" in closed.err) == (3, True)
    measure(own_database)
    for state in ("contracted", "replayed", "shadow-read", "canary"):
        done = caravan("migration", "advance", file, "orders", state, "--by", "ann")
        assert (done.code, "moved" in done.out) == (0, True), done.err
    again = caravan("migration", "advance", file, "orders", "canary:1")
    assert (again.code, again.out) == (0, "orders is canary:1 already; nothing was done\n")

    before = everything(own_database)
    for command in ("plan", "status", "journal"):
        assert caravan("migration", command, file).code == 0
    assert everything(own_database) == before
    (unit,) = json.loads(caravan("migration", "status", file, "--json").out)
    assert (unit["at"], unit["values"]["share"], unit["routes"]) == ("canary:1", 0.01, ["GET /orders"])

    assert "close the canary: moved" in caravan("migration", "back", file, "orders", "shadow-read").out
    (planned_unit,) = json.loads(caravan("migration", "plan", file, "orders", "--json").out)
    assert [(way["target"], way["open"]) for way in planned_unit["ways"]] == [
        ("canary:1", True),
        ("replayed", True),
    ]


def test_the_journal_is_printed_and_its_chain_checked(
    caravan: Caravan, file: Path, own_database: DatabaseAddress
) -> None:
    caravan("migration", "advance", file, "orders", "contracted", "--by", "ann")
    printed = caravan("migration", "journal", file, "--json").out.splitlines()
    assert [json.loads(line)["phase"] for line in printed] == ["file read", "promotion", "guard"]
    assert (
        "3 entries, the chain holds; the last hash is"
        in caravan("migration", "journal", file, "--verify").out
    )
    assert "(ann)" in caravan("migration", "journal", file, "--unit", "orders").out
    with psycopg.connect(own_database.url) as connection:
        connection.execute("UPDATE engine.migration_journal SET by = 'eve' WHERE number = 1")
    broken = caravan("migration", "journal", file, "--verify")
    assert (broken.code, "entry 1 was changed" in broken.out) == (1, True)


def test_a_unit_that_somebody_holds_and_a_migration_that_somebody_changes_are_left_alone(
    caravan: Caravan, file: Path, own_database: DatabaseAddress
) -> None:
    caravan("migration", "advance", file, "orders", "contracted")
    with connected(own_database) as connection:
        row = connection.execute("SELECT id FROM organisations").fetchone()
        assert row is not None
        scope = Scope(row[0], "shop")
        with held_lease(connection, scope, holder="ann on bastion"):
            changed = caravan("migration", "advance", file, "orders", "contracted")
            shown = caravan("status")
        assert (changed.code, "ann on bastion holds the migration 'shop' since" in changed.err) == (1, True)
        assert "lease held by ann on bastion since" in shown.out
        hold(connection, scope, "orders", "we look at it", "ann", utc_now())
    held = caravan("migration", "advance", file, "orders", "contracted")
    assert (held.code, "ann holds 'orders' where it is: we look at it" in held.err) == (3, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("advance", "nobody", "contracted"), "there is no unit 'nobody'; there are orders"),
        (("advance", "orders", "done"), "There is no state 'done'"),
        (("back", "orders", "switched"), "from there it goes back to nowhere"),
        (("plan", "nobody"), "there is no unit 'nobody'"),
    ],
)
def test_wrong_use_ends_with_2(caravan: Caravan, file: Path, arguments: tuple[str, ...], said: str) -> None:
    done = caravan("migration", arguments[0], file, *arguments[1:])
    assert (done.code, said in done.err) == (2, True), done.err


def test_check_tells_what_to_look_at_and_what_is_wrong(caravan: Caravan, file: Path) -> None:
    well = caravan("migration", "check", file)
    assert well.code == 0
    assert f"{file}:19:1: note: routes./alone.effect: POST is declared to read" in well.out
    assert "routes./alone: is of no unit" in well.out
    assert "2 routes, 1 units, 0 data sets; nothing is wrong, 2 notes" in well.out
    file.write_text(file.read_text().replace("effect", "efect"))
    wrong = caravan("migration", "check", file)
    assert wrong.code == 2
    assert f"{file}:13:1: routes./orders.efect: there is no such key; did you mean effect?" in wrong.err
    assert wrong.err.count("is missing; add it") == 2


def archive(folder: Path, side: str) -> Path:
    entry = {
        "startedDateTime": "2026-01-01T10:00:00Z",
        "request": {"method": "GET", "url": f"{side}/orders?page=1", "headers": []},
        "response": {"status": 200, "headers": [], "content": {"text": "[]"}},
    }
    written = folder / "traffic.har"
    written.write_text(json.dumps({"log": {"entries": [entry]}}))
    return written


def test_a_file_is_inferred_from_traffic_and_never_written_over(
    caravan: Caravan, tmp_path: Path, side: str
) -> None:
    written = tmp_path / "new.toml"
    arguments = (
        "migration",
        "init",
        written,
        "--har",
        archive(tmp_path, side),
        "--legacy",
        side,
        "--name",
        "shop",
    )
    done = caravan(*arguments)
    assert (done.code, "1 routes, 0 of them proposed as write" in done.out) == (0, True), done.err
    assert caravan("migration", "check", written).code == 0
    text = written.read_text()
    assert 'template = "/orders"' in text
    again = caravan(*arguments)
    assert (again.code, "nothing was written" in again.out, written.read_text()) == (0, True, text)


def test_with_nothing_to_infer_from_nothing_is_written(caravan: Caravan, tmp_path: Path, side: str) -> None:
    for more in ((), ("--legacy", side)):
        done = caravan("migration", "init", tmp_path / "new.toml", *more)
        assert (done.code, "nothing_to_propose" in done.err) == (2, True)
    assert not (tmp_path / "new.toml").exists()


def write_contract_of(folder: Path, *keys: str) -> Path:
    """Write a frozen contract whose routes were seen with 200."""
    routes = {}
    for key in keys:
        method, _, template = key.partition(" ")
        routes[key] = Route(method, template, "read", answers={200: AnswerShape()})
    written = folder / "contract.toml"
    write_contract(written, freeze(Contract("shop", routes)))
    return written


def test_a_frozen_contract_is_measured_and_opens_the_first_gate(
    caravan: Caravan, file: Path, tmp_path: Path
) -> None:
    short = write_contract_of(tmp_path, "GET /other")
    told = caravan("migration", "measure", file, "orders", "--contract", short)
    assert (told.code, '"unseen": ["GET /orders"]' in told.out) == (0, True), told.err
    closed = caravan("migration", "advance", file, "orders", "contracted")
    assert (closed.code, "contract: coverage: 0; needed: at least 0.8" in closed.err) == (3, True)
    whole = write_contract_of(tmp_path, "GET /orders")
    assert caravan("migration", "measure", file, "orders", "--contract", whole, "--by", "ann").code == 0
    assert caravan("migration", "advance", file, "orders", "contracted").code == 0
    phases = [
        json.loads(line)["phase"] for line in caravan("migration", "journal", file, "--json").out.splitlines()
    ]
    assert phases == [
        "measured",
        "file read",
        "promotion",
        "guard",
        "measured",
        "promotion",
        "guard",
        "intent",
        "step",
        "effect",
        "done",
    ]


def test_figures_of_other_tools_are_taken_from_a_file(caravan: Caravan, file: Path, tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    figures.write_text(json.dumps(CLEAN["replay"]))
    done = caravan("migration", "measure", file, "orders", "--kind", "replay", "--figures", figures)
    assert (done.code, done.out) == (0, 'orders: replay: {"judged": 400, "unexplained": 0}\n')
    (unit,) = json.loads(caravan("migration", "plan", file, "--json").out)
    assert unit["state"] == "discovered"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--kind", "replay"),
        ("--kind", "sides", "--figures", "x"),
        ("--kind", "shadow", "--figures", "nowhere"),
    ],
)
def test_a_measurement_without_figures_is_refused(
    caravan: Caravan, file: Path, arguments: tuple[str, ...]
) -> None:
    assert caravan("migration", "measure", file, "orders", *arguments).code == 2


class Terminal(io.StringIO):
    """Somebody who answers."""

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_init_asks(
    caravan: Caravan, tmp_path: Path, side: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    archived = archive(tmp_path, side)
    monkeypatch.setattr("sys.stdin", Terminal(f"shop\nretail\n{side}\n\n{archived}\n\n"))
    written = tmp_path / "asked.toml"
    done = caravan("migration", "init", written)
    assert done.code == 0, done.err
    text = written.read_text()
    for part in ('name = "shop"', 'org = "retail"', f'base_url = "{side}"', 'template = "/orders"'):
        assert part in text
