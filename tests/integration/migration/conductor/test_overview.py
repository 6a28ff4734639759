"""The overview says what there is, also where there is nothing yet."""

from datetime import date, timedelta
from pathlib import Path
from uuid import uuid4

from caravan.core.clock import utc_now
from caravan.core.database import DatabaseAddress
from caravan.migration.conductor import overview
from caravan.migration.config import read_config_text
from caravan.migration.units import Accepted, Scope, accept, connected, record_measurement, register

FILE = """
[migration]
name = "shop"
org = "retail"
[[units]]
name = "orders"
[[routes]]
template = "/orders"
methods = ["GET"]
effect = "read"
key = "address"
unit = "orders"
[[routes]]
template = "/health"
effect = "read"
"""


def test_a_migration_that_nobody_has_begun_is_shown(module_database: DatabaseAddress) -> None:
    config, scope = read_config_text(Path("migration.toml"), FILE), Scope(uuid4(), "shop")
    with connected(module_database, read_only=True) as connection:
        seen = overview(connection, scope, config)
    assert (seen.table_version, seen.conductor, seen.budget, seen.journal) == (0, None, None, ())
    assert [(unit.name, unit.at) for unit in seen.units] == [("orders", "discovered")]
    assert [(route.route, route.unit, route.verdict) for route in seen.routes] == [
        ("GET /orders", "orders", "unseen"),
        ("GET /health", None, "unseen"),
    ]
    (gate,) = [task for task in seen.tasks if task.kind == "gate"]
    assert gate.said == "to contracted: contract is nothing yet; needed: measured within 24 h"


def test_gates_show_what_was_measured_and_what_is_needed(module_database: DatabaseAddress) -> None:
    config, scope = read_config_text(Path("migration.toml"), FILE), Scope(uuid4(), "shop")
    today = utc_now().date()
    with connected(module_database) as connection:
        register(connection, scope, config, by="ann", at=utc_now())
        record_measurement(
            connection, scope, "orders", "contract", {"frozen": True, "coverage": 0.5}, at=utc_now()
        )
        soon = Accepted("GET /orders", "$.total", "value", "ann", "rounding", today + timedelta(days=2))
        accept(connection, scope, soon, by="ann", at=utc_now())
    with connected(module_database, read_only=True) as connection:
        seen = overview(connection, scope, config)
    (way,) = seen.units[0].ways
    assert [(check.name, check.passed, check.measured, check.needed) for check in way.checks][1:] == [
        ("contract: frozen", True, "frozen", "frozen"),
        ("contract: coverage", False, "0.5", "at least 0.8"),
    ]
    assert not way.open
    assert [(one.path, one.owner, one.expired) for one in seen.accepted] == [("$.total", "ann", False)]
    assert [task.kind for task in seen.tasks] == ["acceptance", "gate"]
    assert [entry.phase for entry in seen.journal] == ["difference accepted", "file read"]
    assert isinstance(seen.accepted[0].until, date)
