"""Hypothesis strategies: requests of a route's shape, of recorded values, and of neither."""

import string
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, quote, quote_plus, unquote

import orjson
from hypothesis import strategies as st

from caravan.migration.contract.checking.asking import Asked
from caravan.migration.contract.evidence_file import RouteSamples
from caravan.migration.contract.formats import BY_NAME
from caravan.migration.contract.model import Route
from caravan.migration.contract.observations import parameter_names
from caravan.migration.contract.schemas import Array, Object, Schema
from caravan.migration.contract.templates import Router

__all__ = ["requests_of"]

_PRINTABLE: Final = string.ascii_letters + string.digits + "-_. '%/é"
_INTEGERS: Final = st.integers(-(2**63), 2**63) | st.integers(0, 100) | st.sampled_from([-1, 2**31, 2**63])
_TEXTS: Final = st.text(_PRINTABLE, max_size=12)
_DAYS: Final = st.dates().map(str)
_TIMES: Final = st.datetimes().map(lambda at: at.replace(microsecond=0).isoformat())
_SIMPLE: Final[Mapping[str, st.SearchStrategy[Any]]] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "integer": st.integers(-(2**31), 2**53),
    "number": st.floats(-1e9, 1e9),
}
_BY_FORMAT: Final[Mapping[str, st.SearchStrategy[str]]] = {
    "uuid": st.uuids().map(str),
    "date": _DAYS,
    "date-time": _TIMES.map(lambda text: f"{text}Z"),
    "date-time-z": _TIMES.map(lambda text: f"{text}Z"),
    "date-time-offset": _TIMES.map(lambda text: f"{text}+02:00"),
    "date-time-naive": _TIMES,
    "date-time-space": _TIMES.map(lambda text: text.replace("T", " ")),
    "email": st.from_regex(r"[a-z]{1,6}@[a-z]{1,6}\.example", fullmatch=True),
    "uri": st.just("http://example.test/x"),
    "decimal": st.decimals(-1000, 1000, places=2).map(str),
}


def requests_of(route: Route, samples: RouteSamples) -> st.SearchStrategy[Asked]:
    """Return requests: parameters as recorded, as the contract says, or as it does not say; optional ones come and go."""
    recorded = _recorded(route, samples)
    path = st.tuples(
        *(
            _values(route.path[name], recorded.get(f"path {name}", ())).filter(bool)
            for name in parameter_names(route.template)
        )
    )
    query = st.fixed_dictionaries(
        {
            name: _values(known.schema, recorded.get(f"query {name}", ()))
            for name, known in route.query.items()
            if known.required
        },
        optional={
            name: _values(known.schema, recorded.get(f"query {name}", ()))
            for name, known in route.query.items()
            if not known.required
        },
    )
    return st.builds(
        lambda values, pairs, body: _asked(route, values, pairs, body), path, query, _bodies(route)
    )


def _asked(route: Route, values: tuple[str, ...], pairs: dict[str, str], body: bytes) -> Asked:
    left = iter(values)
    path = "/".join(
        quote(next(left), safe="") if segment.startswith("{") and segment.endswith("}") else segment
        for segment in route.template.split("/")
    )
    query = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs.items())
    headers = (
        ("accept", "*/*"),
        *((("content-type", min(route.request_types)),) if body and route.request_types else ()),
    )
    return Asked(route.method, f"{path}?{query}" if query else path, headers, body)


def _recorded(route: Route, samples: RouteSamples) -> dict[str, tuple[str, ...]]:
    """Return values that samples had: what exists is found with them."""
    router, found = Router([route.template]), dict[str, set[str]]()
    for sample in (sample for known in samples.by_status.values() for sample in known if not sample.redacted):
        path, _, query = sample.target.partition("?")
        if (match := router.match(path)) is not None:
            for name, value in zip(parameter_names(route.template), match.values, strict=True):
                found.setdefault(f"path {name}", set()).add(unquote(value))
        for name, value in parse_qsl(query, keep_blank_values=True):
            found.setdefault(f"query {name}", set()).add(value)
    return {name: tuple(sorted(values)) for name, values in found.items()}


def _values(schema: Schema, recorded: tuple[str, ...]) -> st.SearchStrategy[str]:
    right = _right(schema)
    known = [st.sampled_from(recorded)] if recorded else []
    return st.one_of(right, right, *known, *known, _TEXTS)  # what comes first is the simplest


def _right(schema: Schema) -> st.SearchStrategy[str]:
    """Return texts of the schema's shape."""
    choices: list[st.SearchStrategy[str]] = []
    if "integer" in schema.simple:
        choices.append(_INTEGERS.map(str))
    if "number" in schema.simple:
        choices.append(_BY_FORMAT["decimal"])
    if "boolean" in schema.simple:
        choices.append(st.sampled_from(["true", "false"]))
    if schema.string is not None:
        choices.append(_strings(schema))
    return st.one_of(*choices) if choices else _TEXTS


def _strings(schema: Schema) -> st.SearchStrategy[str]:
    text = schema.string
    if text is None or (text.values is None and text.format is None):
        return _TEXTS
    if text.values is not None:
        return st.sampled_from(sorted(text.values))
    name = text.format or ""
    return _BY_FORMAT.get(name) or st.from_regex(
        BY_NAME[name].pattern, fullmatch=True, alphabet=string.printable
    )


def _bodies(route: Route) -> st.SearchStrategy[bytes]:
    if route.request is None:
        return st.just(b"")
    return _json(route.request).map(orjson.dumps)


def _json(schema: Schema) -> st.SearchStrategy[Any]:
    """Return JSON values of the schema's shape."""
    if schema.anything or schema == Schema():
        return st.none() | st.integers(0, 9) | _TEXTS
    choices: list[st.SearchStrategy[Any]] = [_SIMPLE[kind] for kind in sorted(schema.simple)]
    if schema.string is not None:
        choices.append(_strings(schema))
    if schema.array is not None:
        choices.append(_arrays(schema.array))
    if schema.object is not None:
        choices.append(_objects(schema.object))
    return st.one_of(*choices)


def _arrays(array: Array) -> st.SearchStrategy[Any]:
    if array.positions is not None:
        return st.tuples(*map(_json, array.positions))
    return st.lists(_json(array.items), max_size=3)


def _objects(table: Object) -> st.SearchStrategy[Any]:
    if table.values is not None:
        return st.dictionaries(_TEXTS, _json(table.values), max_size=3)
    known = {name: _json(field.schema) for name, field in table.fields.items()}
    return st.fixed_dictionaries(
        {name: known[name] for name, field in table.fields.items() if field.required},
        optional={name: known[name] for name, field in table.fields.items() if not field.required},
    )
