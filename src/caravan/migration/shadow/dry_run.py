"""Sends a write to the new side as a dry run, and reads what comes back: the answer, and the rows it would have changed.

``Caravan-Dry-Run-Result: rolled-back; rows=N``: the work was undone, and the last N bytes of the body are a JSON array of the
changed rows (N may be 0 or left out). ``Caravan-Dry-Run-Result: not-run; reason=TEXT``: it could not be carried out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from caravan.migration.exchange import Answer, Body, Exchange, Request, first_header
from caravan.migration.shadow.documents import read_json
from caravan.migration.shadow.dry_run_header import signed_header
from caravan.migration.shadow.errors import DryRunIgnoredError
from caravan.migration.shadow.row_effects import RowEffect
from caravan.migration.shadow.sides import Ask
from caravan.migration.shadow.triple import Triple

__all__ = ["RESULT_HEADER", "DryRun", "DryRunKey", "ask_dry_run", "probe_dry_runs", "read_dry_run"]

RESULT_HEADER: Final = "Caravan-Dry-Run-Result"

_REFUSED: Final = 401
_DONE: Final = re.compile(r"rolled-back(; rows=(?P<rows>\d{1,9}))?")
_NOT_RUN: Final = re.compile(r"not-run(; reason=(?P<reason>.{1,200}))?")


@dataclass(frozen=True, slots=True)
class DryRunKey:
    """The name of a key and its secret; both sides have it."""

    name: str
    secret: bytes


@dataclass(frozen=True, slots=True)
class DryRun:
    """``answer`` without what the dry run added to it; ``rows`` None when none were told, ``not_judged`` why it was not run."""

    answer: Answer
    rows: tuple[RowEffect, ...] | None = None
    not_judged: str | None = None


async def ask_dry_run(
    ask: Ask, exchange: Exchange, route: str, key: DryRunKey, now: datetime
) -> tuple[Triple, DryRun]:
    """Have the new side do a served write and undo it; return what the judge takes, with no B: ``take``, then ``take_rows``.

    Raises ``DryRunIgnoredError`` when the side answers without saying that it undid the work: then it may have written, and no
    further dry run may be sent.
    """
    found = read_dry_run(await ask(_signed(exchange.request, key, now)))
    return (
        Triple(
            exchange.id,
            exchange.at,
            route,
            exchange.request,
            exchange.answer,
            None,
            found.answer,
            exchange.client,
            exchange.tags,
            found.not_judged,
        ),
        found,
    )


async def probe_dry_runs(ask: Ask, target: str, key: DryRunKey, now: datetime) -> None:
    """Ask with GET and a signature whether a side honours dry runs, before it is sent a write.

    Raises ``DryRunIgnoredError`` when it does not confirm.
    """
    found = read_dry_run(await ask(_signed(Request("GET", target), key, now)))
    if found.not_judged is not None:
        raise DryRunIgnoredError(f"GET {target}: {found.not_judged}")


def read_dry_run(answer: Answer) -> DryRun:
    """Take an answer to a dry run apart. Raises ``DryRunIgnoredError`` without a result that is understood."""
    if answer.status == 0:
        return DryRun(answer, not_judged=f"the dry run had no answer ({answer.failure})")
    result = first_header(answer.headers, RESULT_HEADER) or ""
    headers = tuple(each for each in answer.headers if each[0].lower() != RESULT_HEADER.lower())
    plain = replace(answer, headers=headers)
    if (refused := _NOT_RUN.fullmatch(result)) is not None:
        return DryRun(plain, not_judged=f"the dry run was not run: {refused['reason'] or 'no reason given'}")
    if not result and answer.status == _REFUSED:
        return DryRun(plain, not_judged="the side refused the dry run (401)")
    if (done := _DONE.fullmatch(result)) is None:
        raise DryRunIgnoredError(
            f"the answer {answer.status} has no {RESULT_HEADER} that says it was rolled back"
        )
    if done["rows"] is None:
        return DryRun(plain)
    return _with_rows(plain, int(done["rows"]))


def _with_rows(answer: Answer, length: int) -> DryRun:
    content = answer.body.content
    if content is None or length > len(content):
        return DryRun(answer, not_judged="the rows of the dry run were too long to keep")
    cut = len(content) - length
    rest = replace(answer, body=Body.of(content[:cut]))
    try:
        told = read_json(content[cut:].decode()) if length else []
        rows = tuple(_row(each) for each in told) if isinstance(told, list) else None
    except (ValueError, KeyError, TypeError) as error:
        return DryRun(rest, not_judged=f"the rows of the dry run cannot be read ({error!r})")
    return DryRun(rest, rows)


def _row(told: Mapping[str, Any]) -> RowEffect:
    if told["operation"] not in {"insert", "update", "delete"}:
        raise ValueError(told["operation"])
    return RowEffect(str(told["table"]), told["operation"], str(told["key"]), dict(told["columns"]))


def _signed(request: Request, key: DryRunKey, now: datetime) -> Request:
    header = signed_header(request, key=key.name, secret=key.secret, now=now)
    return replace(request, headers=(*request.headers, header))
