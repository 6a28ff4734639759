"""Compares one answer with what the contract says of its route and status."""

from collections.abc import Iterator

import orjson

from caravan.migration.contract.model import AnswerShape, Contract, route_key
from caravan.migration.contract.observations import steady_header
from caravan.migration.contract.schemas import Schema
from caravan.migration.contract.templates import Router
from caravan.migration.contract.validation import Problem, Validator, validator_of
from caravan.migration.exchange import Answer, Exchange, first_header

__all__ = ["AnswerChecker"]


class AnswerChecker:
    """Keeps compiled validators; ``closed`` also reports keys that the contract does not know."""

    def __init__(self, contract: Contract, *, closed: bool = False) -> None:
        self._contract, self._closed = contract, closed
        self._router = Router({route.template for route in contract.routes.values()})
        self._validators: dict[tuple[str, int], Validator] = {}

    def route_of(self, exchange: Exchange) -> str | None:
        """Return the key of the route that an exchange belongs to; None when the contract has none."""
        match = self._router.match(exchange.request.path)
        key = None if match is None else route_key(exchange.request.method, match.template)
        return key if key in self._contract.routes else None

    def problems(self, route: str, answer: Answer, *, status: int | None = None) -> list[Problem]:
        """Return what is wrong with the answer of a route; ``status`` is the one expected, else any that the contract knows."""
        if answer.failure is not None:
            return [Problem("answer", "one", answer.failure)]
        shapes = self._contract.routes[route].answers
        expected = status if status is not None else answer.status
        if answer.status != expected or expected not in shapes:
            known = (
                str(status)
                if status is not None
                else " or ".join(map(str, sorted(shapes))) or "no answer known"
            )
            return [Problem("status", known, str(answer.status))]
        shape = shapes[expected]
        return [
            *_type_problems(shape, answer),
            *_header_problems(shape, answer),
            *self._body(route, expected, shape, answer),
        ]

    def _body(self, route: str, status: int, shape: AnswerShape, answer: Answer) -> Iterator[Problem]:
        content, kind = answer.body.content, _media_type(answer)
        if shape.body is None or not content or "json" not in kind:
            return
        try:
            value = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            yield Problem("$", "JSON", f"{error}")
            return
        yield from self._validator(route, status, shape.body)(value)

    def _validator(self, route: str, status: int, schema: Schema) -> Validator:
        known = self._validators.get((route, status))
        if known is None:
            known = self._validators[route, status] = validator_of(schema, closed=self._closed)
        return known


def _type_problems(shape: AnswerShape, answer: Answer) -> Iterator[Problem]:
    kind = _media_type(answer)
    if shape.types and not answer.body.length:
        if shape.body is not None:
            yield Problem("body", f"a body of {' or '.join(sorted(shape.types))}", "nothing")
    elif shape.types and kind not in shape.types:
        yield Problem("header content-type", " or ".join(sorted(shape.types)), kind or "nothing")


def _header_problems(shape: AnswerShape, answer: Answer) -> Iterator[Problem]:
    for name, value in shape.headers.items():
        seen = first_header(answer.headers, name)
        if seen is None:
            yield Problem(f"header {name}", value or "to be there", "nothing")
        elif value is not None and steady_header(name, seen) != value:
            yield Problem(f"header {name}", value, seen)
    cookies = {
        text.partition("=")[0].strip() for name, text in answer.headers if name.lower() == "set-cookie"
    }
    for name in sorted(shape.cookies - cookies):
        yield Problem(f"cookie {name}", "to be set", "nothing")


def _media_type(answer: Answer) -> str:
    return (first_header(answer.headers, "content-type") or "").partition(";")[0].strip().lower()
