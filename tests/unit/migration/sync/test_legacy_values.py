"""Values on their way back, as each driver takes them: nothing is rounded, no zone is lost."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest

from caravan.migration.sync.legacy.mongodb import object_id_of
from caravan.migration.sync.legacy.values import for_mariadb, for_sqlite, json_text

MOMENT = datetime(2024, 2, 29, 12, 0, 0, 250000, tzinfo=timezone(timedelta(hours=2)))
ID = UUID("0192e4a0-0000-7000-8000-000000000001")


def test_numbers_in_json_keep_every_digit() -> None:
    tree = {"total": Decimal("12345678901234567890.10"), "list": [Decimal("0.1"), 1.5, None], "é": "x"}
    text = json_text(tree)
    assert '"total": 12345678901234567890.10' in text
    assert json.loads(text, parse_float=Decimal)["list"] == [Decimal("0.1"), Decimal("1.5"), None]


@pytest.mark.parametrize(
    ("declared", "value", "taken"),
    [
        ("datetime(6)", MOMENT, datetime(2024, 2, 29, 10, 0, 0, 250000)),  # noqa: DTZ001 - the session is in UTC
        ("tinyint(1)", True, 1),
        ("char(36)", ID, str(ID)),
        ("json", [1, "a"], '[1, "a"]'),
        ("json", "text", '"text"'),
        ("decimal(18,4)", Decimal("1.10"), Decimal("1.10")),
        ("varchar(9)", None, None),
    ],
)
def test_mariadb_takes(declared: str, value: object, taken: object) -> None:
    assert for_mariadb(declared, value) == taken


@pytest.mark.parametrize(
    ("rule", "value", "taken"),
    [
        (None, Decimal("1.10"), "1.10"),
        (None, True, 1),
        (None, date(2024, 2, 29), "2024-02-29"),
        ("unix", MOMENT.replace(microsecond=0), 1709200800),
        ("unix_ms", MOMENT, 1709200800250),
        ("iso", MOMENT.astimezone(UTC), "2024-02-29 10:00:00.250000+00:00"),
        ("json", {"a": 1}, '{"a": 1}'),
        (None, timedelta(seconds=1), 1_000_000),
        ("uuid", ID, str(ID)),
        ("json", None, None),
    ],
)
def test_sqlite_takes(rule: str | None, value: object, taken: object) -> None:
    assert for_sqlite(rule, value) == taken


def test_the_key_of_a_document_born_here_is_always_the_same_and_tells_when() -> None:
    key = object_id_of(ID)
    assert key == object_id_of(UUID(str(ID)))
    assert key != object_id_of(UUID(int=ID.int + 1))
    assert key.generation_time == datetime.fromtimestamp((ID.int >> 80) // 1000, UTC)
