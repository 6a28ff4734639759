"""Records of a source against the rows they became: no ledger is asked, so what came after the load counts too."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from caravan.core.database import DatabaseAddress, Role
from caravan.migration.load.planning import plan
from caravan.migration.verify.mapped import mappers, source_sums
from caravan.migration.verify.mapped.data_sets import DataSetRequest, verify_data_set
from caravan.migration.verify.pairs.settling import Patience
from caravan.migration.verify.report import SubjectReport
from tests.fixtures.databases import fresh_copy
from tests.fixtures.toy.shop import ORG, Shop, customers, make_shop, oid, orders


@pytest.fixture(scope="module")
def loaded(
    postgres_server: DatabaseAddress, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """A shop loaded once; nobody changes it."""
    with fresh_copy(postgres_server, template_database) as database:
        shop = make_shop(database, tmp_path_factory.mktemp("loaded"))
        shop.dump("customers", customers(10))
        documents = orders(300, customers=10)
        documents[9]["_id"] = documents[8]["_id"]
        documents[5]["total"] = "NaN"
        documents[6]["customer"] = oid(404)
        documents[7]["total"] = "5000000"  # the tables refuse it
        shop.dump("orders", documents)
        assert shop.load().exit_code == 3
        yield shop


@pytest.fixture
def shop(postgres_server: DatabaseAddress, loaded: Shop, tmp_path: Path) -> Iterator[Shop]:
    shutil.copytree(loaded.folder, tmp_path, dirs_exist_ok=True)
    with fresh_copy(postgres_server, loaded.database.database) as database:
        yield Shop(database, tmp_path)


def verified(shop: Shop, data_set: str, **changes: object) -> SubjectReport:
    request = shop.request()
    planned = plan(request.config, (ORG, None))
    chosen = next(item for item in planned.data_sets if item.name == data_set)
    return verify_data_set(DataSetRequest(request.config, shop.database, chosen, **changes))  # type: ignore[arg-type]


def told(report: SubjectReport) -> list[tuple[str, str, str, list[tuple[str, str | None, str | None]]]]:
    return [
        (one.key[0] or "", one.key[1] or "", one.kind, [(f.column, f.left, f.right) for f in one.fields])
        for one in report.differences
    ]


@pytest.mark.parametrize("workers", [0, 2])
def test_what_was_loaded_is_the_same_though_some_was_refused(
    shop: Shop, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mappers, "_FEW", 1)
    with mappers.Mappers(workers) as shared:
        for data_set, rows in (("customers", 10), ("orders", 300)):
            report = verified(shop, data_set, mappers=shared)
            assert (report.verdict, report.counts, report.hashed) == ("same", {}, rows)
    assert report.left_rows > report.right_rows  # the refused are read all the same


def test_a_changed_field_a_lost_row_and_a_row_too_many_are_told(shop: Shop) -> None:
    shop.rows("UPDATE toy_orders SET total = total + 0.01 WHERE number = 'N250'")
    shop.rows("DELETE FROM toy_lines WHERE sku = 'S4-0'")
    shop.rows(
        "INSERT INTO toy_lines SELECT org_id, gen_random_uuid(), order_id, 9, 'x', 1 FROM toy_lines WHERE sku = 'S3-0'"
    )
    report = verified(shop, "orders")
    assert report.verdict == "different"
    assert told(report) == [
        (str(oid(10_003)), "toy_lines", "extra", []),
        (str(oid(10_004)), "toy_lines", "missing", []),
        (str(oid(10_250)), "toy_orders", "changed", [("total", "250.2500", "250.2600")]),
    ]


def test_what_the_source_has_gained_lost_and_changed_since_the_load_is_told(shop: Shop) -> None:
    found = customers(11)
    found[3]["name"] = "another"
    shop.dump("customers", found[1:])
    assert [(key, kind) for key, _, kind, _ in told(verified(shop, "customers"))] == [
        (str(oid(0)), "extra"), (str(oid(3)), "changed"), (str(oid(10)), "missing"),
    ]  # fmt: skip


def test_a_killed_verification_goes_on_behind_its_last_block(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_sums, "BLOCK", 1)
    mapped: list[int] = []
    real = mappers._mapped

    def mapped_until(data_set: Any, record_format: Any, chunk: Any, homes: Any) -> Any:  # noqa: ANN401 - stands for it
        mapped.append(chunk.number)
        if len(mapped) == 2:
            raise KeyboardInterrupt
        return real(data_set, record_format, chunk, homes)

    monkeypatch.setattr(mappers, "_mapped", mapped_until)
    with pytest.raises(KeyboardInterrupt):
        verified(shop, "orders")
    assert verified(shop, "orders").verdict == "same"
    assert mapped == [0, 1, 1]


def test_processes_that_map_end_with_a_verification_that_is_killed() -> None:
    program = """
import sys
from caravan.migration.verify.mapped.mappers import Mappers
if __name__ == "__main__":
    mappers = Mappers(2)
    try:
        next(mappers._side_by_side(None, "bson", iter([None] * 3)))
    except Exception:
        pass
    print(*[process.pid for process in mappers._pool._processes.values()], flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as killed:
        assert killed.stdout is not None
        workers = [psutil.Process(int(pid)) for pid in killed.stdout.readline().split()]
        assert workers
        killed.kill()
    _, alive = psutil.wait_procs(workers, timeout=30)
    assert not alive


def test_a_row_whose_change_is_newer_than_the_snapshot_is_not_judged(shop: Shop) -> None:
    shop.rows("UPDATE toy_orders SET total = total + 0.01 WHERE number = 'N250'")
    row = shop.value("SELECT id FROM toy_orders WHERE number = 'N250'")
    flow = {"org": ORG, "row": row}
    with psycopg.connect(shop.database.libpq(Role.SYSTEM), autocommit=True) as connection:
        connection.execute(
            "INSERT INTO engine.flows (org_id, migration, source, direction, state, start_number, applied_number, head_number)"
            " VALUES (%(org)s, 'toy', 'shop', 'forward', 'running', 1, 7, 9)",
            flow,
        )
        connection.execute(
            "INSERT INTO engine.applied (org_id, migration, data_set, row_id, number, step, deleted)"
            " VALUES (%(org)s, 'toy', 'orders', %(row)s, 8, 0, false)",
            flow,
        )
    report = verified(shop, "orders")
    assert (report.verdict, report.not_judged, report.counts) == ("not judged", 1, {})


def test_differences_that_stay_are_believed_and_those_that_go_are_not_told(shop: Shop) -> None:
    shop.rows("UPDATE toy_orders SET total = total + 0.01 WHERE number IN ('N250', 'N251')")
    now = [0.0]

    def meanwhile(seconds: float) -> None:
        shop.rows("UPDATE toy_orders SET total = 251.25 WHERE number = 'N251'")
        now[0] += seconds

    patience = Patience(bound=2, most=9, pause=1)
    report = verified(shop, "orders", patience=patience, sleep=meanwhile, clock=lambda: now[0])
    assert [key for key, *_ in told(report)] == [str(oid(10_250))]
    assert report.generations == 3
    assert report.not_judged == 0
