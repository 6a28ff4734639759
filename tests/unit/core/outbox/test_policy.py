"""Pauses between attempts."""

import pytest

from caravan.core.outbox import Policy


@pytest.mark.parametrize(("failures", "whole"), [(1, 1), (2, 2), (5, 16), (9, 256), (10, 300), (1000, 300)])
def test_pauses_double_up_to_the_longest_and_vary_by_chance(failures: int, whole: float) -> None:
    pauses = [Policy().pause(failures).total_seconds() for _ in range(50)]
    assert all(whole / 2 <= pause <= whole for pause in pauses)
    assert len(set(pauses)) > 1


def test_a_handler_is_ended_before_its_event_is_relayed_again() -> None:
    assert Policy().handler_timeout < Policy().visibility
