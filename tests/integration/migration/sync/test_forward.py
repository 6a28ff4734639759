"""Changes of the old side in our tables: rows, places and position come together."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from caravan.core.database import DatabaseAddress
from caravan.migration.sync.errors import FlowHeldError, FlowReplacedError
from caravan.migration.sync.waiting import set_mode
from tests.fixtures.followed_shop import FollowedShop
from tests.fixtures.scripted_log import broken, delete, truncate, upsert
from tests.fixtures.toy.shop import Shop, customers, make_shop, oid, orders


@pytest.fixture(scope="module")
def shop(module_database: DatabaseAddress, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return make_shop(module_database, tmp_path_factory.mktemp("shop"))


@pytest.fixture
def followed(shop: Shop, tmp_path: Path) -> Iterator[FollowedShop]:
    followed = FollowedShop(Shop(shop.database, tmp_path))
    followed.shop.describe()
    yield followed
    followed.close()


def person(number: int, name: str) -> dict[str, object]:
    return {"_id": oid(number), "name": name}


def test_a_record_comes_changes_and_goes_with_all_its_rows(followed: FollowedShop) -> None:
    log = followed.log
    (order,) = orders(1, customers=1, lines=3)
    came = log.commit(upsert("customers", person(0, "Ada")), upsert("orders", order))
    order["lines"] = order["lines"][:1]
    changed = log.commit(upsert("orders", order))
    gone = log.commit(delete("orders", order["_id"]))
    seen = []
    for transaction in (came, changed, gone):
        followed.apply(transaction)
        seen.append(
            tuple(
                followed.count(table)
                for table in ("toy_customers", "toy_orders", "toy_lines", "legacy_rps.toy_side")
            )
        )
    assert seen == [(1, 1, 3, 1), (1, 1, 1, 1), (1, 0, 0, 0)]
    flow = followed.flow()
    assert (flow.applied_number, flow.applied_resume) == (gone.position.number, gone.position.resume)
    assert (flow.transactions, flow.rows_applied, flow.state) == (3, 4, "stopped")
    assert followed.rows("SELECT count(*) FROM engine.legacy_keys WHERE org_id = %(org)s") == [(1,)]


def test_whatever_the_order_and_however_often_the_newest_version_stands(followed: FollowedShop) -> None:
    log = followed.log
    history = [
        log.commit(upsert("customers", person(1, "first")), upsert("customers", person(2, "two"))),
        log.commit(delete("customers", oid(1))),
        log.commit(upsert("customers", person(1, "again"))),
        log.commit(delete("customers", oid(2))),
        log.commit(upsert("customers", person(1, "last")), upsert("customers", person(3, "three"))),
    ]
    seed = random.Random(7)  # noqa: S311 - an order, not a secret
    for _ in range(4):
        delivered = [*history, *seed.sample(history, 3)]
        seed.shuffle(delivered)
        for start in range(0, len(delivered), 3):
            followed.apply(*delivered[start : start + 3])
    assert followed.names() == {"1": "last", "3": "three"}
    assert followed.flow().applied_number == history[-1].position.number


def test_a_load_beside_the_flow_leaves_newer_rows_and_tombstones_alone(followed: FollowedShop) -> None:
    log = followed.log
    followed.apply(
        log.commit(upsert("customers", person(0, "newer"))),
        log.commit(delete("customers", oid(1))),
        log.commit(upsert("customers", person(90, "born later"))),
    )
    followed.shop.dump("customers", customers(4))
    followed.shop.dump("orders", [])
    report = followed.load(snapshot=5)
    assert report.exit_code == 0, report.to_json()
    assert followed.names() == {
        "0": "newer",
        "2": "Customer 2",
        "3": "Customer 3",
        "5a": "born later",
    }
    followed.apply(log.commit(upsert("customers", person(2, "after the load"))))
    assert followed.names()["2"] == "after the load"


def test_what_the_snapshot_shows_is_not_undone_by_older_changes(followed: FollowedShop) -> None:
    old = followed.log.commit(upsert("customers", person(0, "before the snapshot")))
    followed.shop.dump("customers", customers(2))
    followed.shop.dump("orders", [])
    followed.load(snapshot=old.position.number)
    followed.apply(old)
    assert followed.names() == {"0": "Customer 0", "1": "Customer 1"}
    assert followed.flow().rows_passed == 1


def test_a_record_that_cannot_be_mapped_waits_in_quarantine_until_a_good_version_comes(
    followed: FollowedShop,
) -> None:
    log = followed.log
    followed.apply(
        log.commit(upsert("customers", person(1, "refuse")), upsert("customers", person(2, "good"))),
        log.commit(broken("customers", oid(3))),
    )
    assert followed.quarantine() == [
        ("customers", "customer.refused", str(oid(1))),
        ("customers", "record.too_large", str(oid(3))),
    ]
    assert followed.names() == {"2": "good"}
    assert followed.flow().rows_refused == 2
    followed.apply(log.commit(upsert("customers", person(1, "mended")), delete("customers", oid(3))))
    assert followed.quarantine() == []
    assert followed.names() == {"1": "mended", "2": "good"}


def test_one_row_that_the_tables_refuse_costs_only_itself(followed: FollowedShop) -> None:
    log = followed.log
    many = orders(20, customers=1)
    many[13]["total"] = "1000000"  # the CHECK refuses it
    followed.apply(
        log.commit(upsert("customers", person(0, "Ada"))),
        *(log.commit(upsert("orders", order)) for order in many),
    )
    assert followed.quarantine() == [("orders", "target.refused", str(many[13]["_id"]))]
    assert followed.rows("SELECT count(*) FROM toy_orders WHERE org_id = %(org)s") == [(19,)]
    many[13]["total"] = "10"
    followed.apply(log.commit(upsert("orders", many[13])))
    assert followed.quarantine() == []


def test_a_reference_waits_for_its_row_and_again_when_the_row_has_gone(followed: FollowedShop) -> None:
    log = followed.log
    (order,) = orders(1, customers=1)
    waiting = "SELECT count(*) FROM engine.dangling_references WHERE org_id = %(org)s"
    customer = "SELECT customer_id IS NOT NULL FROM toy_orders WHERE org_id = %(org)s"
    followed.apply(log.commit(upsert("orders", order)))
    assert (followed.rows(customer), followed.rows(waiting)) == ([(False,)], [(1,)])
    followed.apply(log.commit(upsert("customers", person(0, "Ada"))))
    assert (followed.rows(customer), followed.rows(waiting)) == ([(True,)], [(0,)])
    followed.apply(log.commit(delete("customers", oid(0))))
    assert (followed.rows(customer), followed.rows(waiting)) == ([(False,)], [(1,)])
    followed.apply(log.commit(upsert("customers", person(0, "Ada again"))))
    assert (followed.rows(customer), followed.rows(waiting)) == ([(True,)], [(0,)])


def test_a_delete_that_rows_of_the_platform_stand_against_is_told_and_the_row_stays(
    followed: FollowedShop,
) -> None:
    log = followed.log
    (order,) = orders(1, customers=1)
    followed.apply(log.commit(upsert("orders", order)))
    followed.rows(
        "INSERT INTO toy_visits SELECT org_id, gen_random_uuid(), id FROM toy_orders WHERE org_id = %(org)s RETURNING 1"
    )
    followed.apply(log.commit(delete("orders", order["_id"])))
    assert followed.quarantine() == [("orders", "target.refused", str(order["_id"]))]
    assert followed.rows("SELECT count(*) FROM toy_orders WHERE org_id = %(org)s") == [(1,)]


def test_a_truncate_empties_the_data_set_and_stands_against_older_chunks(followed: FollowedShop) -> None:
    log = followed.log
    followed.apply(log.commit(*(upsert("customers", person(n, "old")) for n in range(3))))
    followed.apply(log.commit(truncate("customers"), upsert("customers", person(2, "new"))))
    assert followed.names() == {"2": "new"}
    followed.shop.dump("customers", customers(5))
    followed.shop.dump("orders", [])
    followed.load(snapshot=15)
    assert followed.names() == {"2": "new"}
    followed.shop.dump("customers", [person(n, "since") for n in range(5)])
    followed.load(snapshot=25)
    assert sorted(followed.names()) == ["0", "1", "2", "3", "4"]


def test_transactions_of_our_own_are_passed_over_and_their_position_counts(followed: FollowedShop) -> None:
    log = followed.log
    own = log.commit(upsert("customers", person(1, "written back")), tag="toy/reverse")
    other = log.commit(upsert("customers", person(2, "of another migration")), tag="else/reverse")
    followed.apply(own, other)
    assert followed.names() == {"2": "of another migration"}
    assert followed.flow().applied_number == other.position.number


def test_a_watching_flow_writes_nothing_and_names_every_foreign_write(followed: FollowedShop) -> None:
    log = followed.log
    followed.begin()
    set_mode(followed.connection, followed.key, "watch")
    sink = followed.sink()
    sink.take("test")
    ours = log.commit(upsert("customers", person(1, "ours")), tag="toy/reverse")
    theirs = log.commit(upsert("customers", person(7, "theirs")), delete("orders", oid(8)))
    for _ in range(2):  # read twice: told once
        sink.watch([ours, theirs])
    sink.close()
    told = followed.rows(
        "SELECT collection, kind, key, number, committed_at FROM engine.foreign_writes WHERE org_id = %(org)s ORDER BY step"
    )
    at = theirs.position.number
    assert [row[:4] for row in told] == [
        ("customers", "upsert", f'{{"_id": "{oid(7)}"}}', at),
        ("orders", "delete", f'{{"_id": "{oid(8)}"}}', at),
    ]
    assert told[0][4] == theirs.committed_at
    assert followed.names() == {}
    assert followed.flow().applied_number == at


def test_one_process_holds_a_flow_and_a_process_that_lost_it_commits_nothing(followed: FollowedShop) -> None:
    log = followed.log
    followed.begin()
    first, second = followed.sink(), followed.sink()
    first.take("first")
    with pytest.raises(FlowHeldError, match="first"):
        second.take("second")
    first._connection.execute("SELECT pg_advisory_unlock_all()")  # as if its session had been thought dead
    second.take("second")
    with pytest.raises(FlowReplacedError):
        first.apply([log.commit(upsert("customers", person(1, "late")))])
    assert followed.names() == {}
    first.close()
    second.close()


def test_the_ledger_stays_exact_while_changes_come(followed: FollowedShop) -> None:
    log = followed.log
    followed.shop.dump("customers", customers(60))
    followed.shop.dump("orders", orders(70, customers=60))
    followed.load(snapshot=5)
    changed, *_ = orders(1, customers=60)
    changed["lines"] = []
    followed.apply(
        log.commit(upsert("customers", person(3, "changed")), delete("customers", oid(55))),
        log.commit(upsert("orders", changed), delete("orders", oid(10_069))),
        log.commit(upsert("customers", person(99, "new"))),
    )
    report = followed.load(snapshot=5)
    assert report.checks["checksums"]["ok"], report.to_json()
    assert report.checks["rows"]["ok"], report.to_json()
    assert followed.count("toy_orders") == 69


def test_a_version_that_is_refused_leaves_the_one_before_with_what_it_waits_for(
    followed: FollowedShop,
) -> None:
    log = followed.log
    (order,) = orders(1, customers=1)
    followed.apply(log.commit(upsert("orders", order)))
    followed.apply(log.commit(upsert("orders", {**order, "total": "NaN"})))
    assert followed.quarantine() == [("orders", "amount.not_a_number", str(order["_id"]))]
    followed.apply(log.commit(upsert("customers", person(0, "Ada"))))
    assert followed.rows("SELECT number, customer_id IS NOT NULL FROM toy_orders WHERE org_id = %(org)s") == [
        ("N0", True)
    ]
