"""A write goes to a real server as a dry run; one that does not say it undid the work stops everything."""

# ruff: noqa: ANN401 - documents of any shape

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from caravan.migration.exchange import Answer, Body, Exchange, Request
from caravan.migration.shadow import (
    Ask,
    DryRunIgnoredError,
    DryRunKey,
    DryRunRefusedError,
    Judge,
    RowEffect,
    ask_dry_run,
    asked_at,
    asking_client,
    probe_dry_runs,
    verdict_of,
    verify,
)

pytestmark = pytest.mark.asyncio
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = DryRunKey("k1", b"a secret of the test")
JSON = {"Content-Type": "application/json"}
ROW = {"table": "orders", "operation": "insert", "key": "1", "columns": {"id": 1, "total": 12.5}}
ORDER = Exchange(
    UUID(int=1),
    NOW,
    Request("POST", "/orders?x=%2F", (("Content-Type", "application/json"),), Body.of(b'{"total": 12.5}')),
    Answer(201, (("Content-Type", "application/json"),), Body.of(b'{"id": 1}')),
)


def backend(result: str | None = None, rows: list[Any] | None = None) -> Callable[..., Any]:
    """Honours the header as the guide says; ``result`` is said instead, nothing when it is empty."""
    used: set[str] = set()

    def first_use(nonce: str) -> bool:
        fresh = nonce not in used
        used.add(nonce)
        return fresh

    def answer(method: str, target: str, body: bytes, headers: dict[str, str]) -> Any:
        try:
            dry = verify(
                tuple(headers.items()),
                method=method,
                target=target,
                body=Body.of(body),
                secrets_by_key={KEY.name: KEY.secret},
                now=NOW,
                first_use=first_use,
            )
        except DryRunRefusedError:
            return 401, {}, b""
        assert dry, "nothing but dry runs comes here"
        told = json.dumps(rows).encode() if rows is not None else b""
        said = f"rolled-back; rows={len(told)}" if result is None else result
        extra = {"Caravan-Dry-Run-Result": said} if said else {}
        return 201 if method == "POST" else 200, JSON | extra, b'{"id": 1}' + told

    return answer


def asking(url: str, client: Any) -> Ask:
    return asked_at(url, client)


async def test_a_write_is_compared_by_its_answer_and_by_its_rows(serve: Any) -> None:
    judge = Judge()
    async with asking_client() as client:
        ask = asking(serve(backend(rows=[ROW | {"columns": {"id": 1, "total": 12.75}}])), client)
        await probe_dry_runs(ask, "/health", KEY, NOW)
        triple, found = await ask_dry_run(ask, ORDER, "POST /orders", KEY, NOW)
    assert found.answer.body.content == b'{"id": 1}', "the rows are no part of the answer"
    assert found.rows is not None
    judge.take(triple)
    judge.take_rows(triple, [RowEffect("orders", "insert", "1", {"id": 1, "total": 12.5})], found.rows)
    verdict = verdict_of(judge, "POST /orders", NOW.date())
    assert verdict.unconfirmed == {"value rows.orders.insert[*].total": 1}


async def test_a_side_that_ignores_the_header_stops_everything(serve: Any) -> None:
    async with asking_client() as client:
        ask = asking(serve(backend(result="")), client)
        with pytest.raises(DryRunIgnoredError):
            await probe_dry_runs(ask, "/health", KEY, NOW)
        with pytest.raises(DryRunIgnoredError):
            await ask_dry_run(ask, ORDER, "POST /orders", KEY, NOW)


@pytest.mark.parametrize(
    ("result", "rows", "why"),
    [
        ("not-run; reason=lock timeout", None, "lock timeout"),
        ("rolled-back; rows=999999", None, "too long"),
        ("rolled-back; rows=3", None, "cannot be read"),
        (None, [{"table": "orders"}], "cannot be read"),
        (None, [ROW | {"operation": "truncate"}], "cannot be read"),
    ],
)
async def test_what_was_not_run_or_cannot_be_read_is_not_judged(
    serve: Any, result: str | None, rows: list[Any] | None, why: str
) -> None:
    async with asking_client() as client:
        triple, _found = await ask_dry_run(
            asking(serve(backend(result, rows)), client), ORDER, "POST /orders", KEY, NOW
        )
    assert triple.not_judged is not None
    assert why in triple.not_judged
    judge = Judge()
    judge.take(triple)
    assert verdict_of(judge, "POST /orders", NOW.date()).coverage.judged == 0


async def test_a_side_with_another_key_runs_nothing(serve: Any) -> None:
    async with asking_client() as client:
        ask = asking(serve(backend()), client)
        triple, found = await ask_dry_run(ask, ORDER, "POST /orders", DryRunKey("k2", b"other"), NOW)
        assert triple.not_judged is not None
        assert "refused" in triple.not_judged
        assert found.rows is None
        with pytest.raises(DryRunIgnoredError, match="refused"):
            await probe_dry_runs(ask, "/health", DryRunKey("k2", b"other"), NOW)
