"""`caravan status` shows a migration with routes on one screen."""

import io
import json
from uuid import uuid4

from rich.console import Console

from caravan.core.database import DatabaseAddress
from caravan.entry.migration_screen import WIDTH, as_json, looks, screen
from tests.fixtures.migration_data import fill_migration, migration_file


def test_units_traffic_alarms_and_tasks_fit_one_screen(own_database: DatabaseAddress) -> None:
    fill_migration(own_database, uuid4(), migration_file())
    (found,) = looks(own_database)
    written = io.StringIO()
    Console(file=written, width=WIDTH).print(screen(found))
    text = written.getvalue()
    lines = text.splitlines()
    assert max(len(line) for line in lines) <= WIDTH
    assert len(lines) <= 30
    for said in (
        "canary:5",
        "canary:25",
        "open",
        "GET /orders",
        "Duration, p99: old",
        "ALARM warning: orders: total is rounded differently on 2 routes",
        "conductor alive; 0 gateways",
        "lease free",
        "basket: to contracted: contract is nothing yet",
    ):
        assert said in text
    plain = json.loads(json.dumps(as_json(found), default=str))
    assert [unit["at"] for unit in plain["units"]] == ["canary:5", "discovered"]
    assert plain["lease"] is None


def test_without_a_migration_there_is_nothing_to_show(own_database: DatabaseAddress) -> None:
    assert list(looks(own_database)) == []
