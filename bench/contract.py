"""Contracts learnt from half of the traffic of two services of ours, held against the other half; `mitmproxy2swagger` beside.

Per service: precision and recall of method and path against the true routes, share of held-out answers that have a route,
a status and a schema and validate, and the share of answers spoilt in one field (key gone, other type, null) that are
noticed: a schema that says nothing validates everything. Ours learns from the redacted recording of a HAR file; the peer
from the same HAR file, run twice as its manual says with every path it found accepted, once as it comes and once with `-s`,
which leaves out paths with parameter values, and once tuned: `-s` and a pattern for uuids, told by hand. Its OpenAPI 3.0 `nullable` is read as a union with null.

`CONTRACT_PEER_PYTHON` names a Python that has `mitmproxy2swagger` (and with it Flask); otherwise one is made for this run.
"""

import argparse
import asyncio
import base64
import copy
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias

import jsonschema_rs
import orjson
import psycopg

from bench import reads
from bench.contract_traffic import DEDUPER_ROUTES, RPS_ROUTES, deduper_requests, recorded, rps_requests
from caravan.core.database import DatabaseAddress, Role
from caravan.core.embedded.servers import embedded_servers
from caravan.migration.contract import Router, learn, route_key, score
from caravan.migration.contract.checking import AnswerChecker
from caravan.migration.exchange import Answer, Body, Exchange, first_header
from caravan.migration.recording import Recording, RedactingWriter, import_file

ROOT: Final = Path(__file__).parent.parent
_PEER: Final = "mitmproxy2swagger==0.14.0"
_TUNED: Final = "[0-9]+|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_REQUESTS: Final = 1_500
Judged: TypeAlias = Callable[[Exchange], bool]


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the figures per service and tool; several seeds give medians of the shares."""
    count = arguments.scale or _REQUESTS
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        home = Path(folder)
        peer = os.environ.get("CONTRACT_PEER_PYTHON") or _peer_python(home)
        traffic = {
            "rps": (RPS_ROUTES, stack.enter_context(_rps(home))),
            "deduper": (DEDUPER_ROUTES, stack.enter_context(_deduper(home, peer))),
        }
        rounds: dict[str, list[dict[str, Any]]] = {name: [] for name in traffic}
        for seed in range(arguments.repeat):
            for name, (routes, ask) in traffic.items():
                rounds[name].append(_round(home, peer, name, routes, ask(count, seed), seed))
                print(name, json.dumps(rounds[name][-1]), file=sys.stderr)
    return {
        "requests": count,
        "medians": {name: _medians(each) for name, each in rounds.items()},
        "rounds": rounds,
        "peer": _PEER,
    }


def _round(
    home: Path, peer: str, name: str, routes: Sequence[str], exchanges: list[Exchange], seed: int
) -> dict[str, Any]:
    chance = random.Random(seed)
    chance.shuffle(exchanges)
    half = len(exchanges) // 2
    har = home / f"{name}-{seed}.har"
    har.write_bytes(_har(exchanges[:half]))
    known = [exchange for exchange in exchanges[half:] if _is_known(exchange, routes)]
    spoilt = [broken for exchange in known if (broken := _spoilt(exchange, chance)) is not None]
    tools = {
        "caravan": _ours(har, home / f"{name}-{seed}"),
        "peer": _theirs(peer, har),
        "peer_s": _theirs(peer, har, "-s"),
        "peer_tuned": _theirs(peer, har, "-s", "-r", _TUNED),
    }
    return {
        tool: _figures(templates, judge, routes, known, spoilt, seconds)
        for tool, (templates, judge, seconds) in tools.items()
    }


def _figures(
    templates: Sequence[str],
    judge: Judged,
    routes: Sequence[str],
    known: Sequence[Exchange],
    spoilt: Sequence[Exchange],
    seconds: float,
) -> dict[str, Any]:
    met = score(templates, routes)
    return {
        "precision": round(met.precision, 4),
        "recall": round(met.recall, 4),
        "held_out_valid": round(sum(map(judge, known)) / len(known), 4),
        "spoilt_noticed": round(1 - sum(map(judge, spoilt)) / len(spoilt), 4),
        "held_out": len(known),
        "spoilt": len(spoilt),
        "missing": met.missing,
        "extra": met.extra[:10],
        "seconds": round(seconds, 2),
    }


def _ours(har: Path, folder: Path) -> tuple[list[str], Judged, float]:
    began = time.perf_counter()
    recording = Recording(folder)
    writer = RedactingWriter(recording)
    import_file(har, writer)
    writer.close()
    contract = learn(recording.read(), name="bench").contract
    seconds = time.perf_counter() - began
    checker = AnswerChecker(contract)

    def valid(exchange: Exchange) -> bool:
        route = checker.route_of(exchange)
        return route is not None and not checker.problems(route, exchange.answer)

    return list(contract.routes), valid, seconds


def _theirs(python: str, har: Path, *options: str) -> tuple[list[str], Judged, float]:
    out = har.with_suffix(f".{len(options)}.yaml")
    command = [
        str(Path(python).parent / "mitmproxy2swagger"), "-f", "har", "-i", str(har), "-o", str(out),
        "-p", "http://service.test", *options,
    ]  # fmt: skip
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, timeout=600)
    out.write_text(out.read_text().replace("- ignore:", "- "))  # the manual's step: accept what it found
    subprocess.run(command, check=True, capture_output=True, timeout=600)
    seconds = time.perf_counter() - began
    loader = "import json,sys; from ruamel.yaml import YAML; json.dump(YAML(typ='safe').load(open(sys.argv[1])), sys.stdout)"
    told = subprocess.run([python, "-c", loader, str(out)], check=True, capture_output=True, timeout=600)
    paths: dict[str, dict[str, Any]] = json.loads(told.stdout).get("paths") or {}
    router = Router(paths)
    routes = [route_key(method.upper(), path) for path, operations in paths.items() for method in operations]

    def valid(exchange: Exchange) -> bool:
        match = router.match(exchange.request.path)
        operation = paths[match.template].get(exchange.request.method.lower()) if match else None
        response = operation and operation["responses"].get(str(exchange.answer.status))
        return bool(operation) and response is not None and _matches(response, exchange.answer)

    return routes, valid, seconds


def _matches(response: Mapping[str, Any], answer: Answer) -> bool:
    kind = (first_header(answer.headers, "content-type") or "").partition(";")[0]
    content = response.get("content") or {}
    if not content or not answer.body.content:
        return True
    if kind not in content:
        return False
    schema = content[kind].get("schema") or {}
    return "json" not in kind or jsonschema_rs.is_valid(_nullable(schema), orjson.loads(answer.body.content))


def _nullable(schema: Any) -> Any:  # noqa: ANN401 - a schema, or part of one
    """OpenAPI 3.0 writes a union with null as `nullable`."""
    if isinstance(schema, list):
        return [_nullable(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: _nullable(part) for key, part in schema.items() if key != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") else plain


def _is_known(exchange: Exchange, routes: Sequence[str]) -> bool:
    """Held out is what belongs to a true route: noise has no contract."""
    match = Router({route.partition(" ")[2] for route in routes}).match(exchange.request.path)
    return match is not None and route_key(exchange.request.method, match.template) in {
        key for key in routes if key.partition(" ")[2] == match.template
    }


def _spoilt(exchange: Exchange, chance: random.Random) -> Exchange | None:
    """Return the exchange with one field of its JSON answer gone, of another type, or null; None without an object."""
    content = exchange.answer.body.content
    if "json" not in (first_header(exchange.answer.headers, "content-type") or "") or not content:
        return None
    value = orjson.loads(content)
    places = list(_fields(value))
    if not places:
        return None
    table, key = chance.choice(places)
    match chance.randrange(3):
        case 0:
            del table[key]
        case 1:
            table[key] = {"other": "type"} if not isinstance(table[key], dict) else "other type"
        case _:
            if table[key] is None:
                return None
            table[key] = None
    answer = copy.copy(exchange.answer)
    spoilt = Answer(answer.status, answer.headers, Body.of(orjson.dumps(value)), answer.seconds)
    return Exchange(exchange.id, exchange.at, exchange.request, spoilt)


def _fields(value: Any) -> Iterator[tuple[dict[str, Any], str]]:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        for key, below in value.items():
            yield value, key
            yield from _fields(below)
    elif isinstance(value, list):
        for item in value:
            yield from _fields(item)


def _har(exchanges: Sequence[Exchange]) -> bytes:
    return orjson.dumps(
        {
            "log": {
                "version": "1.2",
                "creator": {"name": "bench", "version": "1"},
                "entries": [*map(_entry, exchanges)],
            }
        }
    )


def _entry(exchange: Exchange) -> dict[str, Any]:
    request, answer = exchange.request, exchange.answer
    content = answer.body.content or b""
    kind = first_header(answer.headers, "content-type") or ""
    posted = {
        "mimeType": first_header(request.headers, "content-type") or "",
        "text": (request.body.content or b"").decode(),
    }
    return {
        "startedDateTime": exchange.at.isoformat(),
        "time": answer.seconds * 1000,
        "request": {
            "method": request.method,
            "url": f"http://service.test{request.target}",
            "httpVersion": "HTTP/1.1",
            "headers": [{"name": name, "value": value} for name, value in request.headers],
            "queryString": [],
            **({"postData": posted} if request.body.content else {}),
        },
        "response": {
            "status": answer.status,
            "statusText": "",
            "httpVersion": "HTTP/1.1",
            "headers": [{"name": name, "value": value} for name, value in answer.headers],
            "content": {
                "size": len(content), "mimeType": kind, "text": base64.b64encode(content).decode(), "encoding": "base64",
            },
        },
    }  # fmt: skip


Asking: TypeAlias = Callable[[int, int], list[Exchange]]


@contextmanager
def _rps(home: Path) -> Iterator[Asking]:
    """The API with its four legacy reads, over generated orders."""
    with embedded_servers(home / "servers", want_postgres=True, want_valkey=True, durable=False) as servers:
        assert servers.postgres is not None
        assert servers.valkey is not None
        address = reads._filled(DatabaseAddress.parse(servers.postgres.dsn()), 600)  # noqa: SLF001 - of this folder
        asyncio.run(reads._add_reader(address, home))  # noqa: SLF001 - of this folder
        with reads._service(address, servers.valkey.redis_url(), home) as (base, _):  # noqa: SLF001 - of this folder
            headers = {"Authorization": f"Bearer {reads._token(base)}"}  # noqa: SLF001 - of this folder
            orders = _orders(address)
            yield lambda count, seed: recorded(base, rps_requests(orders, count, seed), headers)


def _orders(address: DatabaseAddress) -> list[str]:
    with psycopg.connect(address.libpq(Role.SYSTEM)) as connection:
        return [str(row[0]) for row in connection.execute("SELECT id FROM orders ORDER BY id")]


@contextmanager
def _deduper(home: Path, python: str) -> Iterator[Asking]:
    """The legacy queue, with nothing configured: jobs fail at once, and nothing is started."""
    port = reads._free_port()  # noqa: SLF001 - of this folder
    base = f"http://127.0.0.1:{port}"
    command = [python, str(ROOT / "examples/legacy/deduper-flask/app.py"), "--port", str(port)]
    with (home / "flask.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=home)
        try:
            reads._wait(base, process)  # noqa: SLF001 - of this folder
            yield lambda count, seed: recorded(base, deduper_requests(count, seed), {})
        finally:
            process.terminate()
            process.wait(20)


def _peer_python(home: Path) -> str:
    folder = home / "peer"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = str(folder / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "-q", _PEER], check=True)
    return python


def _medians(rounds: Sequence[Mapping[str, Mapping[str, Any]]]) -> dict[str, dict[str, float]]:
    names = ("precision", "recall", "held_out_valid", "spoilt_noticed", "seconds")
    return {
        tool: {name: statistics.median(each[tool][name] for each in rounds) for name in names}
        for tool in rounds[0]
    }
