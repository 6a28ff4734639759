"""A legacy store, our tables, the real flows between them: switched and switched back while somebody writes past the gateways."""

import threading
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from caravan.core.clock import utc_now
from caravan.core.database import DatabaseAddress, Role
from caravan.migration.capture import remove_changes
from caravan.migration.config import read_config
from caravan.migration.cutover import Cutovers, parties_of, planned_cutover, release_fences
from caravan.migration.cutover.errors import FenceStandsError, RowsDifferError, UnitStoreError
from caravan.migration.load import LoadRequest, run_load
from caravan.migration.load.planning import plan
from caravan.migration.sync import begin, beside_flows, find_flow, flow_settings, open_connection
from caravan.migration.sync.flows import Direction
from caravan.migration.sync.runners import FlowSetting
from caravan.migration.units import Scope, UnitValues, connected, entries, record_measurement, register
from caravan.migration.units.gateway_publisher import GatewayPublisher
from tests.fixtures.capabilities import needs
from tests.fixtures.databases import as_administrator
from tests.fixtures.legacy_stores import LegacyStore, MariadbLegacy, PostgresLegacy, SqliteLegacy, make_tables
from tests.fixtures.toy.shop import make_shop
from tests.integration.migration.cutover.shop import AT_CANARY, CANARY, PLACE

FILE = """
[migration]
name = "{name}"
org = "toy-shop"
[sources.shop]
{source}
[[data_sets]]
name = "customers"
source = "shop"
collection = "customers"
mapping = "tests.fixtures.toy.rows_mapping:customer"
[[data_sets]]
name = "orders"
source = "shop"
collection = "orders"
mapping = "tests.fixtures.toy.rows_mapping:order"
[[units]]
name = "orders"
data_sets = [{sets}]
[[waivers]]
class = "writer:postgres"
owner = "ann"
reason = "this test"
[gates]
stages = [100]
min_keys = 1
soak = 0
lag = 60
[gateway]
hold_seconds = 30
"""


class Migration:
    def __init__(self, database: DatabaseAddress, legacy: LegacyStore, folder: Path, sets: str) -> None:
        self.database, self.legacy, self.folder = database, legacy, folder
        self.org = uuid.uuid4()
        file = folder / "migration.toml"
        name = f"w{self.org.hex[:8]}"
        file.write_text(FILE.format(name=name, source=legacy.source, sets=sets))
        self.config = read_config(file)
        self.scope = Scope(self.org, name)
        self.plan = plan(self.config, (self.org, None))

    def setting(self, direction: Direction) -> FlowSetting:
        home = self.folder / "home"
        return flow_settings(self.config, self.plan, self.database, direction, home=home)["shop"]

    def cutovers(self) -> Cutovers:
        parties = parties_of(self.config, "orders", self.plan, self.database, home=self.folder / "home")
        publisher = GatewayPublisher(self.database, self.config, by="ann")
        return Cutovers(
            self.database,
            self.scope,
            self.config,
            parties,
            publisher,
            by="ann",
            sides=lambda: {"old": True, "new": True},
        )

    def begin(self) -> None:
        """Load beside the flow, and come to the last stage of the canary."""
        for direction in ("forward", "reverse"):
            begin(self.setting(direction))
        request = LoadRequest(
            config=self.config,
            database=self.database,
            tenants=lambda _org, _client: (self.org, None),
            home=self.folder / "home",
            workers=0,
            beside=beside_flows(self.database, self.config),
        )
        assert run_load(request).exit_code == 0
        self.place(AT_CANARY)

    def place(self, values: UnitValues) -> None:
        with connected(self.database) as connection:
            register(connection, self.scope, self.config, by="ann", at=utc_now())
            row = {"state": values.state, "stage": values.stage, "share": values.share, "salt": values.salt}
            connection.execute(PLACE.encode(), {**self.scope.parameters, **row})
            record_measurement(connection, self.scope, "orders", "canary", CANARY, at=utc_now())

    def ours(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.database.libpq(Role.SYSTEM), autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), {"org": self.org})
            return cursor.fetchall() if cursor.description else []

    @property
    def names(self) -> tuple[set[str], set[str]]:
        """Customers on the old and the new side."""
        new = self.ours("SELECT name FROM toy_customers WHERE org_id = %(org)s")
        return {row[0] for row in self.legacy.rows("SELECT name FROM customers")}, {
            str(row[0]) for row in new
        }

    @contextmanager
    def carried(self) -> Iterator[None]:
        """Carry both flows, each in a thread as `caravan sync run` does."""
        stop = threading.Event()
        threads = [
            threading.Thread(target=self.setting(direction).runner(stop).run)
            for direction in ("forward", "reverse")
        ]
        for thread in threads:
            thread.start()
        try:
            for direction in ("forward", "reverse"):
                self.until(lambda key=self.setting(direction).key: self.state(key) == "running")
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join(30)

    def state(self, key: object) -> str:
        with closing(open_connection(self.database)) as connection:
            flow = find_flow(connection, key)  # type: ignore[arg-type]
        return flow.state if flow else ""

    @staticmethod
    def until(holds: object) -> None:
        for _ in range(3000):
            if holds():  # type: ignore[operator]
                return
            threading.Event().wait(0.01)
        raise AssertionError("it does not come about")


@pytest.fixture(scope="module")
def database(module_database: DatabaseAddress, tmp_path_factory: pytest.TempPathFactory) -> DatabaseAddress:
    make_shop(module_database, tmp_path_factory.mktemp("tables"))
    return module_database


@pytest.fixture
def legacy(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LegacyStore]:
    name = f"legacy_{uuid.uuid4().hex[:12]}"
    with ExitStack() as stack:
        store: LegacyStore
        if request.param == "mariadb":
            server = request.getfixturevalue("mariadb")
            with closing(server.connect()) as connection:
                connection.cursor().execute("SET GLOBAL binlog_format = 'ROW'")
                connection.cursor().execute(f"CREATE DATABASE {name}")
            store = MariadbLegacy(server, name)
        elif request.param == "postgresql":
            server = request.getfixturevalue("postgres_server")
            as_administrator(server, f"CREATE DATABASE {name}")
            stack.callback(
                as_administrator,
                server,
                f"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = '{name}'",  # noqa: S608
                f"DROP DATABASE {name} WITH (FORCE)",
            )
            store = PostgresLegacy(server.named(name).url)
        else:
            store = SqliteLegacy(tmp_path / "legacy.db")
        make_tables(store)
        yield store


STORES = ["sqlite", pytest.param("mariadb", marks=needs("mariadbd")), "postgresql"]
REFUSED = "caravan fence"


@pytest.mark.parametrize("legacy", STORES, indirect=True)
def test_a_unit_is_switched_and_switched_back_over_real_flows_with_nothing_lost(
    database: DatabaseAddress, legacy: LegacyStore, tmp_path: Path
) -> None:
    migration = Migration(database, legacy, tmp_path, '"customers", "orders"')
    legacy.run("INSERT INTO customers (name) VALUES ('Ada'), ('Ben')")
    migration.begin()
    accepted, stop = {"Ada", "Ben"}, threading.Event()

    def writes_past_the_gateways() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            try:
                legacy.run(f"INSERT INTO customers (name) VALUES ('past {number}')")  # noqa: S608 - a number
            except Exception as error:  # noqa: BLE001 - of three drivers
                assert REFUSED in str(error), error  # noqa: PT017
                return
            accepted.add(f"past {number}")

    with migration.carried():
        assert migration.cutovers().verify("orders")["differing"] == 0
        planned = planned_cutover(migration.cutovers(), "orders")
        assert planned.open, list(planned.told())
        writer = threading.Thread(target=writes_past_the_gateways)
        writer.start()
        try:
            migration.until(lambda: len(accepted) > 8)
            assert migration.cutovers().switch("orders").did == "moved"
        finally:
            stop.set()
            writer.join(30)
        assert migration.names == (accepted, accepted)
        migration.ours(
            "INSERT INTO toy_customers (org_id, id, name) VALUES (%(org)s, gen_random_uuid(), 'Born here')"
        )
        with pytest.raises(Exception, match=REFUSED):
            legacy.run("INSERT INTO customers (name) VALUES ('too late')")
        accepted.add("Born here")
        migration.until(lambda: migration.names == (accepted, accepted))
        with pytest.raises(FenceStandsError, match="the old store has to stay fenced"):
            release_fences(migration.cutovers(), "orders")
        assert migration.cutovers().reverse("orders").did == "moved"
        legacy.run("INSERT INTO customers (name) VALUES ('Old again')")
        accepted.add("Old again")
        migration.until(lambda: migration.names == (accepted, accepted))
        migration.ours("UPDATE toy_customers SET name = name WHERE org_id = %(org)s")
        assert release_fences(migration.cutovers(), "orders") == []
    with connected(database, read_only=True) as connection:
        told = [one.facts["told"] for one in entries(connection, migration.scope) if one.phase == "effect"]
    assert max(facts.get("checked", 0) for facts in told) > 0
    watched = [facts for facts in told if "well" in facts]
    assert [facts["well"] for facts in watched] == [True, True], watched
    capture = migration.setting("reverse").capture
    remove_changes(capture.kind, capture.place, capture.collections, capture.options)


@pytest.mark.parametrize("legacy", ["sqlite"], indirect=True)
def test_a_row_that_somebody_changed_on_the_new_side_stops_the_switch_at_the_last_moment(
    database: DatabaseAddress, legacy: LegacyStore, tmp_path: Path
) -> None:
    migration = Migration(database, legacy, tmp_path, '"customers", "orders"')
    legacy.run("INSERT INTO customers (name) VALUES ('Ada'), ('Ben')")
    migration.begin()
    with migration.carried():
        assert migration.cutovers().verify("orders")["differing"] == 0
        legacy.run("UPDATE customers SET name = 'Adah' WHERE name = 'Ada'")
        migration.until(lambda: migration.names == ({"Adah", "Ben"}, {"Adah", "Ben"}))
        migration.ours("UPDATE toy_customers SET name = 'Eve' WHERE org_id = %(org)s AND name = 'Adah'")
        with pytest.raises(
            RowsDifferError, match=r"1 of 1 changed rows differ between the sides: customers: 0*1"
        ):
            migration.cutovers().switch("orders")
        legacy.run("INSERT INTO customers (name) VALUES ('goes on')")
        migration.until(lambda: "goes on" in migration.names[1])


@pytest.mark.parametrize("legacy", ["sqlite"], indirect=True)
def test_a_unit_that_is_not_all_of_its_store_is_refused(
    database: DatabaseAddress, legacy: LegacyStore, tmp_path: Path
) -> None:
    migration = Migration(database, legacy, tmp_path, '"orders"')
    with pytest.raises(UnitStoreError, match="has data sets that are not of 'orders': customers"):
        migration.cutovers()
