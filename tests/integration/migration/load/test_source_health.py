"""The figures that a load watches are told by real servers."""

import signal
import uuid
from contextlib import closing
from pathlib import Path

import pytest

from caravan.core.database import DatabaseAddress
from caravan.migration.load.readers import SourceUnreadable
from caravan.migration.load.source_health import measure_of
from tests.fixtures.capabilities import needs
from tests.fixtures.mariadb_server import PrivateMariadb
from tests.fixtures.source_loads import drafted_load


@needs("mariadbd")
def test_mariadb(mariadb: PrivateMariadb) -> None:
    measure = measure_of(mariadb.url("mysql"))
    assert measure("threads_running") >= 0
    assert measure("replication_lag") == 0


@needs("mariadbd")
def test_a_load_waits_while_its_source_is_busier_than_declared(
    mariadb: PrivateMariadb, own_database: DatabaseAddress, tmp_path: Path
) -> None:
    name = f"t{uuid.uuid4().hex[:12]}"
    with closing(mariadb.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        cursor.execute(f"CREATE TABLE {name}.things (id int PRIMARY KEY)")
        cursor.execute(f"INSERT INTO {name}.things VALUES (1)")  # noqa: S608 - a name of its own making
        place = mariadb.url(name)
        with drafted_load(own_database, tmp_path, f'url = "{place}"', place, "things") as load:
            load.describe("things", rules="pause_above = { threads_running = -1 }")
            report = load.load(said=_Interrupting())
            assert [each.code for each in report.stopped] == ["load_interrupted"]
            load.describe("things", rules="pause_above = { threads_running = 1000 }")
            assert load.load().data_sets["things"].loaded == 1
        cursor.execute(f"DROP DATABASE {name}")


class _Interrupting(list[str]):
    """Asks the load to stop once it says that it waits: then its handler of the signal is in place."""

    def append(self, said: str) -> None:
        super().append(said)
        if said.startswith("waiting: threads_running of mysql://"):
            signal.raise_signal(signal.SIGINT)


def test_postgresql(postgres_server: DatabaseAddress) -> None:
    measure = measure_of(postgres_server.libpq(None))
    assert measure("threads_running") >= 0
    assert measure("replication_lag") >= 0


def test_a_source_that_is_gone_is_told_without_its_password() -> None:
    with pytest.raises(SourceUnreadable) as caught:
        measure_of("postgresql://u:secret@127.0.0.1:1/x")("threads_running")
    assert "secret" not in caught.value.message
