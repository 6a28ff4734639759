"""Waking a relay that sleeps, and only such a one: NOTIFY takes a lock that all commits share."""

from typing import Final

__all__ = ["CHANNEL", "WAKE", "WAKE_WHEN"]

CHANNEL: Final = "caravan_outbox"

_SLEEPER: Final = "FROM (SELECT 1 FROM heartbeats WHERE kind = 'relay' AND sleeping LIMIT 1) AS sleeper"

WAKE: Final = f"SELECT pg_notify('{CHANNEL}', '') {_SLEEPER}"
"""A relay that fell asleep after this looked finds the event at its next poll."""

WAKE_WHEN: Final = f"{WAKE} WHERE CAST(:wake AS boolean)"
