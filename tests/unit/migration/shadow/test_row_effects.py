"""The rows of a write are compared like answers; what a side gives to its own rows may differ as far as it was learnt."""

from dataclasses import replace
from decimal import Decimal
from uuid import UUID, uuid4

from bench.judge_scenarios import START
from caravan.migration.exchange import Answer, Body, Request
from caravan.migration.shadow import (
    Judge,
    Kind,
    MinimalPair,
    RowEffect,
    Triple,
    compare_rows,
    groups_of,
    minimal_pair,
    verdict_of,
)
from caravan.migration.shadow.canonical import Canonicaliser, Timestamp, Uuid

LEARNT: list[Canonicaliser] = [
    Uuid(("version 4, lower case, with hyphens",)),
    Timestamp(("iso 8Z",), 2.0),
]


def order(
    *, number: int, total: str = "12.50", key: UUID | None = None, at: int = 0, **columns: object
) -> RowEffect:
    key = key or uuid4()
    values = {"id": key, "number": number, "total": Decimal(total), "at": f"2026-03-01 12:00:0{at}Z"}
    return RowEffect("orders", "insert", str(key), values | columns)


def spots(old: list[RowEffect], new: list[RowEffect], learnt: list[Canonicaliser]) -> set[tuple[str, str]]:
    return {(path, str(kind)) for path, kind in compare_rows(old, new, learnt).spots()}


def test_equal_rows_with_ids_of_their_own_are_equal_where_ids_were_learnt() -> None:
    old = [order(number=n) for n in range(5)]
    new = [order(number=n, at=1) for n in range(5)]
    assert spots(old, new, LEARNT) == set()
    assert ("rows.orders.insert[*].id", "value") in spots(old, new, [])


def test_a_wrong_amount_a_missing_row_and_another_operation_are_found() -> None:
    key = UUID(int=7)
    old = [order(number=1, key=key)]
    assert spots(old, [order(number=1, key=key, total="12.51")], LEARNT) == {
        ("rows.orders.insert[*].total", "value")
    }
    assert spots(old, [order(number=1, key=key, total="12.5")], LEARNT) == {
        ("rows.orders.insert[*].total", "value")
    }
    assert spots(old, [], LEARNT) == {("rows.orders", "missing")}
    updated = [RowEffect("orders", "update", str(key), old[0].columns)]
    assert spots(old, updated, LEARNT) == {("rows.orders.insert", "missing"), ("rows.orders.update", "extra")}
    stock = RowEffect("stock", "update", "1", {"on_hand": 3})
    assert spots(old, [*old, stock], LEARNT) == {("rows.stock", "extra")}


def test_null_and_the_text_null_are_two_values() -> None:
    key = UUID(int=7)
    assert spots([order(number=1, key=key, note=None)], [order(number=1, key=key, note="null")], LEARNT) == {
        ("rows.orders.insert[*].note", "type")
    }


def made(old: Answer) -> Triple:
    request = Request("POST", "/orders", (), Body.of(b"{}"))
    return Triple(UUID(int=1), START, "POST /orders", request, old, None, old)


def test_rows_of_one_dry_run_are_unconfirmed_until_a_second_copy_of_old_confirms_them() -> None:
    judge = Judge()
    key = UUID(int=7)
    right, wrong = [order(number=1, key=key)], [order(number=1, key=key, total="13.00")]
    triple = made(Answer(201))
    for _ in range(12):
        assert judge.take_rows(triple, right, wrong).reported == ()
    verdict = verdict_of(judge, "POST /orders", START.date())
    assert verdict.unconfirmed == {"value rows.orders.insert[*].total": 12}
    reported = [judge.take_rows(triple, right, wrong, again=right).reported for _ in range(12)]
    assert [spots for spots in reported if spots] == [(("rows.orders.insert[*].total", Kind.VALUE),)]
    (group,) = groups_of(judge)
    assert minimal_pair(group.example) == MinimalPair("rows", "12.50", "13.00")
    not_run = replace(triple, not_judged="the dry run met a lock")
    assert judge.take_rows(not_run, right, wrong, again=right).reported == ()
