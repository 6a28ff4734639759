"""The wait doubles with each failure, up to an hour."""

from datetime import timedelta

from caravan.platform.identity.lockout import lock_duration


def test_four_failures_are_free_then_the_wait_doubles() -> None:
    assert [lock_duration(count).total_seconds() for count in range(1, 9)] == [0, 0, 0, 0, 30, 60, 120, 240]


def test_no_wait_is_longer_than_an_hour() -> None:
    assert lock_duration(12) == timedelta(hours=1)
    assert lock_duration(10_000) == timedelta(hours=1)
