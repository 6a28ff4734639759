"""Switches on real stores: killed with signal 9 and settled by the next call; a drill there and back."""

import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
import pymysql

from caravan.core.database import DatabaseAddress
from caravan.migration.cutover.drill import Drill
from caravan.migration.cutover.operating import Cutovers
from caravan.migration.units import (
    Scope,
    UnitValues,
    connected,
    entries,
    record_measurement,
    register,
    stored_units,
    verify_chain,
)
from tests.fixtures.capabilities import needs
from tests.fixtures.mariadb_server import PrivateMariadb
from tests.integration.migration.cutover.acting import NOW
from tests.integration.migration.cutover.real_stores import Kind, LogFlow, RealStore, cutovers
from tests.integration.migration.cutover.shop import AT_CANARY, CANARY, CONFIG, PLACE

REFUSED = (sqlite3.IntegrityError, pymysql.err.OperationalError, psycopg.errors.ReadOnlySqlTransaction)


@dataclass
class Pair:
    address: DatabaseAddress
    scope: Scope
    old: RealStore
    new: RealStore
    accepted: set[str]

    @property
    def made(self) -> Cutovers:
        made = cutovers(self.address, self.scope, self.old, self.new)
        made.patience = 0.0
        return made

    def write(self, key: str) -> None:
        """Write past the gateways into whatever store takes it: what was taken must never be lost."""
        for store in (self.old, self.new):
            if store is self.new and self.values.state < 7:
                continue
            try:
                store.run("INSERT INTO orders (id) VALUES (?)", key)
            except REFUSED:
                continue
            self.accepted.add(key)
            return

    def place(self, values: UnitValues) -> None:
        with connected(self.address) as connection:
            register(connection, self.scope, CONFIG, by="ann", at=NOW)
            row = {"state": values.state, "stage": values.stage, "share": values.share, "salt": values.salt}
            connection.execute(PLACE.encode(), {**self.scope.parameters, **row})
            record_measurement(connection, self.scope, "orders", "canary", CANARY, at=NOW)

    @property
    def values(self) -> UnitValues:
        with connected(self.address, read_only=True) as connection:
            return stored_units(connection, self.scope)["orders"].values

    def settled(self) -> None:
        """Check that nothing is lost, doubled (keys are unique), held, or fenced for good."""
        values = self.values
        self.write(f"settled {uuid4().hex}")
        for flow in (LogFlow("forward", self.old, self.new), LogFlow("reverse", self.new, self.old)):
            flow.pump()
        assert (values.held, values.armed) == (False, False)
        assert self.accepted == self.old.ids() == self.new.ids()
        assert bool(self.old.fence.standing()) == (values.state >= 7)
        assert self.new.fence.standing() == []
        with connected(self.address, read_only=True) as connection:
            assert verify_chain(one.as_json() for one in entries(connection, self.scope)) is None


def paired(address: DatabaseAddress, old: RealStore) -> Pair:
    """Make both stores, with some orders on both sides."""
    new = RealStore("postgresql", address.libpq(None, application="postgres"))
    for store in (old, new):
        store.make()
    LogFlow("forward", old, new).seed("running")
    LogFlow("reverse", new, old).seed("watching")
    pair = Pair(address, Scope(uuid4(), "shop"), old, new, set())
    pair.place(AT_CANARY)
    for number in range(5):
        pair.write(f"first {number}")
    return pair


@contextmanager
def killer(pair: Pair) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.migration.cutover.killed_switch",
         pair.address.url, pair.old.kind, pair.old.url, pair.new.url],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
        if process.stdout is not None:
            process.stdout.close()


def kill_again_and_again(pair: Pair, points: Sequence[int]) -> dict[str, int]:
    """Switch and reverse in turn, killed at each of these points; the next call settles, the one after goes on."""
    done: dict[str, int] = {}
    with killer(pair) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number, point in enumerate(points):
            command = "reverse" if pair.values.state >= 7 else "switch"
            process.stdin.write(f"{command} {pair.scope.org_id} {point}\n")
            process.stdin.flush()
            assert process.stdout.readline().strip() == "-9"
            pair.write(f"after kill {number}")
            did = getattr(pair.made, command)("orders").did
            done[did] = done.get(did, 0) + 1
            pair.settled()
            if pair.values.state == 4:
                pair.place(AT_CANARY)
    return done


def test_a_process_killed_at_any_moment_leaves_nothing_lost_between_sqlite_and_postgresql(
    own_database: DatabaseAddress, tmp_path: Path
) -> None:
    pair = paired(own_database, RealStore("sqlite", str(tmp_path / "old.db")))
    chance = random.Random(11)  # noqa: S311 - a seed that is kept
    done = kill_again_and_again(pair, [15, 19, 30, 47, 56, *(chance.randint(2, 60) for _ in range(2))])
    assert done.keys() >= {"unwound", "finished"}


@needs("mariadbd")
def test_a_process_killed_at_any_moment_leaves_nothing_lost_between_mariadb_and_postgresql(
    own_database: DatabaseAddress, mariadb: PrivateMariadb
) -> None:
    name = f"old_{uuid4().hex[:8]}"
    with closing(mariadb.connect()) as connection:
        connection.cursor().execute(f"CREATE DATABASE {name}")
    pair = paired(own_database, RealStore("mariadb", mariadb.url(name)))
    done = kill_again_and_again(pair, [18, 46, 54])
    assert sum(done.values()) == 3


@dataclass
class StoreProbes:
    """Writes to the store that has authority, and counts on both."""

    pair: Pair

    def write(self, number: int) -> str:
        store = self.pair.new if self.pair.values.state >= 7 else self.pair.old
        store.run("INSERT INTO orders (id) VALUES (?)", f"probe {number}")
        return f"probe {number}"

    def found(self, side: str, keys: Sequence[str]) -> Mapping[str, int]:
        store = self.pair.old if side == "old" else self.pair.new
        counted = store.run("SELECT id, count(*) FROM orders GROUP BY id")
        return {key: count for key, count in counted if key in keys}

    def remove(self, keys: Sequence[str]) -> None:
        store = self.pair.new if self.pair.values.state >= 7 else self.pair.old
        for key in keys:
            store.run("DELETE FROM orders WHERE id = ?", key)


def test_a_drill_between_sqlite_and_postgresql_passes_and_leaves_no_trace(
    own_database: DatabaseAddress, tmp_path: Path
) -> None:
    kind: Kind = "sqlite"
    pair = paired(own_database, RealStore(kind, str(tmp_path / "old.db")))
    certificate = Drill(pair.made, StoreProbes(pair), each=3).run("orders")
    assert certificate.problems == ()
    assert certificate.probes.written == 9
    assert pair.values == AT_CANARY
    between = certificate.sums["between"]
    assert between["old"] == between["new"]
    assert between["old"]["orders"]["rows"] == 11
    assert all(0 < leg.held_seconds < 30 for leg in certificate.legs)
    pair.settled()
