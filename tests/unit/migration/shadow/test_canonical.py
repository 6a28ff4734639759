"""A canonicaliser is learnt from the old side against itself, weakens an assertion and never gives it up."""

# ruff: noqa: ANN401, S311 - seeded draws; documents of any shape

import json
import random
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from caravan.migration.exchange import Answer, Body, Request
from caravan.migration.shadow import Judge, JudgeSettings, Triple
from caravan.migration.shadow.canonical import (
    AnyId,
    Canonicaliser,
    Counter,
    Flows,
    Learner,
    Near,
    Timestamp,
    Token,
    Url,
    Uuid,
    canonicaliser_from_json,
    canonicaliser_to_json,
    read_moment,
)
from caravan.migration.shadow.documents import Document, number

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def learnt(pairs: list[tuple[Document, Document]]) -> Canonicaliser | None:
    learner = Learner()
    for old, again in pairs:
        learner.observe("$.x", old, again)
    return Learner.from_json(json.loads(json.dumps(learner.to_json()))).values().get("$.x")


def drawn(draw: Callable[[random.Random], Document], pairs: int = 6) -> list[tuple[Document, Document]]:
    mixed = random.Random(3)
    return [(draw(mixed), draw(mixed)) for _ in range(pairs)]


def a_uuid(mixed: random.Random) -> str:
    return str(uuid.UUID(int=mixed.getrandbits(128), version=4))


def a_moment(mixed: random.Random) -> str:
    return (NOON + timedelta(milliseconds=mixed.randint(1, 1500))).isoformat(timespec="milliseconds")


def test_a_uuid_keeps_version_case_and_hyphens() -> None:
    kind = learnt(drawn(a_uuid))
    assert isinstance(kind, Uuid)
    old = str(uuid.uuid4())
    assert kind.accepts(old, str(uuid.uuid4()))
    for other in (str(uuid.uuid4()).upper(), uuid.uuid4().hex, str(uuid.uuid1()), "", "none", None):
        assert not kind.accepts(old, other)


def test_a_timestamp_keeps_zone_form_and_distance() -> None:
    kind = learnt(drawn(a_moment))
    assert isinstance(kind, Timestamp)
    old = "2026-03-01T12:00:00.120+00:00"
    assert kind.accepts(old, "2026-03-01T12:00:01.020+00:00")
    for other in (
        "2026-03-01T13:00:00.120+00:00",
        "2026-03-01T12:00:00.120Z",
        "2026-03-01T13:00:00.120+01:00",
        "2026-03-01T12:00:00.120",
        "2026-03-01T12:00:00+00:00",
        "2026-03-01 12:00:00.120+00:00",
    ):
        assert not kind.accepts(old, other)


def test_moments_are_read_as_they_are_written() -> None:
    for text in ("2026-03-01T12:00:00Z", "2026-03-01 13:00:00+01:00", "Sun, 01 Mar 2026 12:00:00 GMT"):
        moment = read_moment(text)
        assert moment is not None
        assert moment.seconds == NOON.timestamp()
    seconds = str(int(NOON.timestamp()))
    assert read_moment(number(seconds)).seconds == read_moment(number(f"{seconds}000")).seconds  # type: ignore[union-attr]
    for other in ("2026-13-01T12:00:00Z", "12:00", number("7"), "9" * 13, None, True):
        assert read_moment(other) is None


def test_a_token_keeps_length_and_alphabet() -> None:
    kind = learnt(drawn(lambda mixed: f"{mixed.getrandbits(128):032x}", 12))
    assert isinstance(kind, Token)
    assert kind.alphabet == "lower hex"
    old = "0" * 31 + "a"
    assert kind.accepts(old, "f" * 32)
    for other in ("f" * 31, "F" * 32, "g" * 32, "", None):
        assert not kind.accepts(old, other)


def test_words_that_alternate_are_no_token() -> None:
    words: list[tuple[Document, Document]] = [("delivered", "cancelled")] * 10
    assert learnt(words) is None


def test_ids_out_of_a_small_pool_are_no_ids_of_one_thing_each() -> None:
    """Held equal by their form alone, an id from outside of the pool would never be found."""
    pool = [str(uuid.UUID(int=number * 2**70, version=4)) for number in range(1, 4)]
    mixed = random.Random(5)
    drawn_pairs: list[tuple[Document, Document]] = []
    while len(drawn_pairs) < 12:
        old, again = mixed.choice(pool), mixed.choice(pool)
        if old != again:
            drawn_pairs.append((old, again))
    assert learnt(drawn_pairs) is None
    words = ["delivered", "cancelled", "preparing", "collected", "forgotten", "invoiced1"]
    assert learnt([(mixed.choice(words[:3]), mixed.choice(words[3:])) for _ in range(40)]) is None


def test_ids_that_each_old_instance_gives_for_good_are_learnt() -> None:
    pairs = [(f"{number:08x}-one", f"{number:08x}-two") for number in range(6)] * 3
    assert isinstance(learnt(list(pairs)), Token)


def test_a_counter_only_grows_and_not_by_much() -> None:
    kind = learnt([(number(str(value)), number(str(value + 2))) for value in range(10, 80, 10)])
    assert kind == Counter(2)
    assert kind.accepts(number("100"), number("103"))
    for other in (number("99"), number("1000"), number("101.0"), "101", None):
        assert not kind.accepts(number("100"), other)


def test_a_float_keeps_its_digits_up_to_the_noise_seen() -> None:
    kind = learnt([(number(f"{value}.0000001"), number(f"{value}.0000003")) for value in range(1, 8)])
    assert isinstance(kind, Near)
    assert kind.accepts(number("5.0000001"), number("5.0000002"))
    for other in (number("5.01"), number("5"), "5.0", None):
        assert not kind.accepts(number("5.0"), other)


def test_numbers_beyond_all_bounds_are_learnt_as_nothing() -> None:
    wild = ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5_000, "1" * 5_000]
    mixed = random.Random(8)
    pairs = [(number(mixed.choice(wild)), number(mixed.choice(wild))) for _ in range(20)]
    assert learnt(list(pairs)) is None
    assert not Near(0.1).accepts(number("NaN"), number("NaN"))
    assert not Counter(2).accepts(number("9" * 5_000), number("9" * 5_000))


def test_a_url_keeps_everything_but_its_host() -> None:
    kind = learnt([(f"http://a{value}/orders/1", f"http://b{value}/orders/1") for value in (1, 2, 1, 2, 1)])
    assert isinstance(kind, Url)
    assert kind.accepts("http://a1/orders/7", "http://b2/orders/7")
    assert not kind.accepts("http://a1/orders/7", "http://b2/orders/8")
    assert not kind.accepts("http://a1/orders/7", "http://elsewhere/orders/7")


def test_four_pairs_are_not_enough() -> None:
    assert learnt(drawn(a_uuid, 4)) is None


def test_one_value_that_does_not_fit_unlearns_the_kind() -> None:
    assert learnt([*drawn(a_uuid), (str(uuid.uuid4()), "unknown")]) is None


@pytest.mark.parametrize(
    "kind",
    [
        Uuid(("a",)),
        Timestamp(("b",), 2.0),
        Token("digits", 8, 9),
        Counter(3),
        Near(0.1),
        Url(("h",)),
        AnyId(),
    ],
)
def test_a_kind_survives_json(kind: Canonicaliser) -> None:
    assert canonicaliser_from_json(json.loads(json.dumps(canonicaliser_to_json(kind)))) == kind


def triples(
    old: Callable[[int, random.Random], Any], new: Callable[[int, random.Random], Any], requests: int
) -> Iterator[Triple]:
    def answer(document: Any) -> Answer:
        return Answer(200, (("Content-Type", "application/json"),), Body.of(json.dumps(document).encode()))

    for turn in range(requests):
        a, b, n = (random.Random(f"{turn} {side}") for side in "abn")
        yield Triple(
            uuid.UUID(int=turn),
            NOON,
            "GET /x",
            Request("GET", f"/x/{turn}"),
            answer(old(turn, a)),
            answer(old(turn, b)),
            answer(new(turn, n)),
            client=f"client {turn % 5}",
        )


def reported(
    old: Callable[[int, random.Random], Any],
    new: Callable[[int, random.Random], Any],
    requests: int = 200,
    settings: JudgeSettings | None = None,
) -> set[tuple[str, str]]:
    judge = Judge(settings)
    found = [spot for triple in triples(old, new, requests) for spot in judge.take(triple).reported]
    return {(path, str(kind)) for path, kind in found}


def test_a_side_with_ids_of_its_own_is_clean_and_a_swapped_owner_is_found() -> None:
    """Ids are fresh in each answer, but two members name the same owner."""

    def whole(_turn: int, mixed: random.Random) -> Any:
        owner, other = a_uuid(mixed), a_uuid(mixed)
        return {"owner": {"id": owner}, "owner_id": owner, "payer": other}

    def swapped(turn: int, mixed: random.Random) -> Any:
        document = whole(turn, mixed)
        return document | {"owner_id": document["payer"]}

    assert reported(whole, whole) == set()
    assert ("$.owner_id", "reference") in reported(whole, swapped)


def test_declared_ids_are_held_together_across_the_requests_of_a_client() -> None:
    """New gives ids of its own, once and for all; each answer alone shows nothing wrong."""

    def old(turn: int, _mixed: random.Random) -> Any:
        return {"id": f"old-{turn % 20 // 10}", "owner_id": f"owner-{turn % 20 // 10}"}

    def new(turn: int, _mixed: random.Random) -> Any:
        return {"id": f"new-{turn % 20 // 10}", "owner_id": f"person-{turn % 20 // 10}"}

    def swapped(turn: int, mixed: random.Random) -> Any:
        return new(turn, mixed) | ({"owner_id": "person-0"} if turn % 20 == 15 else {})

    declared = {"GET /x": {"$.id": AnyId(), "$.owner_id": AnyId()}}
    settings = JudgeSettings(declared=declared)
    assert reported(old, new, 400, settings) == set()
    assert reported(old, swapped, 400, settings) == {("$.owner_id", "reference")}


def test_a_flow_forgets_on_both_sides_at_once() -> None:
    flows = Flows()
    for turn in range(450):
        pair = [("$.id", f"old {turn}", f"new {turn}")]
        assert flows.take("client", pair, pair) == ({}, {})
    again = Flows.from_json(json.loads(json.dumps(flows.to_json())))
    assert again.to_json() == flows.to_json()
    ((_client, forth, other),) = flows.to_json()
    assert len(forth) == len(other) < 201
    merged: list[tuple[str, Document, Document]] = [("$.id", "x", "one"), ("$.owner_id", "y", "one")]
    assert list(again.take("client", [], merged)[1]) == ["$.owner_id"], "two old ids are one new one"
    for client in range(120):
        flows.take(f"client {client}", [], [])
    assert len(flows.to_json()) == 100


def test_noise_that_is_learnt_hides_no_systematic_shift() -> None:
    def noisy(_turn: int, mixed: random.Random) -> Any:
        return {"at": a_moment(mixed), "id": a_uuid(mixed)}

    def late(turn: int, mixed: random.Random) -> Any:
        document = noisy(turn, mixed)
        return document | {"at": document["at"].replace("T12:", "T13:")}

    assert reported(noisy, noisy) == set()
    assert reported(noisy, late) == {("$.at", "value")}


def test_timestamps_of_one_object_keep_their_order() -> None:
    def noisy(_turn: int, mixed: random.Random) -> Any:
        created = NOON + timedelta(milliseconds=mixed.randint(1, 1500))
        return {"created": created.isoformat(timespec="milliseconds"), "sent": _after(created)}

    def turned(turn: int, mixed: random.Random) -> Any:
        document = noisy(turn, mixed)
        return {"created": document["sent"], "sent": document["created"]}

    assert reported(noisy, noisy) == set()
    assert ("$.sent", "order") in reported(noisy, turned)


def _after(moment: datetime) -> str:
    return (moment + timedelta(milliseconds=100)).isoformat(timespec="milliseconds")


def test_a_set_may_come_in_any_order_but_not_with_other_members() -> None:
    def shuffled(turn: int, mixed: random.Random) -> Any:
        rows = [{"id": place, "amount": turn * place} for place in range(5)]
        mixed.shuffle(rows)
        return {"rows": rows, "tags": mixed.sample(["a", "b", "c", "d"], 4)}

    def changed(turn: int, mixed: random.Random) -> Any:
        document = shuffled(turn, mixed)
        rows = [row | {"amount": row["amount"] + (row["id"] == 3)} for row in document["rows"]]
        return {"rows": rows, "tags": ["a", "b", "c", "e"]}

    assert reported(shuffled, shuffled) == set()
    assert reported(shuffled, changed) == {
        ("$.rows[*].amount", "value"),
        ("$.tags[*]", "missing"),
        ("$.tags[*]", "extra"),
    }


def test_noise_without_a_shape_is_left_to_counting() -> None:
    def noisy(_turn: int, mixed: random.Random) -> Any:
        return {"mood": mixed.choice(["calm", "happy", "tired"]), "n": mixed.randint(0, 3)}

    assert reported(noisy, noisy, 1_000) == set()
    assert reported(noisy, lambda turn, mixed: noisy(turn, mixed) | {"mood": "grim"}) == {("$.mood", "value")}
