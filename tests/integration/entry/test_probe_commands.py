"""`caravan migration probe`: on, told, off."""

import psycopg
import pytest

from caravan.core.database import DatabaseAddress
from tests.integration.entry.conftest import Caravan


def test_rows_are_told_from_on_to_off(caravan: Caravan) -> None:
    assert caravan("migration", "probe", "status").out.strip() == "no rows are told"
    assert "orders" in caravan("migration", "probe", "on").out
    assert caravan("migration", "probe", "on", "orders").code == 0, "again changes nothing"
    assert "customers" in caravan("migration", "probe", "status").out.splitlines()
    assert "orders" in caravan("migration", "probe", "off").out
    assert caravan("migration", "probe", "off").out.strip() == "nothing to do: no rows were told"
    assert caravan("migration", "probe", "on", "users").code == 2


@pytest.mark.parametrize("command", ["on", "off"])
def test_a_table_that_is_busy_is_not_waited_for_without_end(
    caravan: Caravan, own_database: DatabaseAddress, command: str
) -> None:
    caravan("migration", "probe", "on", "orders")
    with psycopg.connect(own_database.libpq(None)) as writer:
        writer.execute("LOCK TABLE orders IN ROW EXCLUSIVE MODE")
        done = caravan("migration", "probe", command, *(["orders"] if command == "on" else []))
    assert (done.code, "table_busy" in done.err) == (1, True), done.err
