"""What parts of a migration file must agree on. Works on the parsed file, so that it speaks also of files wrong elsewhere."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from caravan.migration.config.capture import misfits
from caravan.migration.config.positions import Place

__all__ = ["Disagreement", "disagreements"]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """``said`` begins behind the name of the place."""

    place: Place
    said: str


def disagreements(data: Mapping[str, Any]) -> Iterator[Disagreement]:
    """Yield names that occur twice, names of nothing, and routes that are declared twice."""
    for table in ("data_sets", "units", "invariants"):
        yield from _repeated(data, table)
    yield from _unknown(data, "data_sets", "source", _names_of(data.get("sources")), "is not among [sources]")
    yield from _unknown(
        data, "invariants", "source", _names_of(data.get("sources")), "is not among [sources]"
    )
    yield from _unknown(data, "data_sets", "after", _names(data, "data_sets"), "is no data set")
    yield from _unknown(data, "units", "data_sets", _names(data, "data_sets"), "is no data set")
    yield from _unknown(data, "routes", "unit", _names(data, "units"), "is no unit; declare it as [[units]]")
    yield from _capture_misfits(data)
    yield from _sourceless_counters(data)
    yield from _astray_probes(data)
    yield from _twice_routed(data)
    yield from _keyless(data)


def _repeated(data: Mapping[str, Any], table: str) -> Iterator[Disagreement]:
    seen: set[str] = set()
    for number, item in _items(data, table):
        name = item.get("name")
        if isinstance(name, str):
            if name in seen:
                yield Disagreement(
                    (table, number, "name"), f"the name {name!r} occurs twice; give each its own"
                )
            seen.add(name)


def _unknown(
    data: Mapping[str, Any], table: str, key: str, known: Sequence[str], said: str
) -> Iterator[Disagreement]:
    for number, item in _items(data, table):
        wanted = item.get(key)
        one = isinstance(wanted, str)
        for index, name in enumerate([wanted] if one else wanted if isinstance(wanted, list) else []):
            if isinstance(name, str) and name not in known:
                place: Place = (table, number, key) if one else (table, number, key, index)
                there = f"; there are {', '.join(known)}" if known else ""
                yield Disagreement(place, f"{name!r} {said}{there}")


def _capture_misfits(data: Mapping[str, Any]) -> Iterator[Disagreement]:
    sources = data.get("sources")
    for name, source in (sources if isinstance(sources, Mapping) else {}).items():
        own = {item.get("collection") for _, item in _items(data, "data_sets") if item.get("source") == name}
        if isinstance(source, Mapping):
            for key, said in misfits(source, frozenset(one for one in own if isinstance(one, str))):
                yield Disagreement(("sources", name, "capture", key), said)


def _sourceless_counters(data: Mapping[str, Any]) -> Iterator[Disagreement]:
    canary = data.get("canary")
    known = _names_of(data.get("sources"))
    for number, counter in _items(canary if isinstance(canary, Mapping) else {}, "counters"):
        source = counter.get("source")
        if isinstance(source, str) and source not in known:
            yield Disagreement(("canary", "counters", number, "source"), f"{source!r} is not among [sources]")


def _astray_probes(data: Mapping[str, Any]) -> Iterator[Disagreement]:
    drill = data.get("drill")
    known = {"unit": _names(data, "units"), "data_set": _names(data, "data_sets")}
    for number, probe in _items(drill if isinstance(drill, Mapping) else {}, "probes"):
        for key, names in known.items():
            name = probe.get(key)
            if isinstance(name, str) and name not in names:
                what = key.replace("_", " ")
                yield Disagreement(
                    ("drill", "probes", number, key), f"{name!r} is no {what}; declare it as [[{key}s]]"
                )


def _twice_routed(data: Mapping[str, Any]) -> Iterator[Disagreement]:
    seen: set[tuple[str, str]] = set()
    for number, route in _items(data, "routes"):
        methods = route.get("methods", ["GET"])
        for method in methods if isinstance(methods, list) else []:
            pair = (str(method).upper(), _shape(str(route.get("template"))))
            if pair in seen:
                yield Disagreement(
                    ("routes", number, "template"),
                    f"{method} {route.get('template')} is routed twice; remove one, or its method",
                )
            seen.add(pair)


def _keyless(data: Mapping[str, Any]) -> Iterator[Disagreement]:
    """A unit goes by cohorts, so each of its routes has to say by which key."""
    for number, route in _items(data, "routes"):
        if isinstance(route.get("unit"), str) and "key" not in route:
            yield Disagreement(
                ("routes", number),
                "is of a unit and has no key: a canary could not keep a client on one side;"
                ' add key = "header:NAME", "cookie:NAME", "query:NAME" or "address"',
            )


def _shape(template: str) -> str:
    """Names of parameters do not tell templates apart."""
    return "/".join("{}" if "{" in segment else segment for segment in template.split("/"))


def _items(data: Mapping[str, Any], table: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    rows = data.get(table)
    for number, item in enumerate(rows if isinstance(rows, list) else []):
        if isinstance(item, Mapping):
            yield number, item


def _names(data: Mapping[str, Any], table: str) -> list[str]:
    return [str(item["name"]) for _, item in _items(data, table) if "name" in item]


def _names_of(table: object) -> list[str]:
    return list(table) if isinstance(table, Mapping) else []
