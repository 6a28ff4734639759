"""The embedded PostgreSQL with a real server."""

import os
import signal
import stat
import time
from pathlib import Path

import asyncpg
import psycopg
import pytest
import sqlalchemy
from sqlalchemy.ext.asyncio import create_async_engine

from caravan.core.embedded import (
    DataOfAnotherVersionError,
    EmbeddedPostgres,
    ServerDidNotStartError,
    TrigramsBrokenError,
    identity,
)
from caravan.core.embedded.cluster import make_cluster
from caravan.core.embedded.process import is_server, read_state

from .conftest import processes_in, wait_for_nobody


def one(dsn: str, query: str) -> object:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row
    return row[0]


def server_pid(server: EmbeddedPostgres) -> int:
    running = server.running()
    assert running
    assert running.pid
    return running.pid


def test_a_cold_start_makes_a_database_that_listens_on_a_private_socket_only(home: Path):
    postgres = EmbeddedPostgres(home, die_with_parent=True)
    said: list[str] = []
    address = postgres.start(said.append)

    assert address.host == str(home / "run")
    assert stat.S_IMODE((home / "run").stat().st_mode) == 0o700
    assert one(address.dsn(), "SHOW listen_addresses") == ""
    assert one(address.dsn(), "SHOW wal_level") == "logical"
    assert one(address.dsn(), "SHOW server_encoding") == "UTF8"
    assert one(address.dsn(), "SHOW timezone") == "UTC"
    assert said[0].startswith("Making a PostgreSQL ")
    assert said[1] == f"PostgreSQL is up (process {server_pid(postgres)})."
    postgres.stop()


def test_arabic_words_have_trigrams_and_letters_have_cases(postgres: EmbeddedPostgres):
    with psycopg.connect(postgres.start().dsn()) as connection:
        connection.execute("CREATE EXTENSION pg_trgm")
        row = connection.execute("SELECT cardinality(show_trgm('منتج')), lower('É')").fetchone()
    assert row == (5, "é")


def test_the_check_of_trigrams_leaves_no_extension_behind(postgres: EmbeddedPostgres):
    dsn = postgres.start().dsn()
    assert one(dsn, "SELECT count(*) FROM pg_extension WHERE extname = 'pg_trgm'") == 0


@pytest.mark.asyncio
async def test_every_driver_connects_by_the_dsn(postgres: EmbeddedPostgres):
    address = postgres.start()
    connection = await asyncpg.connect(address.dsn())
    assert await connection.fetchval("SELECT 1") == 1
    await connection.close()
    engine = create_async_engine(address.dsn(driver="asyncpg"))
    async with engine.connect() as session:
        assert await session.scalar(sqlalchemy.text("SELECT current_user")) == "postgres"
    await engine.dispose()
    plain = sqlalchemy.create_engine(address.dsn(driver="psycopg"))
    with plain.connect() as session_too:
        assert session_too.scalar(sqlalchemy.text("SELECT 2")) == 2
    plain.dispose()


def test_a_stop_leaves_no_process_and_a_warm_start_finds_the_rows(postgres: EmbeddedPostgres, home: Path):
    with psycopg.connect(postgres.start().dsn()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    pid = server_pid(postgres)
    postgres.stop()
    assert processes_in(home) == []
    assert postgres.running() is None

    assert one(postgres.start().dsn(), "SELECT answer FROM kept") == 42
    assert server_pid(postgres) != pid


def test_a_killed_server_recovers_its_rows_at_the_next_start(made_home: Path):
    home, postgres = made_home, EmbeddedPostgres(made_home, die_with_parent=True)
    with psycopg.connect(postgres.start().dsn()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 50000) AS n")
    os.kill(server_pid(postgres), signal.SIGKILL)
    postgres.stop()
    assert wait_for_nobody(home) == []
    assert (home / "postgres" / "postmaster.pid").exists()

    assert one(postgres.start().dsn(), "SELECT count(*) FROM kept") == 50000
    postgres.stop()


def test_a_busy_backend_that_outlives_its_killed_server_is_ended(
    postgres: EmbeddedPostgres, home: Path, monkeypatch: pytest.MonkeyPatch
):
    with psycopg.connect(postgres.start().dsn()) as connection:
        backend = connection.info.backend_pid
        os.kill(backend, signal.SIGSTOP)  # so that it cannot notice
        pid = server_pid(postgres)
        os.kill(pid, signal.SIGKILL)
        while is_server(pid, home / "postgres"):
            time.sleep(0.001)
        monkeypatch.setattr("caravan.core.embedded.process.ORPHAN_SECONDS", 0.2)
        second = EmbeddedPostgres(home, durable=False, die_with_parent=True)
        said: list[str] = []
        assert one(second.start(said.append).dsn(), "SELECT 1") == 1
    assert "PostgreSQL was killed; ending what it left behind." in said
    second.stop()


def test_a_pid_file_that_names_a_stranger_does_not_hinder_the_start(postgres: EmbeddedPostgres, home: Path):
    postgres.start()
    postgres.stop()
    (home / "postgres" / "postmaster.pid").write_text(f"{os.getppid()}\n{home}/postgres\n")
    assert one(postgres.start().dsn(), "SELECT 1") == 1


def test_a_path_too_long_for_sockets_uses_a_short_private_folder(tmp_path: Path):
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    first = EmbeddedPostgres(deep / ".caravan", durable=False, die_with_parent=True)
    second = EmbeddedPostgres(deep / ".caravan", durable=False)
    try:
        address = first.start()
        folder = Path(address.host)
        assert not folder.is_relative_to(deep)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert len(str(address.socket)) <= 107
        assert second.start() == address
        assert one(address.dsn(), "SELECT 1") == 1
    finally:
        second.stop()
        first.stop()
    folder.rmdir()  # empty: the server took its socket away


def test_a_locale_without_arabic_letters_is_refused_and_nothing_is_left(
    home: Path, monkeypatch: pytest.MonkeyPatch
):
    postgres = EmbeddedPostgres(home, durable=False, die_with_parent=True)
    home.mkdir()
    monkeypatch.setattr("caravan.core.embedded.cluster._locales", lambda _: [["--no-locale"]])
    make_cluster(home / "postgres", postgres.binaries, durable=False)
    with pytest.raises(TrigramsBrokenError, match="character type C"):
        postgres.start()
    assert processes_in(home) == []
    assert postgres.running() is None


def test_data_of_another_major_version_is_refused_with_the_way_out(postgres: EmbeddedPostgres, home: Path):
    (home / "postgres" / "PG_VERSION").write_text("14\n")
    with pytest.raises(DataOfAnotherVersionError, match=r"made by PostgreSQL 14.*pg_dumpall"):
        postgres.start()


def test_a_server_that_ends_at_once_is_reported_with_its_last_words(postgres: EmbeddedPostgres, home: Path):
    postgres.start()
    postgres.stop()
    (home / "postgres" / "global" / "pg_control").unlink()
    with pytest.raises(ServerDidNotStartError, match="pg_control"):
        postgres.start()
    assert processes_in(home) == []


def test_a_server_that_never_answers_is_ended(postgres: EmbeddedPostgres, home: Path, monkeypatch):
    monkeypatch.setattr(EmbeddedPostgres, "start_seconds", 0.2)
    monkeypatch.setattr(EmbeddedPostgres, "is_ready", lambda *_: False)
    with pytest.raises(ServerDidNotStartError, match="did not answer within"):
        postgres.start()
    assert processes_in(home) == []


def test_an_interrupted_start_leaves_nothing(postgres: EmbeddedPostgres, home: Path, monkeypatch):
    def interrupt(*_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(EmbeddedPostgres, "is_ready", interrupt)
    with pytest.raises(KeyboardInterrupt):
        postgres.start()
    assert processes_in(home) == []


def test_a_half_made_database_of_a_killed_start_is_made_anew(home: Path):
    postgres = EmbeddedPostgres(home, durable=False, die_with_parent=True)
    (home / "postgres.new").mkdir(parents=True)
    (home / "postgres.new" / "PG_VERSION").write_text("18\n")
    assert one(postgres.start().dsn(), "SELECT 1") == 1
    assert not (home / "postgres.new").exists()
    postgres.stop()


def test_starting_twice_is_a_mistake_and_stopping_twice_is_not(postgres: EmbeddedPostgres):
    postgres.start()
    with pytest.raises(ServerDidNotStartError, match="started already"):
        postgres.start()
    postgres.stop()
    postgres.stop()


def test_a_server_that_ignores_the_polite_signal_is_ended_by_force(
    postgres: EmbeddedPostgres, home: Path, monkeypatch
):
    postgres.start()
    monkeypatch.setattr(EmbeddedPostgres, "stop_signals", ((signal.SIGCONT, 0.1), (signal.SIGKILL, 30.0)))
    postgres.stop()
    assert wait_for_nobody(home) == []


def modes(path: Path) -> dict[Path, tuple[int, int]]:
    return {folder: (folder.stat().st_mode, folder.stat().st_uid) for folder in [path, *path.parents]}


@pytest.mark.skipif(os.geteuid() != 0, reason="what root must not do; run the suite as root to see it")
@pytest.mark.parametrize("namespaces", [True, False], ids=["user namespace", "nobody"])
def test_root_starts_it_below_a_closed_folder_without_a_new_user_or_another_mode(
    home: Path, namespaces: bool, monkeypatch: pytest.MonkeyPatch
):
    if not namespaces:
        monkeypatch.setattr(identity, "_namespaces_work", lambda: False)
    closed = home.parent / "closed"
    closed.mkdir(mode=0o700)
    before, users = modes(closed), Path("/etc/passwd").read_text()
    server = EmbeddedPostgres(closed / ".caravan", durable=False, die_with_parent=True)
    assert one(server.start().dsn(), "SELECT 1") == 1
    owner = (closed / ".caravan" / "postgres").stat().st_uid
    server.stop()
    assert owner == (0 if namespaces else 65534)
    assert modes(closed) == before
    assert Path("/etc/passwd").read_text() == users


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can take over the data of another user")
def test_root_gives_its_data_to_nobody_where_namespaces_are_refused_later(
    postgres: EmbeddedPostgres, home: Path, monkeypatch: pytest.MonkeyPatch
):
    with psycopg.connect(postgres.start().dsn()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    postgres.stop()
    monkeypatch.setattr(identity, "_namespaces_work", lambda: False)
    assert one(postgres.start().dsn(), "SELECT answer FROM kept") == 42
    assert (home / "postgres").stat().st_uid == 65534


def test_a_log_that_grew_large_is_put_aside(postgres: EmbeddedPostgres, home: Path, monkeypatch):
    monkeypatch.setattr("caravan.core.embedded.process._LONGEST_LOG", 10)
    postgres.start()
    postgres.stop()
    postgres.start()
    assert (home / "log" / "postgres.log.old").exists()


def test_the_state_file_says_how_to_reach_the_server(postgres: EmbeddedPostgres, home: Path):
    postgres.start()
    recorded = read_state(home / "run" / "postgres.state")
    assert recorded.reach == {"host": str(home / "run"), "port": "5432"}
