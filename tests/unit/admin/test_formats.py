"""Amounts, counts and times as people read them."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest

from caravan.admin import formats


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("1234.5", "1,234.50"),
        ("0", "0.00"),
        ("-12.0050", "-12.005"),
        ("99999999999999.9999", "99,999,999,999,999.9999"),
        ("1E+3", "1,000.00"),
    ],
)
def test_an_amount_keeps_every_place_it_has(value: str, written: str) -> None:
    assert formats.amount(Decimal(value)) == written


def test_an_amount_may_carry_its_currency() -> None:
    assert formats.amount(Decimal(5), "EUR") == "5.00 EUR"


def test_what_is_not_there_is_a_dash() -> None:
    assert formats.amount(None) == formats.count(None) == formats.moment(None) == formats.NOTHING


@pytest.mark.parametrize(
    ("value", "written"),
    [(25900, "25,900"), (Decimal("2.5000"), "2.5"), (Decimal("10.0000"), "10"), (Decimal(100), "100")],
)
def test_a_count_has_no_needless_places(value: Decimal | int, written: str) -> None:
    assert formats.count(value) == written


def test_a_time_is_written_in_utc_and_readable_by_machines() -> None:
    there = datetime(2026, 3, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    assert formats.moment(there) == (
        '<time datetime="2026-02-28T23:30:00+00:00" title="2026-02-28 23:30:00 UTC">28 Feb 2026, 23:30</time>'
    )


def test_the_first_years_have_four_digits() -> None:
    assert ">01 Jan 0001, 00:00<" in formats.moment(datetime(1, 1, 1, tzinfo=UTC))


def test_addresses_of_lists_leave_out_what_is_not_set() -> None:
    assert formats.query({"q": "a b", "state": "", "page": None}, page=2) == "?q=a+b&page=2"
    assert formats.query({"page": 3}, page="") == "?"


def test_small_things() -> None:
    assert formats.short(UUID(int=0x0192_0000 << 96)) == "01920000"
    assert formats.words("on_hold") == "on hold"
    assert formats.words("money.sums_match") == "money: sums match"
    assert formats.pretty({"a": Decimal("1.5")}) == '{\n  "a": "1.5"\n}'
