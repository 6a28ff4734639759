"""Fences on real stores with writers at work: whoever is told yes before is whole, whoever comes after is told no, reads go on."""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias
from uuid import uuid4

import psycopg
import pymysql
import pytest

from caravan.core.database import DatabaseAddress
from caravan.migration.capture.opening import tag_statements
from caravan.migration.cutover.errors import FenceRefusedError
from caravan.migration.cutover.fences.mariadb import MariadbFence
from caravan.migration.cutover.fences.postgres import PostgresFence
from caravan.migration.cutover.fences.sqlite import SqliteFence
from caravan.migration.cutover.parties import Fence
from caravan.migration.cutover.sequences import MariadbSequences, PostgresSequences
from tests.fixtures.capabilities import needs
from tests.fixtures.mariadb_server import PrivateMariadb

Connection: TypeAlias = Any
"""Of one of three drivers."""

TABLE = "CREATE TABLE {} (id {} PRIMARY KEY, total integer NOT NULL)"


@dataclass
class Kind:
    """A store: how one connects, what statements fail with when they meet the fence."""

    fence: Fence
    connect: Callable[[], Any]
    refused: tuple[type[Exception], ...]
    tags: tuple[list[str], list[str]]
    mark: str = "%s"
    truncate: str | None = None

    def run(self, statement: str, *values: object) -> list[Any]:
        with closing(self.connect()) as connection:
            return run(connection, statement.replace("?", self.mark), values)


def run(connection: Connection, statement: str, values: Sequence[object] = ()) -> list[Any]:
    cursor = connection.cursor()
    cursor.execute(statement, tuple(values))
    rows = list(cursor.fetchall()) if cursor.description else []
    connection.commit()
    return rows


@pytest.fixture
def postgres(own_database: DatabaseAddress) -> Kind:
    url = own_database.libpq(None, application="shop")

    with psycopg.connect(url) as connection:
        connection.execute("CREATE SCHEMA shop")
        connection.execute(TABLE.format("shop.orders", "serial"))
        connection.execute("CREATE TABLE shop.events (id integer, at date NOT NULL) PARTITION BY RANGE (at)")
        connection.execute(
            "CREATE TABLE shop.events_1 PARTITION OF shop.events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')"
        )
    fence = PostgresFence(url, ["shop.orders", "shop.events"])
    return Kind(
        fence,
        lambda: psycopg.connect(url, options="-c search_path=shop"),
        (psycopg.errors.ReadOnlySqlTransaction,),
        tag_statements("postgresql", "shop/reverse"),
        truncate="TRUNCATE orders",
    )


@pytest.fixture
def maria(mariadb: PrivateMariadb) -> Kind:
    name = f"shop_{uuid4().hex[:8]}"
    with closing(mariadb.connect()) as connection:
        run(connection, f"CREATE DATABASE {name}")
        run(connection, f"USE {name}")
        run(connection, TABLE.format("orders", "integer AUTO_INCREMENT"))
        run(connection, "CREATE TABLE caravan_applied (tag varchar(190) PRIMARY KEY, applied integer)")
    return Kind(
        MariadbFence(mariadb.url(name), ["orders"]),
        lambda: mariadb.connect(name),
        (pymysql.err.OperationalError,),
        tag_statements("mariadb", "shop/reverse"),
    )


@pytest.fixture
def lite(tmp_path: Path) -> Kind:
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as connection:
        run(connection, "PRAGMA journal_mode = WAL")
        run(connection, TABLE.format("orders", "integer"))
    return Kind(
        SqliteFence(path, ["orders"]),
        lambda: sqlite3.connect(path, timeout=10),
        (sqlite3.IntegrityError,),
        tag_statements("sqlite", "shop/reverse"),
        mark="?",
    )


KINDS = [pytest.param("postgres"), pytest.param("maria", marks=needs("mariadbd")), pytest.param("lite")]


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> Kind:
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]


@dataclass
class Writers:
    """Threads that insert, each in transactions of two rows, and remember what was confirmed."""

    kind: Kind
    confirmed: list[int] = field(default_factory=list)
    refused: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def working(self, threads: int) -> Iterator[None]:
        running = [threading.Thread(target=self.work, args=(number,)) for number in range(threads)]
        for one in running:
            one.start()
        try:
            yield
        finally:
            self.stop.set()
            for one in running:
                one.join(30)

    def work(self, number: int) -> None:
        statement = f"INSERT INTO orders (id, total) VALUES ({self.kind.mark}, 1)"  # noqa: S608 - a mark
        with closing(self.kind.connect()) as connection:
            key = number * 1_000_000 + 1
            while not self.stop.is_set():
                cursor = connection.cursor()
                try:
                    if self.kind.mark == "%s" and not isinstance(connection, psycopg.Connection):
                        cursor.execute("BEGIN")
                    cursor.execute(statement, (key,))
                    cursor.execute(statement, (key + 1,))
                    connection.commit()
                except self.kind.refused:
                    connection.rollback()
                    self.refused += 1
                else:
                    self.confirmed += [key, key + 1]
                key += 2

    def until(self, enough: Callable[[], bool]) -> None:
        for _ in range(6000):
            if enough():
                return
            self.stop.wait(0.005)
        raise AssertionError("the writers do not get on")


@pytest.mark.parametrize("kind", KINDS, indirect=True)
def test_behind_a_fence_nothing_changes_and_what_was_confirmed_is_there(kind: Kind) -> None:
    fence, transition, writers = kind.fence, uuid4(), Writers(kind)
    with writers.working(3):
        writers.until(lambda: len(writers.confirmed) > 20)
        fence.put_up(transition, within=20)
        while fence.old_transactions():
            pass
        first = kind.run("SELECT id FROM orders ORDER BY id")
        seen = writers.refused
        writers.until(lambda: writers.refused > seen + 20)
        assert kind.run("SELECT id FROM orders ORDER BY id") == first
        assert fence.is_up(transition)
        fence.take_down(transition, within=20)
        confirmed = len(writers.confirmed)
        writers.until(lambda: len(writers.confirmed) > confirmed + 20)
    assert fence.standing() == []
    rows = {row[0] for row in kind.run("SELECT id FROM orders")}
    assert set(writers.confirmed) == rows
    assert {row[0] for row in first} <= rows


@pytest.mark.parametrize("kind", KINDS, indirect=True)
@pytest.mark.parametrize(
    "statement",
    ["INSERT INTO orders (id, total) VALUES (9, 9)", "UPDATE orders SET total = 2", "DELETE FROM orders"],
)
def test_every_kind_of_write_is_refused_in_words_and_the_applier_passes(kind: Kind, statement: str) -> None:
    transition = uuid4()
    kind.run("INSERT INTO orders (id, total) VALUES (1, 1)")
    kind.fence.put_up(transition, within=20)
    with pytest.raises(kind.refused, match=r"caravan fence: .*orders takes no writes"):
        kind.run(statement)
    first, last = kind.tags
    with closing(kind.connect()) as applier:
        for each in (*first, statement, *last):
            applier.cursor().execute(each)
        applier.commit()
    assert kind.run("SELECT id, total FROM orders ORDER BY id") != [(1, 1)]
    with pytest.raises(kind.refused):
        kind.run("INSERT INTO orders (id, total) VALUES (10, 10)")


@pytest.mark.parametrize("kind", KINDS, indirect=True)
def test_a_fence_found_after_a_crash_tells_whose_it_is_and_can_be_completed_or_taken_down(kind: Kind) -> None:
    one = uuid4()
    assert kind.fence.standing() == []
    for _ in range(2):
        kind.fence.put_up(one, within=20)
    assert (list(kind.fence.standing()), kind.fence.is_up(one), kind.fence.is_up(uuid4())) == (
        [one],
        True,
        False,
    )
    by_hand = list(kind.fence.by_hand(one))
    kind.run(by_hand[0])  # as by somebody in a hurry, who stops half-way
    assert not kind.fence.is_up(one)
    kind.fence.put_up(one, within=20)
    assert kind.fence.is_up(one)
    for statement in kind.fence.by_hand(one):
        kind.run(statement)
    assert kind.fence.standing() == []
    kind.run("INSERT INTO orders (id, total) VALUES (1, 1)")
    for _ in range(2):
        kind.fence.take_down(one, within=20)


@pytest.mark.parametrize("kind", KINDS, indirect=True)
def test_a_transaction_that_does_not_end_keeps_the_fence_down_and_is_named(kind: Kind) -> None:
    transition = uuid4()
    with closing(kind.connect()) as busy:
        if kind.mark == "?":
            busy.execute("BEGIN IMMEDIATE")
        elif not isinstance(busy, psycopg.Connection):
            busy.cursor().execute("BEGIN")
        busy.cursor().execute("INSERT INTO orders (id, total) VALUES (1, 1)")
        with pytest.raises(FenceRefusedError) as refused:
            kind.fence.put_up(transition, within=0.3)
        assert any(word in refused.value.message for word in ("pid", "connection", "write lock"))
        assert not kind.fence.is_up(transition)
        busy.commit()
    kind.fence.take_down(transition, within=20)
    assert kind.fence.standing() == []
    kind.run("INSERT INTO orders (id, total) VALUES (2, 2)")


def test_postgresql_refuses_truncate_also_of_partitions_and_sessions_in_the_role_of_a_replica(
    postgres: Kind,
) -> None:
    postgres.fence.put_up(uuid4(), within=20)
    for statement in (
        "TRUNCATE orders",
        "TRUNCATE events_1",
        "INSERT INTO events VALUES (1, '2026-02-02')",
        "INSERT INTO events_1 VALUES (1, '2026-02-02')",
        "SET session_replication_role = replica; INSERT INTO orders (total) VALUES (1)",
        "COPY orders (total) FROM PROGRAM 'echo 1'",
    ):
        with pytest.raises(postgres.refused):
            postgres.run(statement)


def test_postgresql_opens_at_once_also_while_somebody_reads_for_long(postgres: Kind) -> None:
    transition = uuid4()
    postgres.fence.put_up(transition, within=20)
    with closing(postgres.connect()) as reader:
        reader.execute("SELECT * FROM orders")
        postgres.fence.take_down(transition, within=0.2)
        postgres.run("INSERT INTO orders (total) VALUES (1)")
        assert postgres.fence.standing() == []
    postgres.fence.take_down(transition, within=20)
    assert postgres.run("SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'caravan_fence%%'") == [(0,)]


def test_a_fence_for_one_tenant_lets_the_others_write(own_database: DatabaseAddress) -> None:
    url = own_database.libpq(None)
    mine, other = str(uuid4()), str(uuid4())
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE public.things (org_id uuid, n integer)")
        for org in (mine, other):
            connection.execute("INSERT INTO things VALUES (%s, 1)", (org,))
        PostgresFence(url, ["public.things"], only=("org_id", mine)).put_up(uuid4(), within=20)
        for statement in (
            "INSERT INTO things VALUES (%s, 2)",
            "UPDATE things SET n = 2 WHERE org_id = %s",
            "DELETE FROM things WHERE org_id = %s",
        ):
            connection.execute(statement.encode(), (other,))
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                connection.execute(statement.encode(), (mine,))
        connection.execute("INSERT INTO things VALUES (%s, 3)", (other,))
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("UPDATE things SET org_id = %s WHERE org_id = %s", (mine, other))


def test_who_writes_past_the_gateway_is_listed(postgres: Kind, own_database: DatabaseAddress) -> None:
    with psycopg.connect(own_database.libpq(None, application="nightly report")) as connection:
        connection.execute("SELECT 1")
        names = {writer.name for writer in postgres.fence.writers()}
    assert "postgres/nightly report" in names
    assert not any("caravan fence" in name for name in names)


@needs("mariadbd")
def test_mariadb_says_when_somebody_has_locked_the_tables_for_reading(maria: Kind) -> None:
    with closing(maria.connect()) as busy:
        run(busy, "LOCK TABLES orders READ")
        with pytest.raises(FenceRefusedError, match="a transaction or LOCK TABLES is open"):
            maria.fence.put_up(uuid4(), within=0.3)


@needs("mariadbd")
def test_mariadb_takes_the_right_to_truncate_and_gives_it_back(maria: Kind, mariadb: PrivateMariadb) -> None:
    name, user = str(maria.run("SELECT DATABASE()")[0][0]), f"app_{uuid4().hex[:8]}"
    maria.run(f"CREATE USER {user}@localhost IDENTIFIED BY 'x'")
    maria.run(f"GRANT ALL ON {name}.* TO {user}@localhost")

    def truncated() -> None:
        with closing(
            pymysql.connect(unix_socket=str(mariadb.socket), user=user, password="x", database=name)
        ) as connection:
            run(connection, "TRUNCATE orders")

    truncated()
    assert [writer.name for writer in maria.fence.writers()] == []
    transition = uuid4()
    maria.fence.put_up(transition, within=20)
    with pytest.raises(pymysql.err.OperationalError, match="denied"):
        truncated()
    assert any(statement.startswith("GRANT DROP") for statement in maria.fence.by_hand(transition))
    maria.fence.take_down(transition, within=20)
    truncated()
    maria.run(f"DROP USER {user}@localhost")


@needs("mariadbd")
def test_sequences_are_set_behind_every_key(
    maria: Kind, postgres: Kind, own_database: DatabaseAddress
) -> None:
    for kind, sequences, name in (
        (maria, MariadbSequences(maria.fence._url, ["orders"]), "orders"),  # type: ignore[attr-defined]
        (postgres, PostgresSequences(own_database.libpq(None), ["shop.orders"]), "shop.orders_id_seq"),
    ):
        kind.run("INSERT INTO orders (id, total) VALUES (700, 1)")
        assert sequences.prime(margin=1000, within=20) == {name: 1700}
        assert sequences.prime(margin=1000, within=20) == {}
        kind.run("INSERT INTO orders (total) VALUES (2)")
        assert kind.run("SELECT max(id) FROM orders")[0][0] >= 1700


def test_a_sequence_that_only_a_default_names_is_set_too(
    postgres: Kind, own_database: DatabaseAddress
) -> None:
    postgres.run("CREATE SEQUENCE shop.numbers")
    postgres.run("CREATE SEQUENCE shop.marks")
    postgres.run("ALTER TABLE orders ADD number bigint DEFAULT nextval('shop.numbers')")
    postgres.run("ALTER TABLE orders ADD mark text DEFAULT 'M' || nextval('shop.marks')")
    postgres.run("INSERT INTO orders (id, total, number, mark) VALUES (1, 1, 700, 'M700')")

    sequences = PostgresSequences(own_database.libpq(None), ["shop.orders"])

    assert sequences.prime(margin=1000, within=20) == {"shop.numbers": 1700, "shop.orders_id_seq": 1001}
    assert sequences.prime(margin=1000, within=20) == {}
    postgres.run("INSERT INTO orders (total) VALUES (2)")
    assert postgres.run("SELECT max(number) FROM orders")[0][0] == 1701


def test_a_sequence_of_several_columns_is_set_behind_the_greatest_of_them(
    postgres: Kind, own_database: DatabaseAddress
) -> None:
    postgres.run("CREATE TABLE shop.returns (number bigint DEFAULT nextval('shop.orders_id_seq'))")
    postgres.run("INSERT INTO shop.returns VALUES (900)")
    postgres.run("INSERT INTO orders (id, total) VALUES (5, 1)")

    sequences = PostgresSequences(own_database.libpq(None), ["shop.orders", "shop.returns"])

    assert sequences.prime(margin=10, within=20) == {"shop.orders_id_seq": 910}
    assert sequences.prime(margin=10, within=20) == {}
