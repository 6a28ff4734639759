"""`caravan verify records`, `tables` and `repair`: exit codes, JSON, the page, and a repair that asks first."""

import json
import sqlite3
from pathlib import Path

import psycopg
import pytest

from caravan.core.database import Role
from tests.fixtures.toy.shop import Shop, oid
from tests.integration.entry.conftest import Caravan

_GOODS = "CREATE TABLE goods (id int PRIMARY KEY, name text)"


def test_records_are_the_same_then_different_then_repaired(
    caravan: Caravan, shop: Shop, tmp_path: Path
) -> None:
    assert caravan("load", shop.file).code == 0
    same = caravan("verify", "records", shop.file)
    assert same.code == 0, same.out + same.err
    shop.rows("UPDATE toy_orders SET total = 1 WHERE number = 'N7'")
    shop.rows("DELETE FROM toy_lines WHERE sku = 'S9-0'")
    page = tmp_path / "page.html"
    done = caravan("verify", "records", shop.file, "orders", "--json", "--page", page)
    report = json.loads(done.out)
    assert (done.code, report["verdict"], report["subjects"][0]["counts"]) == (
        1, "different", {"changed": 1, "missing": 1},
    )  # fmt: skip
    assert "toy_orders" in page.read_text()
    planned = caravan("verify", "repair", shop.file)
    assert planned.code == 1
    assert "2 records in 1 chunks" in planned.out
    assert f"again {oid(10_007)}" in planned.out
    assert caravan("verify", "records", shop.file).code == 1  # nothing was written
    repaired = caravan("verify", "repair", shop.file, "--do-it")
    assert repaired.code == 0, repaired.out + repaired.err
    assert shop.value("SELECT total FROM toy_orders WHERE number = 'N7'") != 1
    assert shop.value("SELECT outcome ->> 'loaded' FROM engine.verify_repairs") == "2"
    again = caravan("verify", "repair", shop.file, "--do-it")
    assert (again.code, again.out.strip()) == (0, "nothing differs")


UNITS = """
[[units]]
name = "people"
data_sets = ["customers"]
[[units]]
name = "rest"
data_sets = ["customers", "orders"]
[[invariants]]
name = "customers"
legacy = "SELECT 1"
new = "SELECT 1"
"""


def test_records_tell_the_guard_of_each_unit_that_they_cover(caravan: Caravan, shop: Shop) -> None:
    shop.file.write_text(shop.file.read_text() + UNITS)
    assert caravan("load", shop.file).code == 0
    told = caravan("verify", "records", shop.file, "customers", "--json")
    assert json.loads(told.out)["guards"] == {
        "people": {"rows": 10, "differing": 0, "not_judged": 0, "position": 0}
    }
    both = caravan("verify", "records", shop.file)
    assert both.code == 2, "a dump answers no SQL: the invariant is not judged"
    assert "the guard `verification` of rest was told" in both.out
    figures = "SELECT unit, figures ->> 'invariants' FROM engine.unit_measurements WHERE kind = 'verification' ORDER BY id"
    assert shop.rows(figures) == [("people", None), ("people", "1"), ("rest", "1")]
    said = (
        "SELECT facts ->> 'name', unit FROM engine.migration_journal WHERE phase = 'measured' ORDER BY number"
    )
    assert shop.rows(said) == [("verification", unit) for unit in ("people", "people", "rest")]


def test_invariants_alone_find_orphans_and_have_an_exit_code(caravan: Caravan, shop: Shop) -> None:
    assert caravan("load", shop.file).code == 0
    assert caravan("verify", "invariants", shop.file).code == 0
    with psycopg.connect(shop.database.libpq(Role.OWNER), autocommit=True) as connection:
        connection.execute("ALTER TABLE toy_orders DROP CONSTRAINT toy_orders_org_id_customer_id_fkey")
    shop.rows("UPDATE toy_orders SET customer_id = gen_random_uuid() WHERE number IN ('N7', 'N8')")
    orphans = caravan("verify", "invariants", shop.file, "--json")
    assert orphans.code == 1
    (broken,) = [one for one in json.loads(orphans.out)["invariants"] if one["verdict"] != "same"]
    assert (broken["name"], broken["problem"]) == (
        "orders: toy_orders.customer_id → toy_customers",
        "2 rows break it",
    )


def test_a_side_with_write_authority_is_not_repaired(caravan: Caravan, shop: Shop) -> None:
    shop.file.write_text(f'{shop.file.read_text()}\n[[units]]\nname = "shop"\ndata_sets = ["orders"]\n')
    assert caravan("load", shop.file).code == 0
    org = shop.value("SELECT org_id FROM toy_orders LIMIT 1")
    shop.rows("UPDATE toy_orders SET total = 1 WHERE number = 'N7'")
    with psycopg.connect(shop.database.libpq(Role.SYSTEM), autocommit=True) as connection:
        connection.execute(
            "INSERT INTO engine.units (org_id, migration, unit, state, entered_at) VALUES (%s, 'toy', 'shop', 7, now())",
            (org,),
        )
    refused = caravan("verify", "repair", shop.file, "--do-it")
    assert refused.code == 2
    assert "switched" in refused.err
    assert shop.value("SELECT total FROM toy_orders WHERE number = 'N7'") == 1


@pytest.fixture
def goods(caravan: Caravan, shop: Shop) -> Path:
    """Two equal tables, one in SQLite and one in our database, and a file that names both."""
    assert caravan("db", "migrate").code == 0
    file = sqlite3.connect(shop.folder / "goods.db")
    file.execute(_GOODS)
    file.executemany("INSERT INTO goods VALUES (?, ?)", [(n, f"thing {n}") for n in range(30)])
    file.commit()
    file.close()
    with psycopg.connect(shop.database.libpq(Role.OWNER), autocommit=True) as connection:
        connection.execute(_GOODS.encode())
        connection.execute("INSERT INTO goods SELECT n, 'thing ' || n FROM generate_series(0, 29) n")
        connection.execute(f"GRANT ALL ON goods TO {Role.SYSTEM}".encode())
    path = shop.folder / "goods.toml"
    path.write_text(
        '[migration]\nname = "goods"\norg = "toy-shop"\n[sources.old]\nkind = "sqlite"\npath = "goods.db"\n'
    )
    return path


def test_two_tables_are_compared_and_wrong_use_is_told(caravan: Caravan, shop: Shop, goods: Path) -> None:
    same = caravan("verify", "tables", goods, "old:goods", "target:goods")
    assert (same.code, "30 and 30 rows" in same.out) == (0, True), same.out + same.err
    shop.rows("UPDATE goods SET name = NULL WHERE id = 7")
    different = caravan("verify", "tables", goods, "old:goods", "target:goods", "--live", "0")
    assert different.code == 1
    assert "7: name is 'thing 7' left, None right" in different.out
    unknown = caravan("verify", "tables", goods, "older:goods", "target:goods")
    assert (unknown.code, "there are old, target" in unknown.err) == (2, True)
    missing = caravan("verify", "tables", goods, "old:goods", "target:nowhere")
    assert (missing.code, "no table nowhere" in missing.out) == (2, True)
