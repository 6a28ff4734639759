"""Ids sort by time, and imported ids hang on the legacy key alone."""

import threading
import time
import uuid
from uuid import UUID

import pytest

from caravan.core import ids
from caravan.core.ids import CARAVAN, composite_key, legacy_id, source_namespace, uuid5_bytes, uuid7

ORG = UUID("019a0000-0000-7000-8000-000000000001")


def test_a_uuid7_carries_version_variant_and_the_millisecond() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid7()
    assert made.version == 7
    assert made.variant == uuid.RFC_4122
    assert before <= made.int >> 80 <= before + 1_000


def test_uuid7s_increase_within_a_process_also_across_threads() -> None:
    lists: list[list[UUID]] = [[] for _ in range(4)]

    def make(into: list[UUID]) -> None:
        into.extend(uuid7() for _ in range(3_000))

    threads = [threading.Thread(target=make, args=(into,)) for into in lists]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(made == sorted(made) for made in lists)
    assert len({one for made in lists for one in made}) == 12_000


def test_a_clock_that_stands_still_moves_the_counter_then_the_millisecond(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ids, "_last_ms", (time.time_ns() // 1_000_000) + 60_000)
    monkeypatch.setattr(ids, "_sequence", 0xFFE)
    made = [uuid7() for _ in range(3)]
    assert made == sorted(made)
    assert made[2].int >> 80 == (made[0].int >> 80) + 1


def test_the_namespace_is_the_one_that_running_migrations_hang_on() -> None:
    assert str(CARAVAN) == "6d6f7665-6361-5261-8a6e-636172617661"
    assert str(source_namespace("rps", ORG)) == str(uuid.uuid5(CARAVAN, f"rps{ORG}"))


def test_a_legacy_id_tells_types_of_key_apart() -> None:
    namespace = source_namespace("rps", ORG)
    assert legacy_id(namespace, "order", "i", "17") != legacy_id(namespace, "order", "s", "17")
    assert legacy_id(namespace, "order", "i", "17") == uuid.uuid5(namespace, "order:i:17")


def test_a_composite_key_keeps_its_parts_apart() -> None:
    assert composite_key([("s", "a"), ("s", "b,s1:c")]) != composite_key([("s", "a,s1:b"), ("s", "c")])


def test_the_fast_uuid5_is_the_standard_one() -> None:
    name = "order:o:507f1f77bcf86cd799439011"
    assert uuid5_bytes(CARAVAN.bytes, name.encode()) == uuid.uuid5(CARAVAN, name).bytes
