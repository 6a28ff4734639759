"""What was seen of one route: parameters, bodies, headers, clients and times, all of it in counts that add up."""

import math
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl, unquote_plus

import orjson

from caravan.migration.contract.model import AnswerShape, Effect, Route, proposed_effect
from caravan.migration.contract.samples import Samples
from caravan.migration.contract.schemas import Evidence, Field, Schema, describe
from caravan.migration.contract.schemas.describing import describe_parameter
from caravan.migration.contract.schemas.evidence import TextEvidence
from caravan.migration.exchange import Body, Exchange, Headers, first_header

__all__ = ["AnswerObservation", "RouteObservation", "parameter_names", "steady_header"]

_GOOD: Final = 400
_MOST_CLIENTS: Final = 1000
_STEPS: Final = 8  # of the scale of times, per doubling
_TELLING: Final = frozenset(
    """allow cache-control content-disposition content-language deprecation etag last-modified link location retry-after sunset
    vary www-authenticate access-control-allow-origin content-encoding x-total-count""".split()  # noqa: SIM905
)
_CONSTANT: Final = frozenset({"allow", "cache-control", "content-language", "vary", "www-authenticate"})
_ENOUGH_CONSTANT: Final = 3
_FORM: Final = "application/x-www-form-urlencoded"


class BodyObservation:
    """Media types with counts, and the evidence of what could be parsed."""

    def __init__(self) -> None:
        self.types: Counter[str] = Counter()
        self.evidence = Evidence()
        self.broken = 0

    def add(self, body: Body, headers: Headers) -> None:
        if not body.length:
            return
        kind = (first_header(headers, "content-type") or "").partition(";")[0].strip().lower()
        if kind:
            self.types[kind] += 1
        if body.content is None:
            return
        if kind == _FORM:
            self.evidence.add(
                dict(parse_qsl(body.content.decode("utf-8", "replace"), keep_blank_values=True))
            )
        elif "json" in kind:
            try:
                self.evidence.add(orjson.loads(body.content))
            except orjson.JSONDecodeError:
                self.broken += 1

    def schema(self) -> Schema | None:
        return describe(self.evidence) if self.evidence.total else None


class AnswerObservation:
    """One status of one route."""

    def __init__(self) -> None:
        self.count = 0
        self.body = BodyObservation()
        self.headers: dict[str, TextEvidence] = {}
        self.cookies: Counter[str] = Counter()
        self.samples = Samples()
        self.told = 0  # with headers: access logs tell none

    def add(self, exchange: Exchange) -> None:
        answer = exchange.answer
        self.count += 1
        self.body.add(answer.body, answer.headers)
        self.samples.add(exchange)
        self.told += bool(answer.headers)
        for name in {name.lower() for name, _ in answer.headers} & _TELLING:
            self.headers.setdefault(name, TextEvidence()).add(
                steady_header(name, first_header(answer.headers, name) or "")
            )
        cookies = (
            value.partition("=")[0].strip() for name, value in answer.headers if name.lower() == "set-cookie"
        )
        self.cookies.update(set(cookies))

    def shape(self) -> AnswerShape:
        always = {name: seen for name, seen in sorted(self.headers.items()) if seen.count == self.told}
        return AnswerShape(
            types=frozenset(self.body.types),
            body=self.body.schema(),
            headers={name: _constant(name, seen) for name, seen in always.items()},
            cookies=frozenset(name for name, count in self.cookies.items() if count == self.told),
        )


class ParameterObservation:
    """Values of one parameter: those of good answers count, others only where there are no good ones."""

    def __init__(self) -> None:
        self.good, self.bad = TextEvidence(), TextEvidence()
        self.asked_good = self.asked_bad = 0

    def add(self, value: str, *, good: bool) -> None:
        (self.good if good else self.bad).add(value)

    def schema(self, name: str) -> Schema:
        return describe_parameter(self.good if self.good.count else self.bad, name)


class RouteObservation:
    """One method at one template."""

    def __init__(self, method: str, template: str) -> None:
        self.method, self.template = method, template
        self.count = self.good = self.sent = 0
        self.first: datetime | None = None
        self.last: datetime | None = None
        self.clients: set[str] | None = set()
        self.times: Counter[int] = Counter()
        self.path: dict[str, ParameterObservation] = {
            name: ParameterObservation() for name in parameter_names(template)
        }
        self.query: dict[str, ParameterObservation] = {}
        self.request = BodyObservation()
        self.answers: dict[int, AnswerObservation] = {}

    def add(self, exchange: Exchange, values: tuple[str, ...]) -> None:
        """Take one exchange; ``values`` are those of the template's parameters."""
        good = exchange.answer.status < _GOOD
        self.count += 1
        self.good += good
        self.sent += exchange.answer.body.length
        self.first = exchange.at if self.first is None else min(self.first, exchange.at)
        self.last = exchange.at if self.last is None else max(self.last, exchange.at)
        self._add_client(exchange.client)
        if exchange.answer.seconds > 0:
            self.times[round(math.log2(exchange.answer.seconds) * _STEPS)] += 1
        for parameter, value in zip(self.path.values(), values, strict=True):
            parameter.add(unquote_plus(value.replace("+", "%2B")), good=good)
        self._add_query(exchange.request.query, good=good)
        if good:
            self.request.add(exchange.request.body, exchange.request.headers)
        self.answers.setdefault(exchange.answer.status, AnswerObservation()).add(exchange)

    def route(self, effect: Effect | None = None, *, changes_rows: bool = False) -> Route:
        """Return the route as it would be proposed; a declared effect is taken as it is."""
        proposed = proposed_effect(self.method, frozenset(self.answers), changes_rows=changes_rows)
        return Route(
            method=self.method,
            template=self.template,
            effect=effect or proposed,
            path={name: seen.schema(name) for name, seen in self.path.items()},
            query={
                name: Field(seen.schema(name), required=self._always(seen))
                for name, seen in sorted(self.query.items())
            },
            request_types=frozenset(self.request.types),
            request=self.request.schema(),
            answers={status: answer.shape() for status, answer in sorted(self.answers.items())},
        )

    def quantile(self, share: float) -> float | None:
        """Return the seconds below which this share of the answers came, within nine percent."""
        wanted, seen = share * self.times.total(), 0
        for step, count in sorted(self.times.items()):
            seen += count
            if seen >= wanted:
                return float(2 ** (step / _STEPS))
        return None

    def _always(self, parameter: ParameterObservation) -> bool:
        """Requests that were refused do not tell what may be left out, where others were not."""
        return parameter.asked_good == self.good if self.good else parameter.asked_bad == self.count

    def _add_client(self, client: str) -> None:
        if self.clients is not None and client:
            self.clients.add(client)
            if len(self.clients) > _MOST_CLIENTS:
                self.clients = None

    def _add_query(self, query: str, *, good: bool) -> None:
        seen = set()
        for name, value in parse_qsl(query, keep_blank_values=True):
            parameter = self.query.setdefault(name, ParameterObservation())
            parameter.add(value, good=good)
            if name not in seen:
                parameter.asked_good += good
                parameter.asked_bad += not good
            seen.add(name)


def parameter_names(template: str) -> Iterator[str]:
    """Yield the names of a template's parameters, in order."""
    return (
        segment[1:-1] for segment in template.split("/") if segment.startswith("{") and segment.endswith("}")
    )


def _constant(name: str, seen: TextEvidence) -> str | None:
    if name not in _CONSTANT or seen.count < _ENOUGH_CONSTANT or not seen.values or len(seen.values) > 1:
        return None
    return next(iter(seen.values))


def steady_header(name: str, value: str) -> str:
    """Lists whose order says nothing are sorted."""
    if name in {"allow", "vary"}:
        return ", ".join(sorted(part.strip() for part in value.split(",")))
    return value
