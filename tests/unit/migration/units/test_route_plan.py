"""What gateways are told of a unit comes from the migration file."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from caravan.migration.config import ConfigError, MigrationConfig, read_config_text
from caravan.migration.units.route_plan import route_plan
from caravan.migration.units.values import UnitValues

FILE = """
[migration]
name = "shop"
org = "retail"
[[units]]
name = "orders"
{window}
[[routes]]
template = "/orders"
effect = "read"
key = "address"
unit = "orders"
"""


def read(window: str) -> MigrationConfig:
    return read_config_text(Path("migration.toml"), FILE.format(window=window))


def test_a_canarys_hours_reach_the_gateways() -> None:
    config = read("opens = 2026-11-23T09:00:00+01:00\ncloses = 2026-11-23T17:00:00Z")
    (unit,) = route_plan(config, {"orders": UnitValues(6, 1, 0.1, "s")}).units
    assert unit.window is not None
    assert (unit.window.opens, unit.window.closes) == (
        datetime(2026, 11, 23, 8, tzinfo=UTC),
        datetime(2026, 11, 23, 17, tzinfo=UTC),
    )


def test_without_hours_there_is_no_window() -> None:
    (unit,) = route_plan(read(""), {}).units
    assert unit.window is None


@pytest.mark.parametrize(
    ("window", "said"),
    [
        ("opens = 2026-11-23T09:00:00", "timezone"),
        ("opens = 2026-11-23T09:00:00Z\ncloses = 2026-11-23T08:00:00Z", "closes before it opens"),
    ],
)
def test_hours_that_cannot_be_meant_are_refused(window: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read(window)
