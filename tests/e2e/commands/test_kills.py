"""A load that is killed at random moments and resumed brings what a straight one brings."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.kills import MIGRATION, kill_and_resume, load, make_org
from caravan.core.database import DatabaseAddress
from tests.fixtures.background import ask
from tests.fixtures.command_line import Home, until
from tests.fixtures.databases import fresh_copy

SEEDS = range(102, 108)


@pytest.fixture
def two_databases(
    postgres_server: DatabaseAddress, template_database: str
) -> Iterator[tuple[DatabaseAddress, DatabaseAddress]]:
    """Two databases with the organisation of the sample, by the same id, which all ids follow from."""
    with (
        fresh_copy(postgres_server, template_database) as one,
        fresh_copy(postgres_server, template_database) as other,
    ):
        make_org(one)
        make_org(other)
        yield one, other


def test_killed_and_resumed_it_is_the_same_load(
    two_databases: tuple[DatabaseAddress, DatabaseAddress], tmp_path: Path
) -> None:
    one, other = two_databases
    straight = load(one, None, tmp_path / "straight")
    assert straight.code == 0
    kills, resumed = kill_and_resume(
        other, None, tmp_path / "killed", seeds=SEEDS, longest=straight.seconds / 6
    )
    assert straight.differences(resumed) == [], kills
    hit = [kill for kill in kills if kill.hit]
    assert any(kill.code == -9 for kill in hit), kills
    assert any(kill.code == 4 for kill in hit), kills
    assert len(hit) >= 3, kills
    assert all(kill.code in {-9, 0, 4} for kill in kills), kills


def test_an_interrupt_in_the_middle_ends_it_with_4_and_it_goes_on(
    two_databases: tuple[DatabaseAddress, DatabaseAddress], home: Home, tmp_path: Path
) -> None:
    address, _ = two_databases
    output = tmp_path / "output"
    process = home.begin("load", MIGRATION, told=output, DATABASE_URL=address.url)
    until(lambda: ask(address, "SELECT count(*) FROM engine.ledger") > [(1,)], what="a second chunk")
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 4, output.read_text()
    assert "can be resumed" in output.read_text()
    assert home.processes() == {}
    before = ask(address, "SELECT count(*) FROM orders")[0][0]
    done = home.caravan("load", MIGRATION, "--json", DATABASE_URL=address.url)
    report = json.loads(done.stdout)
    assert done.returncode == 0
    assert report["data_sets"]["orders"]["unchanged"] == before
    assert report["data_sets"]["orders"]["loaded"] == 1996 - before
