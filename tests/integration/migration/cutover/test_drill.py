"""A drill goes there and back, looks for every probe on both sides, and files a certificate that the last guard asks for."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest

from caravan.core.database import DatabaseAddress
from caravan.migration.cutover.certificate import check_certificate, file_certificate
from caravan.migration.cutover.drill import Drill
from caravan.migration.cutover.errors import CertificateRefusedError, DrillRefusedError
from caravan.migration.gateway.errors import NotConfirmedError
from caravan.migration.units import GateClosedError, connected, entries, latest_measurements
from tests.integration.migration.cutover.acting import World
from tests.integration.migration.cutover.shop import PLACE, Shop


@dataclass
class FakeProbes:
    """Writes through the gateways of the world."""

    world: World
    forget: bool = False

    def write(self, number: int) -> str:
        key = f"probe {number}"
        if not self.forget or number != 6:
            self.world.arrive(key)
        return key

    def found(self, side: str, keys: Sequence[str]) -> Mapping[str, int]:
        rows = (self.world.old if side == "old" else self.world.new).rows
        return {key: rows[key] for key in keys if key in rows}

    def remove(self, keys: Sequence[str]) -> None:
        for key in keys:
            for side in (self.world.old, self.world.new):
                side.rows.pop(key, None)
            if key in self.world.acknowledged:
                self.world.acknowledged.remove(key)


@pytest.fixture
def connection(module_database: DatabaseAddress) -> Iterator[psycopg.Connection]:
    with connected(module_database) as connection:
        yield connection


def quiet(shop: Shop) -> Shop:
    """Let nobody else write: sums of both sides are compared."""
    shop.world.quiet = True
    return shop


@pytest.mark.parametrize("switched", [False, True])
def test_a_drill_ends_where_it_began_and_its_certificate_says_that_nothing_was_lost(
    module_database: DatabaseAddress, connection: psycopg.Connection, tmp_path: Path, switched: bool
) -> None:
    shop = quiet(Shop(module_database, connection, switched=switched))
    before = shop.world.table
    certificate = Drill(shop.cutovers, FakeProbes(shop.world), patience=5).run("orders")
    assert certificate.problems == ()
    assert (certificate.passed, certificate.probes.written) == (True, 15)
    assert shop.world.table == before
    assert shop.problems() == []
    there, back = certificate.legs
    assert [name for name, _ in there.steps] == [name for name, _ in back.steps]
    assert there.steps[0][0] == "preflight"
    assert there.held_seconds > 0
    assert set(certificate.sums) == {"before", "between", "after"}
    document, page = file_certificate(certificate, tmp_path)
    assert check_certificate(json.loads(document.read_text())) == certificate.hash
    assert "passed" in page.read_text()
    told = [one for one in entries(connection, shop.scope) if one.phase == "certificate"]
    assert [one.facts["certificate"] for one in told] == [certificate.hash]
    figures = latest_measurements(connection, shop.scope, "orders")["drill"].figures
    assert (figures["passed"], figures["lost_and_doubled"]) == (True, 0)


def test_a_lost_probe_fails_the_drill_and_keeps_the_unit_from_being_completed(
    module_database: DatabaseAddress, connection: psycopg.Connection
) -> None:
    shop = quiet(Shop(module_database, connection, switched=True))
    shop.act("ramp_down")
    certificate = Drill(shop.cutovers, FakeProbes(shop.world, forget=True), patience=0).run("orders")
    assert certificate.probes.lost == ("probe 6 on old", "probe 6 on new")
    assert certificate.problems == ("2 probes lost, 0 doubled",)
    assert shop.stored == (8, False, False)
    with pytest.raises(GateClosedError, match=r"drill: certificate: failed"):
        shop.cutovers.complete("orders", "yes")
    assert Drill(shop.cutovers, FakeProbes(shop.world), patience=5).run("orders").passed
    assert shop.cutovers.complete("orders", "yes").did == "moved"


def test_a_way_that_fails_is_told_in_the_certificate_and_nothing_is_switched(
    module_database: DatabaseAddress, connection: psycopg.Connection
) -> None:
    shop = quiet(Shop(module_database, connection, switched=False))
    shop.world.fail["publish hold"] = NotConfirmedError("gateway-2 does not follow")
    certificate = Drill(shop.cutovers, FakeProbes(shop.world), patience=5).run("orders")
    assert certificate.problems == ("there: gateway-2 does not follow",)
    assert [leg.ended for leg in certificate.legs] == ["undone"]
    assert shop.problems() == []


def test_a_drill_begins_only_where_both_ways_are_there(
    module_database: DatabaseAddress, connection: psycopg.Connection
) -> None:
    shop = Shop(module_database, connection, switched=False)
    connection.execute(
        PLACE.encode(), {**shop.scope.parameters, "state": 4, "stage": 0, "share": 0.0, "salt": ""}
    )
    with pytest.raises(DrillRefusedError, match="'orders' is shadow-read"):
        Drill(shop.cutovers, FakeProbes(shop.world)).run("orders")


def test_a_changed_certificate_is_refused(
    module_database: DatabaseAddress, connection: psycopg.Connection, tmp_path: Path
) -> None:
    shop = quiet(Shop(module_database, connection, switched=False))
    certificate = Drill(shop.cutovers, FakeProbes(shop.world, forget=True), patience=0).run("orders")
    document, _ = file_certificate(certificate, tmp_path)
    changed = json.loads(document.read_text())
    changed["passed"] = True
    with pytest.raises(CertificateRefusedError, match="Its content has the hash"):
        check_certificate(changed)
    with pytest.raises(FileExistsError):
        file_certificate(replace(certificate), tmp_path)
