"""The sample goes out of the tables as it came in, addresses of two owners included."""

from pathlib import Path
from uuid import UUID

import psycopg

from caravan.core.database import DatabaseAddress, Role
from caravan.migration.config import read_config
from caravan.migration.load import LoadRequest, run_load, undo

FILE = Path(__file__).resolve().parents[4] / "examples" / "rps" / "migration.toml"


def make_organisation(database: DatabaseAddress) -> UUID:
    with psycopg.connect(database.libpq(Role.SYSTEM), autocommit=True) as connection:
        made = connection.execute(
            "INSERT INTO organisations (id, code, name) VALUES (gen_random_uuid(), 'demo', 'demo') RETURNING id"
        ).fetchone()
    assert made is not None
    identity: UUID = made[0]
    return identity


def test_addresses_of_customers_and_of_orders_are_both_known_as_imported(
    own_database: DatabaseAddress, tmp_path: Path
) -> None:
    org = make_organisation(own_database)
    request = LoadRequest(
        config=read_config(FILE),
        database=own_database,
        tenants=lambda _org, _client: (org, None),
        home=tmp_path,
        workers=0,
        limit=60,
    )
    loaded = run_load(request)
    removed = undo(request)
    assert removed["addresses"] == sum(item.rows.get("addresses", 0) for item in loaded.data_sets.values())
    assert removed["orders"] == loaded.data_sets["orders"].loaded
    with psycopg.connect(own_database.libpq(Role.SYSTEM)) as connection:
        left = connection.execute(
            "SELECT (SELECT count(*) FROM addresses) + (SELECT count(*) FROM customers)"
        )
        assert left.fetchone() == (0,)
