"""Probes of a drill in the migration file."""

from pathlib import Path

import pytest

from caravan.migration.config import ConfigError, MigrationConfig, read_config_text

FILE = """
[migration]
name = "shop"
org = "shop"

[sources.old]
kind = "sqlite"
path = "shop.db"

[[data_sets]]
name = "orders"
source = "old"
collection = "orders"
mapping = "examples.market.mapping:orders"

[[units]]
name = "shop"
data_sets = ["orders"]

[[drill.probes]]
"""
PROBE = {
    "unit": '"shop"',
    "path": '"/orders"',
    "body": '\'{"reference": "{unique}"}\'',
    "data_set": '"orders"',
    "field": '"reference"',
}


def read(**changes: str | None) -> MigrationConfig:
    keys = {**PROBE, **changes}
    lines = [f"{key} = {value}" for key, value in keys.items() if value is not None]
    return read_config_text(Path("migration.toml"), FILE + "\n".join(lines))


def test_a_probe_is_a_request_and_where_its_row_is_found() -> None:
    (probe,) = read(remove='"DELETE /orders/{unique}"').drill.probes
    assert (probe.method, probe.path, probe.data_set, probe.field) == (
        "POST",
        "/orders",
        "orders",
        "reference",
    )
    assert (probe.column, probe.remove) == (None, "DELETE /orders/{unique}")


@pytest.mark.parametrize("key", ["path", "headers"])
def test_the_rows_own_value_may_stand_in_the_path_or_a_header(key: str) -> None:
    values = {"path": '"/orders/{unique}"', "headers": '{ X-Reference = "{unique}" }'}
    assert read(body='""', **{key: values[key]}).drill.probes


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"body": "'{}'"}, "has no {unique}"),
        ({"body": None}, "has no {unique}"),
        ({"path": '"orders"'}, "is no path"),
        ({"remove": '"away"'}, "is no request; write METHOD /path"),
        ({"unit": '"shops"'}, "'shops' is no unit"),
        ({"data_set": '"order"'}, "'order' is no data set"),
        ({"field": None}, "is missing"),
    ],
)
def test_a_probe_that_could_not_be_found_again_is_refused_with_its_line(
    changes: dict[str, str | None], said: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        read(**changes)
    assert said in refused.value.message
    assert refused.value.message.startswith("migration.toml:")
