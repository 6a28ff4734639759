"""Accepted differences: the file's and the operators', each for a time, each in the journal."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from caravan.core.database import DatabaseAddress
from caravan.migration.config import read_config_text
from caravan.migration.shadow.masks import Mask
from caravan.migration.units import (
    Accepted,
    Scope,
    accept,
    accepted_differences,
    connected,
    entries,
    withdraw,
)

CONFIG = read_config_text(
    Path("migration.toml"),
    """
[migration]
name = "shop"
org = "retail"
[[compare.masks]]
path = "$.servedBy"
owner = "Nadia"
reason = "host name"
until = 2026-06-30
[[routes]]
template = "/orders"
methods = ["GET", "POST"]
effect = "read"
[[routes.compare.masks]]
path = "$.rows[*].at"
owner = "Ben"
reason = "rounded"
until = 2026-03-31
""",
)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SPRING, SUMMER = date(2026, 3, 31), date(2026, 6, 30)


@pytest.fixture
def connection(module_database: DatabaseAddress) -> Iterator[psycopg.Connection]:
    with connected(module_database) as connection:
        yield connection


@pytest.fixture
def scope() -> Scope:
    return Scope(uuid4(), "shop")


def paths(connection: psycopg.Connection, scope: Scope, today: date) -> list[tuple[str, str]]:
    return [(one.route, one.path) for one in accepted_differences(connection, scope, CONFIG, today)]


def test_masks_of_the_file_count_through_their_last_day(connection: psycopg.Connection, scope: Scope) -> None:
    assert paths(connection, scope, SPRING) == [
        ("GET /orders", "$.servedBy"),
        ("GET /orders", "$.rows[*].at"),
        ("POST /orders", "$.servedBy"),
        ("POST /orders", "$.rows[*].at"),
    ]
    assert {path for _, path in paths(connection, scope, SUMMER)} == {"$.servedBy"}
    assert paths(connection, scope, date(2026, 7, 1)) == []


def test_an_operator_accepts_changes_and_withdraws(connection: psycopg.Connection, scope: Scope) -> None:
    first = Accepted("GET /orders", "$.total", "value", "Ann", "known", SPRING)
    identity = accept(connection, scope, first, by="ann", at=NOW)
    again = Accepted("GET /orders", "$.total", "value", "Ann", "known since May", SUMMER)
    assert accept(connection, scope, again, by="ann", at=NOW) == identity
    assert ("GET /orders", "$.total") in paths(connection, scope, SUMMER)
    assert withdraw(connection, scope, identity, by="ann", at=NOW)
    assert not withdraw(connection, scope, identity, by="ann", at=NOW)
    assert ("GET /orders", "$.total") not in paths(connection, scope, SUMMER)
    assert accept(connection, scope, first, by="ann", at=NOW) != identity
    told = [(entry.phase, entry.facts.get("reason")) for entry in entries(connection, scope)]
    assert told == [
        ("difference accepted", "known"),
        ("difference accepted", "known since May"),
        ("difference withdrawn", None),
        ("difference accepted", "known"),
    ]


def test_the_judge_reads_what_is_accepted(connection: psycopg.Connection, scope: Scope) -> None:
    masks = [Mask.from_json(one.as_json()) for one in accepted_differences(connection, scope, CONFIG, SPRING)]
    assert (masks[0].owner, masks[0].until, masks[0].kind) == ("Nadia", SUMMER, "value")
