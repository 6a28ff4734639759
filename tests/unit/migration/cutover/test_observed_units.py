"""Routes that write the same tables are one unit; declared units that split them are refused, with ways to cut them apart."""

from decimal import Decimal
from pathlib import Path

import pytest

from caravan.migration.config import read_config_text
from caravan.migration.cutover.errors import UnitsSplitError
from caravan.migration.cutover.observed_units import Operation, Use, units_of_uses, uses_of
from caravan.migration.shadow.row_effects import RowEffect

HEAD = '[migration]\nname = "shop"\norg = "retail"\n'


def config(**units: list[str]):
    text = HEAD + "".join(f'[[units]]\nname = "{name}"\n' for name in units)
    for name, routes in units.items():
        for route in routes:
            method, template = route.split()
            text += (
                f'[[routes]]\ntemplate = "{template}"\nmethods = ["{method}"]\neffect = "write"\nkey = "address"\n'
                f'unit = "{name}"\n'
            )
    return read_config_text(Path("migration.toml"), text)


def use(number: int, route: str, table: str, operation: Operation = "insert") -> Use:
    return Use(f"r{number}", route, table, operation)


ORDERS, PAY, STOCK, USERS = "POST /orders", "POST /payments", "PUT /stock/{id}", "POST /users"


def test_a_chain_of_shared_tables_is_one_unit_and_reads_do_not_join() -> None:
    found = units_of_uses(
        config(shop=[ORDERS, PAY, STOCK], people=[USERS]),
        [
            use(1, ORDERS, "orders"),
            use(1, ORDERS, "lines"),
            use(2, PAY, "orders", "update"),
            use(2, PAY, "payments"),
            use(3, STOCK, "payments", "update"),
            use(3, STOCK, "users", "read"),
            use(4, USERS, "users"),
            use(4, USERS, "orders", "read"),
            use(5, USERS, "users"),
        ],
    )
    assert [(unit.routes, unit.tables, unit.only_read, unit.requests) for unit in found.units] == [
        ((ORDERS, PAY, STOCK), ("lines", "orders", "payments"), ("users",), 3),
        ((USERS,), ("users",), ("orders",), 2),
    ]
    assert [unit.declared for unit in found.units] == [("shop",), ("people",)]
    assert (found.splits, found.undeclared, found.unseen) == ((), (), ())
    found.refuse_splits()


def test_units_that_write_one_table_are_refused_and_told_how_to_part() -> None:
    found = units_of_uses(
        config(shop=[ORDERS], audit=[PAY], people=[USERS]),
        [
            *(use(number, ORDERS, "log") for number in range(3)),
            use(8, ORDERS, "log", "update"),
            use(9, PAY, "log"),
            use(9, USERS, "users"),
        ],
    )
    (split,) = found.splits
    assert split.units == ("audit", "shop")
    assert split.tables == {"log": (ORDERS, PAY)}
    assert [(cut.kind, cut.table) for cut in split.cuts] == [
        ("one unit", ""),
        ("ownership transfer", "log"),
        ("outbox", "log"),
        ("tenant cohort", "log"),
    ]
    assert "shop owns log (writing requests: audit 1, shop 4)" in split.cuts[1].said
    assert "audit only insert into log" in split.cuts[2].said
    with pytest.raises(UnitsSplitError, match="audit and shop both write log"):
        found.refuse_splits()
    told = "\n".join(found.told())
    assert "REFUSED: audit and shop write the same tables" in told
    assert f"log: {ORDERS}, {PAY}" in told


def test_two_units_that_meet_only_through_a_route_of_nobody_are_named_with_it() -> None:
    found = units_of_uses(
        config(shop=[ORDERS], people=[USERS]),
        [
            use(1, ORDERS, "orders"),
            use(2, USERS, "users"),
            use(3, STOCK, "orders", "delete"),
            use(3, STOCK, "users", "update"),
        ],
    )
    (unit,) = found.units
    assert unit.declared == ("people", "shop")
    (split,) = found.splits
    assert split.tables == {"orders": (ORDERS, STOCK), "users": (USERS, STOCK)}
    assert found.undeclared == (STOCK,)


def test_a_declared_write_that_nobody_saw_is_named() -> None:
    found = units_of_uses(config(shop=[ORDERS, PAY]), [use(1, ORDERS, "orders")])
    assert found.unseen == (PAY,)
    assert "declared as write, not seen writing: POST /payments" in list(found.told())


def test_the_row_effects_of_a_dry_run_are_uses() -> None:
    effects = [
        RowEffect("orders", "insert", "1", {"total": Decimal(1)}),
        RowEffect("orders", "insert", "2", {}),
        RowEffect("stock", "update", "7", {}),
    ]
    assert list(uses_of("r1", ORDERS, effects)) == [
        Use("r1", ORDERS, "orders", "insert"),
        Use("r1", ORDERS, "stock", "update"),
    ]
    assert (
        Use.from_json({"request": "r1", "route": ORDERS, "table": "t", "operation": "read"}).operation
        == "read"
    )
