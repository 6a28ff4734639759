"""The migration file says how a stage is judged."""

from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from caravan.migration.canary import (
    CanarySettingsError,
    KeyCounts,
    Metric,
    Reading,
    counters_of,
    stage_settings,
)
from caravan.migration.config import read_config_text

CONFIG = read_config_text(
    Path("migration.toml"),
    """
[migration]
name = "shop"
org = "retail"

[gates]
soak = 60
min_keys = 500
delta = 0.3
r0 = 0.002
latency_keys = 200

[canary]
warm_up = 5

[[canary.counters]]
name = "paid"
kind = "metrics"
url = "http://127.0.0.1:9100/metrics"
query = 'orders_paid_total{shop="a"}'
harm = "fewer"

[[canary.counters]]
name = "refunds"
kind = "sql"
query = "SELECT arm, customer, count(*) FROM refunds GROUP BY 1, 2"
""",
)


def test_a_stage_is_what_the_gates_say() -> None:
    settings = stage_settings(CONFIG, 5)
    assert (settings.name, settings.share) == ("5%", 0.05)
    assert (settings.warm_up, settings.least) == (timedelta(seconds=5), timedelta(minutes=1))
    assert (settings.least_keys, settings.slack, settings.declared_rate) == (500, 0.3, 0.002)
    assert settings.latency_keys == 200


def test_a_counter_decides_when_it_counts_what_was_randomised() -> None:
    assert stage_settings(CONFIG, 5).metrics[2:] == (
        Metric("paid", fewer_is_worse=True, decides=False),
        Metric("refunds"),
    )
    assert stage_settings(CONFIG, 5, per_request=True).metrics[2] == Metric("paid", fewer_is_worse=True)


def test_nothing_can_be_compared_when_everybody_is_in_the_canary() -> None:
    with pytest.raises(CanarySettingsError, match="100%"):
        stage_settings(CONFIG, 100)


@pytest.mark.asyncio
async def test_counters_are_read_from_where_the_file_says() -> None:
    asked: list[tuple[str, str | None]] = []

    async def run(query: str, source: str | None) -> list[tuple[str, str, int]]:
        asked.append((query, source))
        return [("new", "a", 1), ("old", "b", 2)]

    text = 'orders_paid_total{arm="new",shop="a"} 3.0\norders_paid_total{arm="old",shop="b"} 9.0\n'
    transport = httpx2.MockTransport(lambda _request: httpx2.Response(200, text=text))
    async with httpx2.AsyncClient(transport=transport) as client:
        paid, refunds = counters_of(CONFIG, client, run)
        assert await paid.read() == Reading(3, 0)
    assert await refunds.read() == KeyCounts({"a": 1}, {"b": 2})
    assert asked == [("SELECT arm, customer, count(*) FROM refunds GROUP BY 1, 2", None)]
    metrics = stage_settings(CONFIG, 5).metrics[2:]
    assert (paid.metric(), refunds.metric()) == metrics, "what is read and what is judged agree"


@pytest.mark.parametrize("selector", ["rate(x[5m])", "x{shop}", 'x{arm="new"}', "7x"])
def test_a_query_that_selects_no_counter_is_refused(selector: str) -> None:
    (paid, refunds) = CONFIG.canary.counters
    odd = paid.model_copy(update={"query": selector})
    config = CONFIG.model_copy(
        update={"canary": CONFIG.canary.model_copy(update={"counters": (odd, refunds)})}
    )
    with pytest.raises(CanarySettingsError, match="selects no counter"):
        counters_of(config, httpx2.AsyncClient(), _never)


async def _never(_query: str, _source: str | None) -> list[tuple[str, str, int]]:
    raise AssertionError
