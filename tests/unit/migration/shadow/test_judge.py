"""The ten planted defects are found, clean routes stay clean, and the state can be put away and taken up again."""

# ruff: noqa: S311 - seeded draws; documents of any shape

import json
import random
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from bench.judge_scenarios import PLACES, START, Scenario, scenarios, written
from caravan.migration.exchange import Answer, Body, Request
from caravan.migration.shadow import (
    Contract,
    Judge,
    JudgeSettings,
    Mask,
    MaskRefusedError,
    Triple,
    Verdict,
    figures_of,
    groups_of,
    minimal_pair,
    verdict_of,
    verdicts,
)
from caravan.migration.shadow.differences import Kind

TODAY = START.date()


def judged(scenario: Scenario, requests: int, judge: Judge | None = None) -> Judge:
    """Let the judge take so many requests of a scenario, and re-ask when it wants to."""
    judge = judge or Judge()
    for triple in scenario.triples(requests):
        taken = judge.take(triple)
        if taken.reask:
            number = int(triple.request.target.rpartition("/")[2])
            times = range(judge.settings.reask_times)
            old = [written(scenario.old(number, f"re-asked {time}")) for time in times]
            new = [written(scenario.new(number, f"re-asked new {time}")) for time in times]
            judge.take_reasked(triple.route, taken.reask, old, new)
    return judge


def reported(judge: Judge) -> dict[str, set[str]]:
    return {
        route: {spot[0] for spot, evidence in state.evidence.items() if evidence.reported}
        for route, state in judge.routes.items()
    }


@pytest.mark.parametrize("noisy", [False, True], ids=["plain", "noisy"])
def test_all_planted_defects_are_found_and_nothing_else(noisy: bool) -> None:
    judge = Judge()
    *planted, clean = scenarios(noisy=noisy)
    for scenario in planted:
        judged(scenario, 220, judge)
    judged(clean, 400, judge)
    places = [{place} for place in PLACES.values()]
    assert list(reported(judge).values()) == [*places, set()]
    verdict = verdict_of(judge, next(clean.triples(1)).route, TODAY)
    assert verdict.verdict is Verdict.CLEAN
    assert "0.75%" in verdict.statement


def test_a_defect_that_depends_on_chance_is_found_by_counting_alone() -> None:
    judge = Judge(JudgeSettings(reask_limit=0))
    scenario = Scenario("chance", noisy=False, defect=lambda answer, _number: replace(answer, status=203))
    requests = next(
        turn for turn, triple in enumerate(scenario.triples(100), 1) if judge.take(triple).reported
    )
    assert requests == 10


def test_the_same_triples_give_the_same_state_whether_or_not_it_was_put_away_between() -> None:
    scenario = scenarios(noisy=True)[4]
    whole, parted = Judge(), Judge()
    for turn, triple in enumerate(scenario.triples(60)):
        whole.take(triple)
        parted.take(triple)
        if turn % 20 == 0:
            parted = Judge.from_json(json.loads(json.dumps(parted.to_json())))
    assert parted.to_json() == whole.to_json()


def answer(document: object, status: int = 200) -> Answer:
    return Answer(status, (("Content-Type", "application/json"),), Body.of(json.dumps(document).encode()))


def triple(old: Answer, again: Answer | None, new: Answer, **values: object) -> Triple:
    made = Triple(UUID(int=1), START, "GET /x", Request("GET", "/x?page=2"), old, again, new)
    return replace(made, **values)  # type: ignore[arg-type]


def test_what_may_not_be_judged_is_counted_and_not_looked_at() -> None:
    judge = Judge()
    behind = triple(answer(1), answer(1), answer(2), not_judged="the new side had not caught up")
    judge.take(behind)
    judge.take(triple(Answer(0, failure="reset"), answer(1), answer(2)))
    coverage = verdict_of(judge, "GET /x", TODAY).coverage
    assert coverage.judged == 0
    assert coverage.not_judged == {"the new side had not caught up": 1, "old gave no answer": 1}
    assert judge.routes["GET /x"].evidence == {}
    assert verdict_of(judge, "GET /x", TODAY).verdict is Verdict.UNSEEN


def test_without_a_second_old_answer_a_difference_is_seen_and_unconfirmed() -> None:
    judge = Judge()
    for _ in range(30):
        assert judge.take(triple(answer({"a": 1}), None, answer({"a": 2}))).reported == ()
    verdict = verdict_of(judge, "GET /x", TODAY)
    assert verdict.unconfirmed == {"value $.a": 30}
    assert verdict.spots == ()


def test_a_new_side_that_gives_no_answer_is_reported() -> None:
    judge = Judge()
    same = answer({"a": 1})
    found = [judge.take(triple(same, same, Answer(0, failure="refused"))).reported for _ in range(10)]
    assert found[-1] == (("status", Kind.VALUE),)


def test_over_hundreds_of_noisy_fields_hardly_any_judge_ever_reports_one() -> None:
    """Looks at every request, all spots together: at most alpha of the judges may be wrong."""
    wrong = 0
    for run in range(20):
        mixed = random.Random(run)
        judge = Judge(JudgeSettings(alpha=0.05))
        for _ in range(40):
            old, again, new = (
                answer({f"f{place}": mixed.random() < 0.3 for place in range(60)}) for _ in range(3)
            )
            if judge.take(triple(old, again, new)).reported:
                wrong += 1
                break
    assert wrong <= 3


def test_the_verdict_says_what_was_not_seen() -> None:
    contract = Contract(frozenset({"page", "sort"}), frozenset({"2xx", "4xx"}), frozenset({"admin", "clerk"}))
    judge = Judge(JudgeSettings(contracts={"GET /x": contract, "GET /never": Contract()}))
    same = answer({"a": 1})
    for _ in range(300):
        judge.take(triple(same, same, same, tags=("role:clerk",)))
    never, seen = verdicts(judge, TODAY)
    assert (never.route, never.verdict) == ("GET /never", Verdict.UNSEEN)
    assert (seen.verdict, seen.coverage.share) == (Verdict.GATHERING, 0.5)
    assert seen.coverage.bound == 0.01
    assert seen.coverage.unseen_parameters == ("sort",)
    assert seen.coverage.unseen_statuses == ("4xx",)
    assert seen.coverage.unseen_roles == ("admin",)


def test_a_units_figures_are_those_of_its_routes_together() -> None:
    judge = with_total()
    same = answer({"a": 1})
    judge.take(replace(triple(same, same, same), route="GET /y"))
    judge.take(replace(triple(same, same, same, not_judged="behind"), route="GET /y"))
    figures = figures_of(verdicts(judge, TODAY))
    assert figures == {
        "judged": 13,
        "not_judged": 1,
        "mismatched": 11,
        "reported": 1,
        "coverage": 1.0,
        "bound": 1.0,
    }
    assert figures_of([])["bound"] == 1


def test_fields_without_end_are_kept_within_a_bound() -> None:
    judge = Judge(JudgeSettings(reask_limit=0))
    for turn in range(30):
        same = answer({})
        judge.take(triple(same, same, answer({f"f{turn}x{place}": 1 for place in range(100)})))
    state = judge.routes["GET /x"]
    assert len(state.evidence) <= 2_001
    assert len(state.examples) <= 200
    beyond = state.evidence["(beyond the first 2000)", Kind.EXTRA]
    assert (beyond.a, beyond.b) == (10, 0)


def with_total() -> Judge:
    judge = Judge()
    for turn in range(12):
        old = {"total": 10, "items": [{"id": 1, "price": 1.5}], "name": "a", "city": "b", "street": "c"}
        same = answer(old)
        judge.take(triple(same, same, answer(old | {"total": 10 + turn})))
    return judge


def mask(path: str = "$.total", **values: object) -> Mask:
    made = Mask("GET /x", path, "ana@example.com", "The new total has tax.", TODAY + timedelta(days=30))
    return replace(made, **values)  # type: ignore[arg-type]


def test_a_mask_hides_one_leaf_until_its_last_day_and_counts_as_blind() -> None:
    judge = with_total()
    judge.mask(mask(), TODAY)
    assert verdict_of(judge, "GET /x", TODAY).verdict is Verdict.GATHERING
    blind = verdict_of(judge, "GET /x", TODAY).blind_spot
    assert (blind.masked, blind.leaves, blind.share) == (1, 8, 0.125)
    again = Judge.from_json(json.loads(json.dumps(judge.to_json())))
    assert list(again.masks) == list(judge.masks)
    later = TODAY + timedelta(days=31)
    assert verdict_of(judge, "GET /x", later).verdict is Verdict.DIFFERS
    assert verdict_of(judge, "GET /x", later).blind_spot.masked == 0


@pytest.mark.parametrize(
    ("refused", "why"),
    [
        (mask("$"), "no single leaf"),
        (mask("status"), "no single leaf"),
        (mask("$.items"), "members of its own"),
        (mask("$.*"), "pattern"),
        (mask("$.items[*]"), "pattern"),
        (mask("$.items[0].price"), "ambiguous"),
        (mask("$.items", kind=Kind.LENGTH), "length"),
        (mask("$.items", kind=Kind.ORDER), "ambiguous"),
        (mask("$.total", kind=Kind.MISSING), "shape"),
        (mask("$.total", kind=Kind.TYPE), "shape"),
        (mask("$.unheard_of"), "never seen"),
        (mask(owner=" "), "owner"),
        (mask(reason=""), "reason"),
        (mask(until=date(2020, 1, 1)), "has passed"),
        (mask(until=TODAY + timedelta(days=400)), "further away"),
    ],
)
def test_a_mask_that_hides_more_than_a_leaf_is_refused(refused: Mask, why: str) -> None:
    with pytest.raises(MaskRefusedError, match=why):
        with_total().mask(refused, TODAY)


def test_what_was_found_missing_is_accepted_there_and_nowhere_else() -> None:
    judge = Judge()
    old = {
        "id": 1,
        "note": {"text": "a", "by": "b"},
        "a": 1,
        "b": 2,
        "c": 3,
        "d": 4,
        "e": 5,
        "f": 6,
        "g": 7,
        "h": 8,
    }
    without = {name: value for name, value in old.items() if name != "note"}
    for _ in range(20):
        judge.take(triple(answer(old), answer(old), answer(without)))
    assert verdict_of(judge, "GET /x", TODAY).verdict is Verdict.DIFFERS
    judge.accept(mask("$.note", kind=Kind.MISSING), TODAY)
    seen = verdict_of(judge, "GET /x", TODAY)
    assert (seen.spots, seen.blind_spot.masked) == ((), 2)  # both leaves under it
    other = {**old, "note": {"text": "a", "by": "c"}}
    for _ in range(20):
        judge.take(triple(answer(old), answer(old), answer(other)))
    found = verdict_of(judge, "GET /x", TODAY).spots
    assert [(spot.path, spot.kind, spot.reported) for spot in found] == [("$.note.by", "value", True)]


@pytest.mark.parametrize(
    ("refused", "why"),
    [
        (mask("$.items", kind=Kind.LENGTH), "whole elements"),
        (mask("$.items", kind=Kind.ORDER), "ambiguous"),
        (mask("$.owner", kind=Kind.REFERENCE), "mix-up"),
        (mask("$.items[*]", kind=Kind.MISSING), "whole element"),
        (mask("$", kind=Kind.TYPE), "no single leaf"),
        (mask("status"), "no single leaf"),
        (mask("$.items", kind=Kind.TYPE), "a fifth"),
        (mask("$.name", kind=Kind.TYPE, owner=""), "owner"),
        (mask("$.name", kind=Kind.TYPE, until=TODAY + timedelta(days=400)), "further away"),
    ],
)
def test_what_would_hide_unseen_things_cannot_be_accepted_either(refused: Mask, why: str) -> None:
    with pytest.raises(MaskRefusedError, match=why):
        with_total().accept(refused, TODAY)


def test_headers_that_are_not_looked_at_are_named() -> None:
    judge = Judge()
    same = replace(answer({"a": 1}), headers=(("Server", "old"), ("X-Total", "1"), ("Set-Cookie", "a=1")))
    judge.take(triple(same, same, same))
    assert verdict_of(judge, "GET /x", TODAY).ignored_headers == ("server",)


def test_a_route_cannot_be_masked_away_leaf_by_leaf() -> None:
    judge = with_total()
    judge.mask(mask(), TODAY)
    with pytest.raises(MaskRefusedError, match="a fifth"):
        judge.mask(mask("$.name"), TODAY)


def test_one_cause_in_many_fields_is_one_group_with_its_smallest_pair() -> None:
    judge = Judge()
    for scenario in (scenarios(noisy=False)[8], scenarios(noisy=True)[8], scenarios(noisy=False)[0]):
        judged(scenario, 30, judge)
    hours, cents = groups_of(judge)
    assert (hours.cause, len(hours.members)) == ("moment shifted by +3600 s", 2)
    assert (cents.cause, cents.kind) == ("number changed by +0.01", "value")
    pair = minimal_pair(cents.example)
    assert json.loads(pair.old).keys() == json.loads(pair.new).keys() == {"price"}
    assert hours.example.route.startswith("GET /plain"), "the noisy answers are larger"


def test_a_minimal_pair_keeps_what_the_difference_needs() -> None:
    judge = Judge()
    rows = [{"id": place, "text": "x" * 50, "deep": {"values": [place, place + 1]}} for place in range(8)]
    turned = [rows[1], rows[0], *rows[2:]]
    for _ in range(20):
        judge.take(
            triple(
                answer({"rows": rows, "n": 8}),
                answer({"rows": rows, "n": 8}),
                answer({"rows": turned, "n": 8}),
            )
        )
    (group,) = groups_of(judge)
    pair = minimal_pair(group.example)
    assert len(json.loads(pair.old)["rows"]) == 2
    assert len(pair.old) < 60
    (status,) = groups_of(judged(scenarios(noisy=False)[3], 20))
    assert minimal_pair(status.example).new == "203"
    (header,) = groups_of(judged(scenarios(noisy=False)[6], 20))
    assert minimal_pair(header.example).new == '{"cache-control": "max-age=60, public"}'
