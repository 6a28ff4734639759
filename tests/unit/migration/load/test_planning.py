"""Data sets come in an order in which references find their rows, where there is one."""

import pickle
from pathlib import Path
from uuid import UUID

import pytest

from caravan.core.ids import source_namespace
from caravan.migration.config import MigrationConfig, read_config
from caravan.migration.load import PlanError
from caravan.migration.load.planning import plan

ORG = UUID(int=7)
HEAD = '[migration]\nname = "toy"\norg = "o"\n[sources.shop]\npath = "dump"\ntimezone = "Europe/Paris"\n'


def config(folder: Path, *data_sets: str, head: str = HEAD) -> MigrationConfig:
    file = folder / "migration.toml"
    file.write_text(head + "\n".join(data_sets))
    return read_config(file)


def data_set(name: str, entity: str, *after: str) -> str:
    return (
        f'[[data_sets]]\nname = "{name}"\nsource = "shop"\ncollection = "{name}"\n'
        f'mapping = "tests.fixtures.toy.mapping:{entity}"\nafter = {list(after)}\n'
    )


def order(config: MigrationConfig) -> list[str]:
    return [item.name for item in plan(config, (ORG, None)).data_sets]


def test_what_is_referred_to_comes_first(tmp_path: Path) -> None:
    assert order(config(tmp_path, data_set("orders", "order"), data_set("customers", "customer"))) == [
        "customers",
        "orders",
    ]


def test_after_wins_over_references(tmp_path: Path) -> None:
    found = order(config(tmp_path, data_set("orders", "order"), data_set("customers", "customer", "orders")))
    assert found == ["orders", "customers"]


def test_a_circle_of_after_is_refused_with_its_names(tmp_path: Path) -> None:
    circle = config(tmp_path, data_set("a", "order", "b"), data_set("b", "customer", "a"))
    with pytest.raises(PlanError, match=r"a → b → a|b → a → b"):
        order(circle)


def test_a_data_set_carries_what_another_process_needs(tmp_path: Path) -> None:
    (item,) = plan(config(tmp_path, data_set("orders", "order")), (ORG, None)).data_sets
    assert item.mapping.entity == "order"
    copy = pickle.loads(pickle.dumps(item))  # noqa: S301 - made here
    assert copy == item
    assert copy.path == tmp_path.resolve() / "dump"
    assert copy.context.namespace == source_namespace("shop", ORG)
    assert copy.context.timezone == "Europe/Paris"
    assert copy.scope == {"org": ORG, "migration": "toy", "data_set": "orders"}


def test_another_source_may_be_given_for_one_run(tmp_path: Path) -> None:
    (item,) = plan(config(tmp_path, data_set("orders", "order")), (ORG, None), tmp_path / "other").data_sets
    assert item.path == (tmp_path / "other").resolve()


def test_a_source_with_a_url_is_planned_by_it(tmp_path: Path) -> None:
    remote = config(
        tmp_path, data_set("orders", "order"), head=HEAD.replace('path = "dump"', 'url = "mongodb://x"')
    )
    (item,) = plan(remote, (ORG, None)).data_sets
    assert item.place == "mongodb://x"


def test_the_tables_tell_who_fills_them(tmp_path: Path) -> None:
    planned = plan(config(tmp_path, data_set("orders", "order")), (ORG, None))
    assert planned.tables["toy_lines"] == "orders"
