"""A load that is killed, cut off or told to stop leaves nothing half done, and the next one ends it."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from caravan.core.database import DatabaseAddress, Role
from caravan.migration.load import LoadRunningError
from caravan.migration.load.journal import open_journal
from tests.fixtures.toy.shop import ORG, Shop, customers, make_shop, orders

RUNNER = """
import sys
from pathlib import Path
from caravan.core.database import DatabaseAddress
from tests.fixtures.toy.shop import Shop

if __name__ == "__main__":
    shop = Shop(DatabaseAddress(sys.argv[1]), Path(sys.argv[2]))
    report = shop.load(workers=2)
    print(report.to_json())
    sys.exit(report.exit_code)
"""


@pytest.fixture
def shop(own_database: DatabaseAddress, tmp_path: Path) -> Shop:
    shop = make_shop(own_database, tmp_path)
    shop.dump("customers", customers(40))
    documents = orders(4000, customers=40, lines=4)
    documents[3000]["_id"] = documents[10]["_id"]
    documents[2000]["total"] = "NaN"
    shop.dump("orders", documents)
    (tmp_path / "runner.py").write_text(RUNNER)
    return shop


def start(shop: Shop) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, str(shop.folder / "runner.py"), shop.database.url, str(shop.folder)],
        env={**os.environ, "PYTHONPATH": f"{Path.cwd()}{os.pathsep}{Path.cwd() / 'src'}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def wait_for_chunks(shop: Shop, process: "subprocess.Popen[str]", chunks: int) -> None:
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        if shop.value("SELECT count(*) FROM engine.ledger") >= chunks:
            return
        time.sleep(0.01)


def whole(shop: Shop) -> bool:
    """Whether what is there is exactly what the ledger says."""
    keys = shop.value("SELECT count(*) FROM engine.legacy_keys")
    proven = shop.value("SELECT coalesce(sum(records - quarantined), 0) FROM engine.ledger")
    rows = shop.value("SELECT (SELECT count(*) FROM toy_orders) + (SELECT count(*) FROM toy_customers)")
    lines = shop.value("SELECT count(*) FROM toy_lines")
    said = shop.value("SELECT coalesce(sum((sums -> 'toy_lines' ->> 0)::int), 0) FROM engine.ledger")
    return bool(keys == proven == rows and lines == said)


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_killed_at_random_moments_it_ends_with_the_checksums_of_a_straight_load(
    shop: Shop, own_database: DatabaseAddress
) -> None:
    chance = random.Random(20111209)  # noqa: S311 - moments, not secrets
    for attempt in range(8):
        process = start(shop)
        wait_for_chunks(shop, process, 1 + attempt)
        time.sleep(chance.random() / 4)
        children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        workers = [child for child in children if "spawn_main" in " ".join(child.cmdline())]
        if attempt % 2 and workers:
            chance.choice(workers).kill()
            output, _ = process.communicate(timeout=60)
            assert process.returncode in {0, 3, 4}, output
        else:
            process.kill()
            process.communicate()
        psutil.wait_procs(children, timeout=10)
        assert all(gone(child) for child in children)
        assert whole(shop)
    report = shop.load(workers=2)
    assert report.exit_code == 3, report.to_json()
    assert sorted(item.kind for item in report.quarantine) == ["amount.not_a_number", "key.repeated"]
    assert report.data_sets["orders"].read == 4000
    assert whole(shop)
    resumed = report.checksums
    shop.rows("DELETE FROM toy_lines")
    shop.rows("DELETE FROM legacy_rps.toy_side")
    for table in ("toy_orders", "toy_customers", "engine.legacy_keys", "engine.ledger", "engine.quarantine"):
        shop.rows(f"DELETE FROM {table}")  # noqa: S608 - names of this test
    assert shop.load().checksums == resumed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_rolls_back_what_is_in_flight_and_says_that_it_can_be_resumed(
    shop: Shop, number: int
) -> None:
    process = start(shop)
    wait_for_chunks(shop, process, 2)
    children = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 4, output
    assert "load_interrupted" in output
    assert "can be resumed" in output
    psutil.wait_procs(children, timeout=10)
    assert all(gone(child) for child in children)
    assert whole(shop)
    assert shop.value("SELECT status FROM engine.load_runs ORDER BY created_at DESC LIMIT 1") == "stopped"
    assert shop.load().data_sets["orders"].read == 4000


def test_a_lost_connection_stops_the_load_and_the_next_one_goes_on(
    shop: Shop, own_database: DatabaseAddress
) -> None:
    process = start(shop)
    wait_for_chunks(shop, process, 3)
    with psycopg.connect(own_database.url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'caravan load' AND pid <> pg_backend_pid()"
        )
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 4, output
    assert '"load_stopped"' in output
    assert whole(shop)
    assert shop.load().data_sets["orders"].quarantined == 2


def test_the_worker_that_loses_its_connection_alone_stops_the_load(
    shop: Shop, own_database: DatabaseAddress
) -> None:
    process = start(shop)
    wait_for_chunks(shop, process, 2)
    with psycopg.connect(own_database.url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = (SELECT pid FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'caravan load'"
            " AND query LIKE '%staged_%' LIMIT 1)"
        )
    output, _ = process.communicate(timeout=60)
    assert process.returncode in {3, 4}, output
    assert whole(shop)
    assert shop.load().exit_code == 3


def test_two_loads_of_one_migration_do_not_run_at_once(shop: Shop) -> None:
    with (
        open_journal(shop.database, ORG, "toy"),
        pytest.raises(LoadRunningError, match="toy") as refused,
    ):
        shop.load()
    assert refused.value.code == "load_running"


def test_a_run_that_was_overtaken_can_commit_nothing_more(shop: Shop) -> None:
    class Overtaking:
        def begin(self, *_: object) -> None: ...
        def end(self) -> None: ...
        def note(self, _text: str) -> None: ...
        def advance(self, *_: object) -> None:
            with psycopg.connect(shop.database.libpq(Role.SYSTEM)) as connection:
                connection.execute("UPDATE engine.load_runs SET status = 'interrupted'")

    from caravan.migration.load import run_load  # noqa: PLC0415 - beside the stand-in that needs it

    report = run_load(shop.request(), Overtaking())
    assert report.exit_code == 4
    assert "another run" in report.stopped[0].message
    assert shop.value("SELECT count(*) FROM engine.ledger") == 1
