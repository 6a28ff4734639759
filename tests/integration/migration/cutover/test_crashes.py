"""A cutover that dies anywhere is undone or finished by the same command: nothing is lost, doubled, held or fenced for good."""

import random
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from caravan.core.database import DatabaseAddress
from caravan.migration.units import connected
from caravan.migration.units import journal as journal_module
from tests.integration.migration.cutover.acting import Crash, World
from tests.integration.migration.cutover.shop import Shop


@pytest.fixture
def connection(module_database: DatabaseAddress) -> Iterator[psycopg.Connection]:
    with connected(module_database) as connection:
        yield connection


@pytest.fixture
def crashing(monkeypatch: pytest.MonkeyPatch) -> list[World]:
    """Makes every entry of the journal a point to die at: the transaction it belongs to dies with it."""
    real = journal_module.append
    worlds: list[World] = []

    def dying(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - stands for append
        if worlds:
            worlds[-1].point(f"journal {named['phase']}")
        return real(*arguments, **named)

    monkeypatch.setattr("caravan.migration.units.transition_rows.append", dying)
    return worlds


@pytest.mark.parametrize("command", ["switch", "reverse"])
def test_a_cutover_that_dies_at_any_point_is_settled_by_the_same_command(
    module_database: DatabaseAddress, connection: psycopg.Connection, crashing: list[World], command: str
) -> None:
    def begun() -> Shop:
        shop = Shop(module_database, connection, switched=command == "reverse")
        shop.world.points = 0
        crashing.append(shop.world)
        return shop

    whole = begun()
    assert whole.act(command) == "moved"
    assert whole.problems() == []
    names = whole.world.names
    # Between an act and the entry that tells it nothing happens: dying in that entry's transaction is dying after the act.
    points = [
        number
        for number, (name, then) in enumerate(zip(names, [*names[1:], ""], strict=True), start=1)
        if not (name.startswith("after ") and then == "journal effect")
    ]
    # The way back is the same code with the roles swapped: a third of its points.
    points = points if command == "switch" else points[::3]
    settled: dict[str, int] = {}
    for point in points:
        shop = begun()
        shop.world.crash_at = point
        with pytest.raises(Crash):
            shop.act(command)
        did = shop.act(command)
        settled[did] = settled.get(did, 0) + 1
        assert shop.problems() == [], f"died at {point}, {names[point - 1]}; then {did}"
        flipped = "after publish flip" in names[:point]
        begun_already = "journal intent" in names[: point - 1]
        assert did == ("finished" if flipped else "unwound" if begun_already else "moved"), names[point - 1]
    assert settled["unwound"] >= (25 if command == "switch" else 8)
    assert settled["finished"] >= (9 if command == "switch" else 3)


@pytest.mark.parametrize("command", ["switch", "reverse"])
def test_dying_again_while_it_is_undone_or_finished_changes_nothing(
    module_database: DatabaseAddress, connection: psycopg.Connection, crashing: list[World], command: str
) -> None:
    chance = random.Random(7)  # noqa: S311 - a seed that is kept
    for _ in range(3):
        shop = Shop(module_database, connection, switched=command == "reverse")
        crashing.append(shop.world)
        deaths, dids = 0, []
        for _ in range(10):
            shop.world.crash_at = shop.world.points + chance.randint(1, 45)
            try:
                dids.append(shop.act(command))
            except Crash:
                deaths += 1
            if dids and dids[-1] in {"moved", "finished", "nothing"}:
                break
        shop.world.crash_at = None
        while shop.act(command) not in {"nothing", "moved", "finished"}:
            pass
        assert deaths > 0 or dids
        assert shop.problems() == [], dids
