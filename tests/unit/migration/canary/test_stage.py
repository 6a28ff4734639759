"""A stage promotes what is proven safe, rolls back what is harmed, and holds what is in doubt; figures say why."""

# ruff: noqa: S311 - seeded draws

import json
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from caravan.migration.canary import (
    ERRORS,
    Action,
    CanarySettingsError,
    Counter,
    CounterUnreadableError,
    Decision,
    KeyCounts,
    Metric,
    Observation,
    Reading,
    Samples,
    Stage,
    StageSettings,
    decide,
    from_key_query,
    from_metrics,
    from_metrics_url,
    from_query,
    watch,
)

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = START + timedelta(minutes=10)
SETTINGS = StageSettings("10 %", share=0.1)


def observations(
    keys: int,
    *,
    share: float = 0.1,
    errors: tuple[float, float] = (0.001, 0.001),
    slower: float = 1.0,
    seed: int = 1,
) -> Iterable[Observation]:
    """One request per key; ``errors`` are the rates in the canary and outside."""
    mixed = random.Random(seed)
    for key in range(keys):
        in_canary = mixed.random() < share
        failed = mixed.random() < errors[0 if in_canary else 1]
        seconds = mixed.lognormvariate(-2, 0.4) * (slower if in_canary else 1)
        yield Observation(START, f"key {key}", in_canary, (ERRORS,) if failed else (), seconds)


def after(seen: Iterable[Observation], settings: StageSettings = SETTINGS) -> Stage:
    stage = Stage(settings, START)
    for each in seen:
        stage.observe(each)
    return stage


def test_a_canary_like_the_baseline_is_promoted_when_enough_keys_have_shown_it() -> None:
    settings = replace(SETTINGS, share=0.5)
    early = decide(after(observations(2_000, share=0.5, errors=(0, 0)), settings), LATER)
    assert early.action is Action.HOLD
    assert any("errors: the bound" in reason for reason in early.reasons)
    late = decide(after(observations(14_000, share=0.5, errors=(0, 0)), settings), LATER)
    assert (late.action, late.reasons) == (Action.PROMOTE, ("every bound is within what was declared",))


def test_a_baseline_with_errors_of_its_own_is_the_measure() -> None:
    settings = replace(SETTINGS, share=0.5, slack=1.0, metrics=(Metric(ERRORS),))
    same = decide(after(observations(12_000, share=0.5, errors=(0.05, 0.05)), settings), LATER)
    assert same.action is Action.PROMOTE
    worse = decide(after(observations(12_000, share=0.5, errors=(0.09, 0.05)), settings), LATER)
    assert worse.action is Action.ROLL_BACK


def test_errors_roll_back_and_the_decision_carries_its_figures() -> None:
    stage = after(observations(20_000, errors=(0.01, 0.001)))
    decision = decide(stage, LATER)
    assert decision.action is Action.ROLL_BACK
    figures = decision.counts[0]
    assert figures.metric == ERRORS
    assert figures.harmed
    assert figures.log_factor >= figures.rolls_back_at
    assert figures.canary_keys + figures.baseline_keys == 20_000
    plain = json.loads(json.dumps(decision.to_json(), allow_nan=False))
    assert plain["action"] == "roll back"
    assert plain["counts"][0]["canary_events"] == figures.canary_events
    assert "ln B" in plain["reasons"][0]


def test_a_slower_canary_is_rolled_back_by_its_p95() -> None:
    decision = decide(after(observations(30_000, slower=1.6)), LATER)
    assert decision.action is Action.ROLL_BACK
    assert "p95" in decision.reasons[0]
    assert decision.latencies[0].canary_low > 1.2 * decision.latencies[0].baseline_high
    held = decide(after(observations(30_000, slower=1.1)), LATER)
    assert held.action is not Action.ROLL_BACK


def test_a_split_that_is_not_the_declared_one_promotes_nothing() -> None:
    decision = decide(after(observations(20_000, share=0.15, errors=(0, 0))), LATER)
    assert decision.action is Action.HOLD
    assert decision.ratio.mismatched
    assert "not the declared 10.00%" in decision.reasons[0]


def test_a_key_counts_once_however_often_it_fails() -> None:
    one = Observation(START, "busy", in_canary=True, events=(ERRORS, ERRORS), seconds=9.0)
    stage = after([one] * 500)
    assert stage.splits[ERRORS].canary == 1
    assert stage.latencies["all"][0].count == 1
    assert decide(stage, LATER).action is Action.HOLD
    singly = after([one] * 500, replace(SETTINGS, per_request=True))
    assert singly.splits[ERRORS].canary == 500


def test_what_happens_while_it_warms_up_counts_for_nothing() -> None:
    settings = replace(SETTINGS, warm_up=timedelta(minutes=2))
    stage = after(observations(5_000, errors=(0.5, 0)), settings)
    assert stage.ratio.canary == 0
    assert decide(stage, LATER).action is Action.HOLD


def test_a_young_stage_is_not_promoted() -> None:
    stage = after(observations(14_000, share=0.5, errors=(0, 0)), replace(SETTINGS, share=0.5))
    decision = decide(stage, START + timedelta(seconds=30))
    assert decision.reasons == ("the stage is younger than 0:01:00",)


def test_a_stage_can_be_put_away_and_gone_on_with() -> None:
    seen = list(observations(4_000, errors=(0.01, 0.01)))
    whole = after(seen)
    whole.read_counter(ERRORS, Reading(3, 4))
    parted = after(seen[:2_000])
    parted = Stage.from_json(json.loads(json.dumps(parted.to_json())), SETTINGS)
    for each in seen[2_000:]:
        parted.observe(each)
    parted.read_counter(ERRORS, Reading(3, 4))
    assert parted.to_json() == whole.to_json()


@pytest.mark.parametrize(
    "wrong", [{"share": 0.0}, {"share": 1.0}, {"alpha": 0.0}, {"metrics": (Metric("a"), Metric("a"))}]
)
def test_settings_that_cannot_be_judged_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(CanarySettingsError):
        replace(SETTINGS, **wrong)  # type: ignore[arg-type]


ORDERS = Metric("orders", fewer_is_worse=True)
TEXT = """
# HELP orders_total Customers who placed an order.
# TYPE orders_total counter
orders_total{side="new",shop="a"} 30.0
orders_total{side="new",shop="b"} 12.0
orders_total{side="old"} 400.0
orders_total{side="test"} 9.0
"""


def test_fewer_orders_roll_back() -> None:
    settings = replace(SETTINGS, share=0.5, metrics=(ORDERS,), quantile=None)
    stage = after(observations(4_000, share=0.5), settings)
    stage.read_counter("orders", Reading(1_000, 7_000))
    stage.read_counter("orders", Reading(1_200, 7_400))
    decision = decide(stage, LATER)
    assert (decision.counts[0].canary_events, decision.counts[0].baseline_events) == (200, 400)
    assert decision.action is Action.ROLL_BACK


def test_as_many_orders_promote() -> None:
    settings = replace(SETTINGS, share=0.5, metrics=(ORDERS,), quantile=None)
    stage = after(observations(20_000, share=0.5), settings)
    stage.read_counter("orders", Reading(0, 0))
    stage.read_counter("orders", Reading(2_510, 2_490))
    assert decide(stage, LATER).action is Action.PROMOTE


def test_of_keys_that_a_query_counts_those_count_that_rose_since_the_stage_began() -> None:
    stage = Stage(replace(SETTINGS, metrics=(ORDERS,)), START)
    stage.read_counter("orders", KeyCounts({"a": 5, "b": 1}, {"x": 2}))
    for reading in (KeyCounts({"a": 5, "b": 2, "c": 40}, {"x": 2}), KeyCounts({"b": 3, "c": 41}, {"x": 3})):
        stage.read_counter("orders", reading)
        stage = Stage.from_json(json.loads(json.dumps(stage.to_json())), stage.settings)
    assert (stage.splits["orders"].canary, stage.splits["orders"].baseline) == (2, 1)


def test_too_few_keys_promote_nothing() -> None:
    settings = replace(SETTINGS, share=0.5, least_keys=8_000)
    decision = decide(after(observations(14_000, share=0.5, errors=(0, 0)), settings), LATER)
    assert decision.action is Action.HOLD
    assert "8000 have to" in decision.reasons[0]


def test_a_counter_of_requests_is_described_and_decides_nothing() -> None:
    async def never() -> Reading:
        raise AssertionError

    by_request, by_key = Counter("orders", never), Counter("orders", never, per_key=True)
    assert not by_request.metric().decides
    assert by_request.metric(per_request=True).decides
    assert by_key.metric() == ORDERS
    settings = replace(SETTINGS, share=0.5, metrics=(by_request.metric(),), quantile=None)
    stage = after(observations(4_000, share=0.5), settings)
    stage.read_counter("orders", Reading(0, 0))
    stage.read_counter("orders", Reading(1, 4_000))
    decision = decide(stage, LATER)
    assert decision.action is Action.PROMOTE
    assert decision.counts[0].log_factor > decision.counts[0].rolls_back_at


def test_a_counter_is_read_from_a_metrics_text() -> None:
    samples = Samples("orders_total", "side", ("new", "old"))
    assert from_metrics(TEXT, samples, "orders") == Reading(42, 400)
    assert from_metrics(TEXT, replace(samples, where={"shop": "b"}), "orders") == Reading(12, 0)
    with pytest.raises(CounterUnreadableError, match="there is no refunds_total"):
        from_metrics(TEXT, replace(samples, metric="refunds_total"), "refunds")
    with pytest.raises(CounterUnreadableError, match="nan"):
        from_metrics(TEXT.replace("400.0", "NaN"), samples, "orders")
    with pytest.raises(CounterUnreadableError, match="no metrics text"):
        from_metrics("<html>", samples, "orders")


@pytest.mark.asyncio
async def test_a_counter_is_read_from_a_url_and_from_a_query() -> None:
    answers = iter([httpx2.Response(200, text=TEXT), httpx2.Response(503)])
    transport = httpx2.MockTransport(lambda _request: next(answers))
    async with httpx2.AsyncClient(transport=transport) as client:
        samples = Samples("orders_total", "side", ("new", "old"))
        read = from_metrics_url(client, "http://shop/metrics", samples, "orders")
        assert await read() == Reading(42, 400)
        with pytest.raises(CounterUnreadableError, match="503"):
            await read()

    async def rows() -> Mapping[str, int]:
        return {"new": 7}

    async def broken() -> Mapping[str, int]:
        raise OSError("the connection was lost")

    async def by_key() -> list[tuple[str, str, int]]:
        return [("new", "a", 2), ("old", "b", 1), ("new", "a", 1), ("neither", "c", 9)]

    counts = await from_key_query(by_key, sides=("new", "old"), counter="orders")()
    assert counts == KeyCounts({"a": 3}, {"b": 1})
    assert await from_query(rows, sides=("new", "old"), counter="orders")() == Reading(7, 0)
    with pytest.raises(CounterUnreadableError, match="connection was lost"):
        await from_query(broken, sides=("new", "old"), counter="orders")()

    async def crooked() -> list[tuple[str, str, int]]:
        return [("new", "a")]  # type: ignore[list-item]

    with pytest.raises(CounterUnreadableError, match="not enough values"):
        await from_key_query(crooked, sides=("new", "old"), counter="orders")()


@pytest.mark.asyncio
async def test_a_harmed_stage_is_rolled_back_by_itself_and_journalled_before() -> None:
    steps: list[tuple[str, Action]] = []
    batches = iter([list(observations(200)), list(observations(20_000, errors=(0.05, 0.001), seed=2))])

    async def next_batch() -> list[Observation]:
        return next(batches)

    async def journal(decision: Decision) -> None:
        steps.append(("journal", decision.action))

    async def act(decision: Decision) -> None:
        steps.append(("act", decision.action))

    decision = await watch(
        Stage(SETTINGS, START), observations=next_batch, journal=journal, act=act, every=0, now=lambda: LATER
    )
    assert decision.action is Action.ROLL_BACK
    assert steps == [("journal", Action.HOLD), ("journal", Action.ROLL_BACK), ("act", Action.ROLL_BACK)]


@pytest.mark.asyncio
async def test_a_counter_that_cannot_be_read_keeps_a_stage_from_being_promoted() -> None:
    settings = replace(SETTINGS, share=0.5, metrics=(ORDERS,), quantile=None)
    stage = after(observations(20_000, share=0.5), settings)
    readings: Iterator[Reading | CounterUnreadableError] = iter(
        [Reading(0, 0), CounterUnreadableError("no answer"), Reading(2_500, 2_500)]
    )
    reasons: list[tuple[str, ...]] = []

    async def read() -> Reading:
        reading = next(readings)
        if isinstance(reading, CounterUnreadableError):
            raise reading
        return reading

    async def nothing() -> list[Observation]:
        return []

    async def journal(decision: Decision) -> None:
        reasons.append(decision.reasons)

    async def act(decision: Decision) -> None:
        assert decision.action is Action.PROMOTE

    counter = Counter("orders", read, per_key=True)
    await watch(
        stage, observations=nothing, journal=journal, act=act, counters=[counter], every=0, now=lambda: LATER
    )
    assert reasons[1][0] == "orders could not be read: no answer"
    assert len(reasons) == 3
