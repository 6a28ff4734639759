"""Two real stores with a table of orders each, and flows between them that keep log, position and state in the stores.

What a flow is here is little (a log written by triggers), but it is durable: a process that is killed leaves what it had committed.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias
from urllib.parse import parse_qs, unquote, urlsplit

import psycopg
import pymysql

from caravan.core.database import DatabaseAddress
from caravan.migration.capture.changes import Position
from caravan.migration.capture.opening import tag_statements
from caravan.migration.capture.options import CaptureOptions
from caravan.migration.config import read_config_text
from caravan.migration.cutover.fences.mariadb import MariadbFence
from caravan.migration.cutover.fences.postgres import PostgresFence
from caravan.migration.cutover.fences.sqlite import SqliteFence
from caravan.migration.cutover.operating import Cutovers
from caravan.migration.cutover.parties import DirtyCheck, Fence, Parties, Store, TableSums, Verified
from caravan.migration.cutover.sequences import NoSequences
from caravan.migration.sync.flows import Lag
from caravan.migration.units import Scope
from caravan.migration.units.gateway_publisher import GatewayPublisher
from tests.integration.migration.cutover.acting import NOW
from tests.integration.migration.cutover.shop import TEXT

Connection: TypeAlias = Any
Kind: TypeAlias = Literal["sqlite", "mariadb", "postgresql"]

WRITERS = '[[waivers]]\nclass = "writer:{}"\nowner = "ann"\nreason = "a test"\nuntil = 2030-01-01\n'
MADE: Mapping[Kind, Sequence[str]] = {
    "sqlite": (
        "PRAGMA journal_mode = WAL",
        "CREATE TABLE orders (id TEXT PRIMARY KEY)",
        "CREATE TABLE log (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT, op TEXT, tag TEXT)",
        "CREATE TABLE positions (flow TEXT PRIMARY KEY, number INTEGER, state TEXT)",
        "CREATE TABLE caravan_tag (one INTEGER PRIMARY KEY, tag TEXT NOT NULL)",
        (
            "CREATE TRIGGER logged AFTER INSERT ON orders BEGIN INSERT INTO log (id, op, tag)"
            " VALUES (new.id, '+', coalesce((SELECT tag FROM caravan_tag), '')); END"
        ),
        (
            "CREATE TRIGGER unlogged AFTER DELETE ON orders BEGIN INSERT INTO log (id, op, tag)"
            " VALUES (old.id, '-', coalesce((SELECT tag FROM caravan_tag), '')); END"
        ),
    ),
    "mariadb": (
        "CREATE TABLE orders (id varchar(50) PRIMARY KEY)",
        "CREATE TABLE log (seq integer PRIMARY KEY AUTO_INCREMENT, id varchar(50), op char(1), tag varchar(190))",
        "CREATE TABLE positions (flow varchar(20) PRIMARY KEY, number bigint, state varchar(20))",
        (
            "CREATE TRIGGER logged AFTER INSERT ON orders FOR EACH ROW INSERT INTO log (id, op, tag)"
            " VALUES (new.id, '+', coalesce(@caravan_tag, ''))"
        ),
        (
            "CREATE TRIGGER unlogged AFTER DELETE ON orders FOR EACH ROW INSERT INTO log (id, op, tag)"
            " VALUES (old.id, '-', coalesce(@caravan_tag, ''))"
        ),
    ),
    "postgresql": (
        "CREATE SCHEMA shop",
        "CREATE TABLE shop.orders (id text PRIMARY KEY)",
        "CREATE TABLE shop.log (seq serial PRIMARY KEY, id text, op text, tag text DEFAULT coalesce(current_setting('caravan.tag', true), ''))",
        "CREATE TABLE shop.positions (flow text PRIMARY KEY, number bigint, state text)",
        (
            "CREATE FUNCTION shop.log_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF TG_OP = 'INSERT' THEN"
            " INSERT INTO shop.log (id, op) VALUES (new.id, '+'); ELSE INSERT INTO shop.log (id, op) VALUES (old.id, '-'); END IF;"
            " RETURN NULL; END $$"
        ),
        "CREATE TRIGGER logged AFTER INSERT OR DELETE ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.log_it()",
    ),
}
OUTBOX = CaptureOptions(mechanism="outbox")


@dataclass(frozen=True)
class RealStore:
    kind: Kind
    url: str

    def connect(self) -> Connection:
        if self.kind == "sqlite":
            return sqlite3.connect(self.url, timeout=20, isolation_level=None)
        if self.kind == "postgresql":
            return psycopg.connect(self.url, autocommit=True, options="-c search_path=shop")
        parts = urlsplit(self.url)
        socket = unquote(parse_qs(parts.query)["unix_socket"][0])
        return pymysql.connect(
            unix_socket=socket,
            user="root",
            database=parts.path.strip("/"),
            autocommit=True,
            charset="utf8mb4",
        )

    def make(self) -> None:
        for statement in MADE[self.kind]:
            self.run(statement)

    def run(self, statement: str, *values: object) -> list[Any]:
        with closing(self.connect()) as connection:
            return self.execute(connection, statement, *values)

    def execute(self, connection: Connection, statement: str, *values: object) -> list[Any]:
        cursor = connection.cursor()
        cursor.execute(statement if self.kind == "sqlite" else statement.replace("?", "%s"), values)
        return list(cursor.fetchall()) if cursor.description else []

    def ids(self) -> set[str]:
        return {row[0] for row in self.run("SELECT id FROM orders")}

    @property
    def fence(self) -> Fence:
        if self.kind == "sqlite":
            return SqliteFence(Path(self.url), ["orders"])
        if self.kind == "mariadb":
            return MariadbFence(self.url, ["orders"])
        return PostgresFence(self.url, ["shop.orders"])


@dataclass
class LogFlow:
    name: str
    source: RealStore
    target: RealStore

    def seed(self, state: str) -> None:
        self.target.run("INSERT INTO positions (flow, number, state) VALUES (?, 0, ?)", self.name, state)

    def at(self) -> tuple[int, str]:
        return tuple(self.target.run("SELECT number, state FROM positions WHERE flow = ?", self.name)[0])  # type: ignore[return-value]

    def say(self, state: str) -> None:
        self.target.run("UPDATE positions SET state = ? WHERE flow = ?", state, self.name)

    def pump(self) -> None:
        number, state = self.at()
        if state != "running":
            return
        rows = self.source.run("SELECT seq, id, op, tag FROM log WHERE seq > ? ORDER BY seq", number)
        first, last = tag_statements(self.target.kind, f"shop/{self.name}", OUTBOX)
        for seq, key, op, tag in rows:
            with closing(self.target.connect()) as connection:
                run = self.target.execute
                run(connection, "BEGIN")
                for statement in first:
                    run(connection, statement)
                if not tag:
                    run(
                        connection,
                        "INSERT INTO orders VALUES (?)" if op == "+" else "DELETE FROM orders WHERE id = ?",
                        key,
                    )
                for statement in last:
                    run(connection, statement)
                run(connection, "UPDATE positions SET number = ? WHERE flow = ?", seq, self.name)
                run(connection, "COMMIT")

    def prepare(self) -> None:
        self.pump()

    def head(self) -> Position:
        return Position(int(self.source.run("SELECT coalesce(max(seq), 0) FROM log")[0][0]))

    def applied(self) -> Position | None:
        return Position(self.at()[0])

    def lag(self) -> Lag:
        self.pump()
        return Lag(0.0, 0, NOW)

    def running(self) -> bool:
        return self.at()[1] == "running"

    def carried(self) -> bool:
        return self.at()[1] != "stopped"

    def attend(self) -> None:
        self.pump()

    def carry_on(self) -> None:
        self.say("running")
        self.pump()

    def start(self, at: Position) -> None:
        if not self.running():
            self.target.run("UPDATE positions SET number = ? WHERE flow = ?", at.number, self.name)
        self.say("running")

    def apply_exactly_to(self, position: Position, *, within: float) -> None:
        assert within > 0
        self.pump()
        assert self.at()[0] >= position.number

    def watch(self) -> None:
        self.say("watching")

    def stop(self) -> None:
        self.say("stopped")

    def foreign_writes(self) -> int:
        return 0


@dataclass
class SetComparison:
    old: RealStore
    new: RealStore
    pump: Callable[[], None]

    def prepare(self) -> None:
        """Nothing takes long here."""

    def measure(self) -> Mapping[str, Any]:
        return {"rows": 1, "differing": 0, "not_judged": 0}

    def last(self) -> Verified | None:
        return Verified(NOW, 1, 0)

    def dirty(self, *, within: float) -> DirtyCheck:
        assert within > 0
        old, new = self.old.ids(), self.new.ids()
        return DirtyCheck(len(old), sorted(old ^ new))

    def sums(self, side: str) -> Mapping[str, TableSums]:
        self.pump()
        ids = (self.old if side == "old" else self.new).ids()
        return {"orders": TableSums(len(ids), "+".join(sorted(ids)))}


def cutovers(address: DatabaseAddress, scope: Scope, old: RealStore, new: RealStore) -> Cutovers:
    """The product over these stores: real fences, real journal, the real route table, flows that are durable."""
    forward, reverse = LogFlow("forward", old, new), LogFlow("reverse", new, old)

    def pump() -> None:
        forward.pump()
        reverse.pump()

    waived = WRITERS.format("python") + WRITERS.format("python3") + WRITERS.format("postgres")
    config = read_config_text(Path("migration.toml"), TEXT + waived)
    parties = Parties(
        Store("old", old.fence, NoSequences()),
        Store("new", new.fence, NoSequences()),
        forward,
        reverse,
        SetComparison(old, new, pump),
        {},
    )
    made = Cutovers(
        address,
        scope,
        config,
        parties,
        GatewayPublisher(address, config, by="ann"),
        by="ann",
        clock=lambda: NOW,
        sides=lambda: {"old": True, "new": True},
    )
    made.carrier._waived = lambda _class: True
    return made
