"""A target that takes no writes or has no room left: said in words, nothing half done, and the load goes on when it is mended."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from caravan.core.database import DatabaseAddress
from tests.fixtures.databases import as_administrator
from tests.fixtures.toy.shop import Shop, orders
from tests.integration.entry.conftest import Caravan

_ORDERS = 3_000


def test_a_target_that_takes_no_writes_is_named_and_nothing_is_written(
    caravan: Caravan, shop: Shop, own_database: DatabaseAddress
) -> None:
    name = own_database.database
    as_administrator(own_database, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    done = caravan("load", shop.file, "--workers", 0)
    as_administrator(
        own_database,
        "SET default_transaction_read_only = off",
        f"ALTER DATABASE {name} RESET default_transaction_read_only",
    )
    assert (done.code, "database_read_only" in done.err) == (1, True), done.err
    assert "what to do: Give DATABASE_URL the primary server" in done.err
    assert "Traceback" not in done.err
    assert shop.value("SELECT count(*) FROM engine.load_runs") == 0
    assert caravan("load", shop.file, "--workers", 0).code == 0


@pytest.fixture
def small_disk(postgres_server: DatabaseAddress) -> Iterator[tuple[Path, Callable[[str], None]]]:
    """A disk of 2 MB that the server may write to, and what makes it larger."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a small disk; to enable: run the tests as root")
    place = Path(tempfile.mkdtemp(prefix="caravan-disk-"))
    place.chmod(0o711)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", place], check=False, capture_output=True
    )
    try:
        if done.returncode != 0:
            pytest.skip("needs the right to mount; to enable: run the tests as root outside of a container")
        with _mounted(place, postgres_server) as folder:
            yield (
                folder,
                lambda size: (
                    subprocess.run(["mount", "-o", f"remount,size={size}", place], check=True) and None
                ),
            )
    finally:
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def _mounted(place: Path, server: DatabaseAddress) -> Iterator[Path]:
    folder = place / "tables"
    try:
        folder.mkdir()
        with psycopg.connect(server.libpq(None)) as connection:
            row = connection.execute("SHOW data_directory").fetchone()
        assert row is not None
        owner = Path(row[0]).stat()
        os.chown(folder, owner.st_uid, owner.st_gid)
        os.chown(place, owner.st_uid, owner.st_gid)
        yield folder
    finally:
        subprocess.run(["umount", place], check=True)


def test_a_disk_that_is_full_stops_the_load_and_it_goes_on_when_there_is_room(
    caravan: Caravan,
    shop: Shop,
    own_database: DatabaseAddress,
    small_disk: tuple[Path, Callable[[str], None]],
) -> None:
    folder, enlarge = small_disk
    space = f"small_{own_database.database}"
    documents = orders(_ORDERS, customers=10)
    for number, document in enumerate(documents):
        document["number"] = f"{number} " + os.urandom(500).hex()
    shop.dump("orders", documents)
    as_administrator(
        own_database,
        f"CREATE TABLESPACE {space} LOCATION '{folder}'",
        f"ALTER TABLE toy_orders SET TABLESPACE {space}",
    )
    try:
        done = caravan("load", shop.file, "--workers", 0)
        assert (done.code, "stopped (load_stopped)" in done.out) == (4, True), done.out + done.err
        assert "No space left on device" in " ".join(done.out.split())
        assert "run the same command again" in " ".join(done.out.split())
        there = shop.value("SELECT count(*) FROM toy_orders")
        in_ledger = shop.value(
            "SELECT coalesce(sum(records - quarantined), 0) FROM engine.ledger WHERE data_set = 'orders'"
        )
        assert 0 < there < _ORDERS
        assert there == in_ledger
        enlarge("200m")
        assert caravan("load", shop.file, "--workers", 0).code == 0
        assert shop.value("SELECT count(*) FROM toy_orders") == _ORDERS
    finally:
        as_administrator(own_database, "DROP TABLE toy_orders CASCADE", f"DROP TABLESPACE {space}")
