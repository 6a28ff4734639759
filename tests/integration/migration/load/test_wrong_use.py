"""What is asked wrongly is refused before anything is written; what breaks outside is said and can be resumed."""

from pathlib import Path

import psycopg
import pytest

from caravan.core.database import DatabaseAddress
from caravan.migration.config import ConfigError
from caravan.migration.load import run_load, verify
from caravan.migration.load.errors import LoadInterruptedError
from caravan.migration.load.readers import SourceCollectionMissing, SourceUnreadable
from tests.fixtures.toy.shop import Shop, customers, make_shop, oid, orders


@pytest.fixture
def shop(own_database: DatabaseAddress, tmp_path: Path) -> Shop:
    shop = make_shop(own_database, tmp_path)
    shop.dump("customers", customers(10))
    shop.dump("orders", orders(80, customers=10))
    return shop


def nothing_written(shop: Shop) -> bool:
    return bool(shop.value("SELECT count(*) FROM engine.load_runs") == 0)


def test_a_collection_that_the_source_lacks_is_named(shop: Shop) -> None:
    (shop.folder / "dump" / "shop" / "orders.bson").unlink()
    with pytest.raises(SourceCollectionMissing, match="orders"):
        shop.load()
    assert nothing_written(shop)


def test_a_source_that_is_not_there_is_named(shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match="nowhere"):
        shop.load(source_override=tmp_path / "nowhere")
    assert nothing_written(shop)


def test_a_kind_that_no_reader_knows_is_named(shop: Shop) -> None:
    shop.file.write_text(shop.file.read_text().replace('"mongodump"', '"oracle"'))
    with pytest.raises(ConfigError, match="oracle"):
        shop.load()
    assert nothing_written(shop)


class Interfering:
    """A progress that does something at the first chunk."""

    def __init__(self, act: object) -> None:
        self.act = act

    def begin(self, *_: object) -> None: ...

    def end(self) -> None: ...

    def note(self, _text: str) -> None: ...

    def advance(self, *_: object) -> None:
        self.act()  # type: ignore[operator]  # a function


def test_a_database_that_goes_away_stops_the_load_with_what_was_done(
    shop: Shop, own_database: DatabaseAddress
) -> None:
    def end_all_connections() -> None:
        with psycopg.connect(own_database.url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    report = run_load(shop.request(), Interfering(end_all_connections))
    assert report.exit_code == 4
    assert report.stopped[0].code == "load_stopped"
    assert shop.load().exit_code == 0


def test_a_dry_run_can_be_stopped_too(shop: Shop) -> None:
    def stop() -> None:
        raise LoadInterruptedError("stopped by a signal")

    report = run_load(shop.request(dry_run=True), Interfering(stop))
    assert report.exit_code == 4
    assert report.data_sets["customers"].read == 10
    assert report.data_sets["orders"].read == 0


def test_a_source_that_was_cut_since_is_seen_as_changed(shop: Shop) -> None:
    shop.load()
    file = shop.folder / "dump" / "shop" / "orders.bson"
    file.write_bytes(file.read_bytes()[:-100])
    report = verify(shop.request())
    assert not report.ok
    assert report.checks["source"]["changed_chunks"] == {"orders": [1]}


def test_a_record_without_a_key_is_quarantined_without_one(shop: Shop) -> None:
    shop.dump("customers", [{"_id": 1.5, "name": "x"}, {"_id": oid(1), "name": "y"}])
    report = shop.load()
    (item,) = [item for item in report.quarantine if item.data_set == "customers"]
    assert (item.kind, item.key) == ("key.missing", None)
