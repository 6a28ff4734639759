# ruff: noqa: S608, S311 - statements of a test on numbers of its own; seeded randomness on purpose
"""Any history, any moment of the load, any restart: what was loaded and followed is what the source holds in the end.

The rule of applying is the one of the design: a row is written only where its place is newer than the one it has.
"""

import random
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from caravan.migration.capture import (
    CaptureOptions,
    ChangeSource,
    Position,
    Transaction,
    open_changes,
    prepare_changes,
    remove_changes,
)
from caravan.migration.load.readers import decode, open_source
from tests.fixtures.captured import followed
from tests.fixtures.old_stores import Old, old_store, run_on

_MARIADB = pytest.mark.needs("mariadbd")


class Target:
    """Rows by key, each with the place it was written at; None is a tombstone."""

    def __init__(self) -> None:
        self.rows: dict[int, tuple[tuple[int, int], bytes | None]] = {}
        self.floor = (-1, -1)

    def load(self, rows: dict[int, bytes], position: Position) -> None:
        for key, raw in rows.items():
            self._write(key, (position.number, -1), raw)

    def apply(self, transaction: Transaction) -> None:
        for change in transaction.changes:
            place = (transaction.position.number, change.step)
            if change.kind == "truncate":
                for key in list(self.rows):
                    self._write(key, place, None)
            else:
                self._write(change.key["id"], place, None if change.record is None else change.record.raw)

    def held(self) -> dict[int, bytes]:
        return {key: raw for key, (_, raw) in self.rows.items() if raw is not None}

    def _write(self, key: int, place: tuple[int, int], raw: bytes | None) -> None:
        if key not in self.rows or self.rows[key][0] < place:
            self.rows[key] = (place, raw)


class Writer:
    """One connection that begins, writes, commits and rolls back; its keys are its own, so it never waits for another."""

    def __init__(self, connection: Any, keys: list[int], chance: random.Random) -> None:  # noqa: ANN401 - three drivers
        self._connection, self._keys, self._chance, self._inside = connection, keys, chance, False

    def act(self) -> None:
        if not self._inside:
            run_on(self._connection, "BEGIN")
            self._inside = True
        key, other = self._chance.sample(self._keys, 2)
        price = self._chance.randrange(1000)
        run_on(self._connection, *{
            0: (f"DELETE FROM goods WHERE id = {key}", f"INSERT INTO goods VALUES ({key}, 'n', NULL, {price})"),
            1: (f"UPDATE goods SET price = {price} WHERE id = {key}",),
            2: (f"DELETE FROM goods WHERE id = {key}",),
            3: (f"DELETE FROM goods WHERE id = {other}", f"UPDATE goods SET id = {other} WHERE id = {key}"),
        }[self._chance.randrange(4)])  # fmt: skip
        if self._chance.random() < 0.4:
            self.end("ROLLBACK" if self._chance.random() < 0.25 else "COMMIT")

    def end(self, word: str = "COMMIT") -> None:
        if self._inside:
            run_on(self._connection, word)
            self._inside = False


def _rows(old: Old) -> dict[int, bytes]:
    with closing(open_source(old.place, old.kind)) as reader:  # type: ignore[arg-type, type-var]
        return {decode("row", record.raw)["id"]: record.raw for record in reader.read("goods")}


@pytest.fixture(
    params=[
        ("postgresql", "slot"),
        ("postgresql", "outbox"),
        pytest.param(("mariadb", "binlog"), marks=_MARIADB),
        pytest.param(("mariadb", "outbox"), marks=_MARIADB),
        ("sqlite", "outbox"),
    ],
    ids="-".join,
)
def followed_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Old, CaptureOptions]]:
    kind, mechanism = request.param
    for old in old_store(kind, request, tmp_path):
        name = f"caravan_{random.randrange(1 << 40):x}"
        options = CaptureOptions(name=name, mechanism=mechanism, batch=7)
        yield old, options
        remove_changes(old.kind, old.place, ["goods"], options)


@pytest.mark.parametrize("seed", [1, 3])
def test_what_was_loaded_and_followed_is_what_the_source_holds(
    followed_store: tuple[Old, CaptureOptions], seed: int
):
    old, options = followed_store
    chance = random.Random(seed)
    target = Target()
    with ExitStack() as stack:
        several = 1 if old.kind == "sqlite" else 3  # one writer at a time
        writers = [
            Writer(stack.enter_context(_connected(old)), list(range(start, 24, several)), chance)
            for start in range(several)
        ]
        _write(writers, chance, 10)
        for writer in writers:
            writer.end()  # preparing waits for what is open
        start = reached = prepare_changes(old.kind, old.place, ["goods"], options=options)
        opened = stack.enter_context(closing(open_changes(old.kind, old.place, ["goods"], options=options)))
        for step in range(6):
            _write(writers, chance, 8)
            if old.kind == "sqlite":
                writers[0].end()  # an open one keeps everybody else from writing, the capture too
            if step == 2:
                target.load(_rows(old), start)
            reached = _follow(opened, target, reached if chance.random() < 0.7 else start)
        for writer in writers:
            writer.end()
        for transaction in followed(opened, reached):
            target.apply(transaction)

    assert target.held() == _rows(old)


@contextmanager
def _connected(old: Old) -> Iterator[Any]:
    with closing(old.connect()) as connection:
        if old.kind == "mariadb":  # without locks on gaps, which would make writers wait for each other
            run_on(connection, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        yield connection


def _write(writers: list[Writer], chance: random.Random, times: int) -> None:
    for _ in range(times):
        chance.choice(writers).act()


def _follow(source: ChangeSource, target: Target, reached: Position) -> Position:
    for transaction in source.transactions(reached, wait=0):
        target.apply(transaction)
        reached = transaction.position
    return reached
