"""Statements on one row fold into the change that would have been left."""

import json

import pytest

from caravan.core.database.dry_run_rows import Noted, net_changes, rows_json

A, B, C = '{"n": 1}', '{"n": 2}', '{"n": 3}'


@pytest.mark.parametrize(
    ("noted", "net"),
    [
        ([(None, A), (A, B)], (None, B)),
        ([(A, B), (B, C)], (A, C)),
        ([(A, B), (B, None)], (A, None)),
        ([(A, None), (None, B)], (A, B)),
        ([(None, A), (A, None)], None),
        ([(A, B), (B, A)], None),
        ([(A, A)], None),
    ],
)
def test_statements_on_one_row_are_one_change(
    noted: list[tuple[str | None, str | None]], net: tuple[str | None, str | None] | None
) -> None:
    found = net_changes(Noted("orders", "1", before, after) for before, after in noted)
    assert [(each.before, each.after) for each in found] == ([] if net is None else [net])


def test_rows_of_equal_keys_in_two_tables_stay_two() -> None:
    found = net_changes([Noted("orders", "1", None, A), Noted("customers", "1", None, A)])
    assert [each.table for each in found] == ["orders", "customers"]


def test_numbers_keep_their_digits_and_updates_name_their_columns() -> None:
    before, after = '{"id": 1, "total": 12.5, "note": null}', '{"id": 1, "total": 12.50, "note": "x"}'
    told = rows_json([Noted("orders", "1", before, after), Noted("orders", "2", before, None)])
    assert '"total": 12.50' in told
    update, delete = json.loads(told)
    assert (update["operation"], update["changed"]) == ("update", ["note", "total"])
    assert (delete["operation"], delete["columns"]) == ("delete", {"id": 1, "total": 12.5, "note": None})
    assert rows_json([]) == "[]"
