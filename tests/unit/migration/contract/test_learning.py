"""A contract is learnt from all samples, and does not depend on their order."""

import random
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caravan.migration.contract import (
    AnswerShape,
    Learnt,
    NothingToLearn,
    contract_text,
    evidence_path,
    inventory,
    learn,
    read_samples,
    write_evidence,
)
from caravan.migration.contract.checking import AnswerChecker
from caravan.migration.contract.schemas import lines_of, text_of
from caravan.migration.exchange import Answer, Exchange
from tests.unit.migration.contract.schema_strategies import documents
from tests.unit.migration.contract.traffic import BEGAN, asked, deduper, shop


def learnt(*exchanges: Exchange, **options: object) -> Learnt:
    return learn(list(exchanges), name="x", **options)  # type: ignore[arg-type]  # whatever the test declares


@given(st.randoms(use_true_random=False))
@settings(max_examples=10, deadline=None)
def test_shuffled_exchanges_give_the_same_contract_and_the_same_evidence(chance: random.Random) -> None:
    traffic = [*deduper(), *shop()]
    shuffled = list(traffic)
    chance.shuffle(shuffled)
    one, other = learn(traffic, name="x"), learn(shuffled, name="x")
    assert contract_text(one.contract) == contract_text(other.contract)
    assert inventory(one) == inventory(other)
    samples = [
        [list(answer.samples) for _, answer in sorted(seen.answers.items())]
        for told in (one, other)
        for _, seen in sorted(told.observations.items())
    ]
    assert samples[: len(samples) // 2] == samples[len(samples) // 2 :]


@given(st.lists(st.tuples(st.sampled_from([200, 201, 404]), documents), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_every_answer_it_was_learnt_from_keeps_the_contract(answers: list[tuple[int, Any]]) -> None:
    traffic = [asked(f"/a/{n}", value, status=status) for n, (status, value) in enumerate(answers)]
    traffic.append(asked("/a/0", {}))  # one good answer, so that the route is one
    checker = AnswerChecker(learn(traffic, name="x").contract, closed=True)
    for exchange in traffic:
        route = checker.route_of(exchange)
        assert route == "GET /a/{a_id}"
        assert checker.problems(route, exchange.answer) == []


def test_every_status_has_its_own_schema() -> None:
    route = learnt(*deduper()).contract.routes["GET /deduper/jobs/{job_id}"]
    assert list(route.answers) == [404]
    assert lines_of(route.answers[404].body or pytest.fail("no body")) == {"$": "object", "error": "string"}


def test_effects_are_proposed_and_never_concluded_from_the_method_alone() -> None:
    traffic = [asked("/a", {}), asked("/b", {}, status=201), asked("/c", {}, method="POST"), asked("/d", {})]
    routes = learnt(
        *traffic, declared={"GET /d": "read", "GET /e": None}, writers=frozenset({"GET /a"})
    ).contract.routes
    assert {key: route.effect for key, route in routes.items()} == {
        "GET /a": "write",  # changed rows
        "GET /b": "write",  # answers 201
        "POST /c": "write",
        "GET /d": "read",
        "GET /e": "write",  # never seen
    }


def test_parameters_have_types_and_are_required_when_every_good_request_has_them() -> None:
    traffic = [
        *(
            asked(f"/a?page={n}&x=true&state=open&state=paid" + ("&q=z" if n % 2 else ""), {})
            for n in range(40)
        ),
        asked("/a?page=many", {}, status=422),
    ]
    query = learnt(*traffic).contract.routes["GET /a"].query
    assert {name: (text_of(known.schema), known.required) for name, known in query.items()} == {
        "page": ("integer", True), "q": ("string", False), "state": ('"open" | "paid"', True), "x": ("boolean", True),
    }  # fmt: skip


def test_forms_and_json_requests_have_schemas() -> None:
    form = (("content-type", "application/x-www-form-urlencoded"),)
    json = (("content-type", "application/json; charset=utf-8"),)
    routes = learnt(
        asked("/f", {}, method="POST", body=b"a=1&b=", headers=form),
        asked("/j", {}, method="POST", body=b'{"n": 1}', headers=json),
        asked("/j", {}, method="POST", body=b"{broken", headers=json, status=400),
    ).contract.routes
    assert lines_of(routes["POST /f"].request or pytest.fail("none")) == {
        "$": "object",
        "a": "string",
        "b": "string",
    }
    assert lines_of(routes["POST /j"].request or pytest.fail("none")) == {"$": "object", "n": "integer"}
    assert routes["POST /j"].request_types == {"application/json"}


def test_headers_that_always_come_are_promised_with_their_value_when_it_never_varies() -> None:
    more = (
        ("Cache-Control", "no-store"),
        ("Allow", "GET, HEAD"),
        ("Date", "x"),
        ("Set-Cookie", "sid=1; Path=/"),
    )
    traffic = [asked("/a", {}, more=(*more, ("Location", f"/x/{n}"))) for n in range(3)]
    shape = learnt(*traffic, asked("/a", {}, more=more)).contract.routes["GET /a"].answers[200]
    assert dict(shape.headers) == {"allow": "GET, HEAD", "cache-control": "no-store"}
    assert shape.cookies == {"sid"}


def test_answers_that_are_not_json_are_told_by_their_type() -> None:
    shape = learnt(*deduper()).contract.routes["GET /"].answers[200]
    assert (shape.types, shape.body) == (frozenset({"text/html"}), None)


def test_broken_json_is_no_sample() -> None:
    shape = learnt(asked("/a", b"{oops"), asked("/a", {"n": 1})).contract.routes["GET /a"].answers[200]
    assert lines_of(shape.body or pytest.fail("none"))["n"] == "integer"


def test_the_inventory_counts_clients_statuses_and_what_nobody_asks_for() -> None:
    traffic = [asked("/a", {}, client=f"c{n % 3}", after=n) for n in range(9)]
    traffic += [asked("/a", {}, status=500), asked("/nowhere", b"-", status=404, kind="text/html")]
    traffic += [Exchange(traffic[0].id, BEGAN, traffic[0].request, Answer(0, failure="reset"))]
    told = inventory(learnt(*traffic, declared={"GET /gone/{x}": "read"}))
    (line,) = told.lines
    assert (line.route, line.count, line.statuses, line.clients) == ("GET /a", 10, {200: 9, 500: 1}, 3)
    assert line.median_seconds == pytest.approx(0.01, rel=0.1)
    assert (told.dead, told.unknown, told.failed) == (("GET /gone/{x}",), {404: 1}, 1)


def test_access_logs_give_routes_without_promises_about_headers_or_bodies() -> None:
    exchange = asked("/a/17", {})
    bare = Exchange(exchange.id, exchange.at, exchange.request, Answer(200), tags=("access-log",))
    shape = learnt(bare).contract.routes["GET /a/{a_id}"].answers[200]
    assert shape == AnswerShape()


def test_a_method_that_a_path_does_not_have_is_no_route() -> None:
    told = learnt(asked("/a", {}), asked("/a", b"no", method="PUT", status=405, kind="text/html"))
    assert list(told.contract.routes) == ["GET /a"]
    assert told.unknown == {405: 1}


def test_nothing_to_learn_from_is_said() -> None:
    with pytest.raises(NothingToLearn, match="no exchange"):
        learnt()


def test_memory_does_not_grow_with_ids_or_samples() -> None:
    class Many:
        def __init__(self, count: int) -> None:
            self.count = count

        def __iter__(self) -> Iterator[Exchange]:
            return (asked(f"/a/{n}/b/{n * 7}?x={n}", {"id": n, "t": f"text {n}"}) for n in range(self.count))

    def peak(count: int) -> int:
        tracemalloc.start()
        learn(Many(count), name="x")
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(50)
    assert peak(1200) < peak(200) + 1_500_000  # caches of texts fill up to their bound


def test_evidence_beside_the_contract_has_counts_ranges_and_samples(tmp_path: Path) -> None:
    told = learnt(*(asked(f"/a/{n}?x=1", {"n": n, "t": "a" * n, "l": [n]}) for n in range(1, 9)))
    file = evidence_path(tmp_path / "contract.toml")
    write_evidence(file, told, told.contract)
    answer = orjson.loads(file.read_bytes())["routes"]["GET /a/{a_id}"]["answers"]["200"]
    assert answer["count"] == 8
    assert answer["fields"]["$.n"] == {"seen": 8, "range": [1, 8]}
    assert answer["fields"]["$.t"]["length"] == [1, 8]
    samples = read_samples(file)["GET /a/{a_id}"].by_status[200]
    assert len(samples) == 5
    assert samples == tuple(told.observations["GET /a/{a_id}"].answers[200].samples)


def test_samples_that_hold_marks_come_last() -> None:
    marked = [asked(f"/a?token=~secret.{n:012x}~", {}) for n in range(9)]
    (seen,) = learnt(*marked, asked("/a?x=1", {})).observations.values()
    assert [sample.redacted for sample in seen.answers[200].samples] == [False, True, True, True, True]
