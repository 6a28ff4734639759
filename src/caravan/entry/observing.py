"""What a window of observation takes: the stores' logs, and requests of a recording or of a file."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import psycopg

from caravan.migration.capture import CaptureOptions
from caravan.migration.conductor.route_finder import RouteFinder
from caravan.migration.config import MigrationConfig
from caravan.migration.cutover.errors import NotObservableError
from caravan.migration.cutover.observing.windows import Log, Probe
from caravan.migration.exchange import Body, Exchange, Headers, Request
from caravan.migration.load.planning import Plan, PlannedDataSet
from caravan.migration.load.readers import Live, open_source
from caravan.migration.load.sources import kind_of
from caravan.migration.recording import is_placeholder
from caravan.migration.sync.captures import Capture, followed_sources, options_of
from caravan.migration.sync.flow_rows import flows_of
from caravan.migration.units import Scope

__all__ = ["opened_logs", "probes_of", "requests_of_exchanges", "requests_of_file"]

_OURS: Final = "caravan_"


@contextmanager
def opened_logs(
    config: MigrationConfig,
    plan: Plan,
    connection: psycopg.Connection,
    scope: Scope,
    tables: Sequence[str] = (),
) -> Iterator[list[Log]]:
    """Follow every source that tells its changes, beside a flow that may follow it too. Without ``tables``, all of a store's.

    Raises:
        NothingToFollowError: no source does.
        NotObservableError: a source has none of the tables.
        CaptureRefusedError: rights or settings are missing, or a table has no key.
    """
    followed = {flow.source for flow in flows_of(connection, scope.parameters)}
    with ExitStack() as stack:
        logs = []
        for source, own in followed_sources(config, plan).items():
            capture = _capture(source, own[0], options_of(config, source), tables, config.migration.name)
            # A binlog needs one marker table, whoever reads it: a flow's stays.
            keep = source in followed and capture.kind in {"mariadb", "mysql"}
            logs.append(stack.enter_context(Log(capture, keep=keep)))
        yield logs


def _capture(
    source: str, first: PlannedDataSet, options: CaptureOptions, tables: Sequence[str], migration: str
) -> Capture:
    kind = kind_of(first)
    reader = open_source(first.place, kind, first.rules)
    there = [name for name in reader.collections() if not name.rpartition(".")[2].startswith(_OURS)]
    if isinstance(reader, Live):
        reader.close()
    wanted = [name for name in there if name in tables] if tables else there
    if not wanted:
        raise NotObservableError(f"The source {source} has none of these tables; it has {', '.join(there)}.")
    plain = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in migration.lower())
    named = replace(options, name=f"caravan_look_{plain}"[:48])
    return Capture(kind, first.place, tuple(wanted), first.rules, named)


def probes_of(
    config: MigrationConfig,
    requests: Iterable[tuple[str, Request]],
    *,
    writes: bool,
    most: int,
    headers: Headers = (),
) -> tuple[list[Probe], Counter[str]]:
    """Choose what to send, at most so many requests of a route; returns them, and how many are left out by why.

    ``headers`` take the place of those of their names.
    """
    finder, left, taken = RouteFinder(config), Counter[str](), Counter[str]()
    given = {name.lower() for name, _ in headers}
    probes = []
    for identity, request in requests:
        found = finder.find(request)
        why = "no route of the file" if found is None else _why_not(request, found[1].effect, writes=writes)
        if found is None or why is not None or taken[found[0]] >= most:
            left[why or f"more than {most} of a route"] += 1
            continue
        taken[found[0]] += 1
        kept = tuple(
            (name, value)
            for name, value in request.headers
            if name.lower() not in given and not is_placeholder(value)
        )
        probes.append(Probe(identity, found[0], replace(request, headers=(*kept, *headers))))
    return probes, left


def _why_not(request: Request, effect: str, *, writes: bool) -> str | None:
    if effect == "write" and not writes:
        return "declared to write, and --writes is not given"
    body = request.body.content
    if body is None:
        return "a body that was not kept"
    if is_placeholder(request.target) or is_placeholder(body.decode("latin-1")):
        return "holds what was redacted"
    return None


def requests_of_file(file: Path) -> Iterator[tuple[str, Request]]:
    """Read declared requests, a JSON object per line: ``method``, ``target``, and where needed ``headers`` and ``body`` (text or JSON).

    Raises:
        NotObservableError: a line is no such object.
    """
    with closing(file.open(encoding="utf-8")) as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                yield f"{file.name}:{number}", _declared(json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise NotObservableError(f"{file}:{number}: this is no request: {error!r}") from None


def _declared(told: dict[str, Any]) -> Request:
    headers = tuple((str(name), str(value)) for name, value in told.get("headers", {}).items())
    body = told.get("body", "")
    if not isinstance(body, str):
        body = json.dumps(body, ensure_ascii=False)
        if not any(name.lower() == "content-type" for name, _ in headers):
            headers = (*headers, ("Content-Type", "application/json"))
    return Request(str(told["method"]).upper(), str(told["target"]), headers, Body.of(body.encode()))


def requests_of_exchanges(exchanges: Iterable[Exchange]) -> Iterator[tuple[str, Request]]:
    """Yield the requests of a recording by their ids."""
    for exchange in exchanges:
        identity: UUID = exchange.id
        yield str(identity), exchange.request
