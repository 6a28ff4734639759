"""Learns path templates from exchanges, in any order; declared templates win over what is learnt."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson

from caravan.migration.contract.formats import formats_of
from caravan.migration.contract.templates.generalising import generalise
from caravan.migration.contract.templates.router import Router
from caravan.migration.contract.templates.segments import segment_kind
from caravan.migration.contract.templates.tree import End, Node
from caravan.migration.exchange import Exchange, first_header

__all__ = ["NOT_THERE", "LearntRoute", "TemplateLearner"]

NOT_THERE: Final = frozenset({404, 405, 501})
_BEFORE_A_VERSION: Final = frozenset({"api", "v", "version", "rest"})
_DEEPEST: Final = 4
_MOST_KEYS: Final = 80


@dataclass(frozen=True, slots=True)
class LearntRoute:
    """``kinds`` has the type of each parameter in order: integer, uuid, …, or string where values of several types came."""

    template: str
    methods: tuple[str, ...]
    kinds: tuple[str, ...]


class TemplateLearner:
    """Takes exchanges; memory grows with the number of different words in paths, not with that of ids or samples."""

    def __init__(self, declared: Iterable[str] = ()) -> None:
        self._declared = tuple(declared)
        self._router = Router(self._declared)
        self._root = Node()
        self._places: dict[
            bytes, str | None
        ] = {}  # of a 404 body: the one place it was seen at; None for several

    def add(self, exchange: Exchange) -> None:
        """Take one exchange."""
        path = exchange.request.path
        if (
            exchange.answer.failure is not None
            or not path.startswith("/")
            or self._router.match(path) is not None
        ):
            return
        node, anchor = self._node(path)
        end = node.ends.setdefault(exchange.request.method, End())
        end.hits += 1
        if exchange.answer.status in NOT_THERE:
            self._not_there(exchange, end, anchor)
            return
        end.alive = True
        if 200 <= exchange.answer.status < 300:  # noqa: PLR2004 - good answers
            end.keys |= _answer_keys(exchange)

    def routes(self) -> list[LearntRoute]:
        """Return what was learnt, by template; the learner stays as it was."""
        root = Node()
        root.merge(self._root)
        generic = {body for body, place in self._places.items() if place is None}
        _revive(root, generic)
        generalise(root)
        return sorted(_routes(root, (), ()), key=lambda route: route.template)

    def _node(self, path: str) -> tuple[Node, str]:
        """Return the place of a path, and the part of it before its first value."""
        node, before, anchor = self._root, "", list[str]()
        anchored = False
        for segment in path.split("/"):
            kind = None if before in _BEFORE_A_VERSION and segment.isdigit() else segment_kind(segment)
            if kind is None:
                node = node.words.setdefault(segment, Node())
            else:
                node.kinds[kind] += 1
                node.parameter = node = node.parameter or Node()
            anchored = anchored or kind is not None
            if not anchored:
                anchor.append(segment)
            before = segment
        return node, "/".join(anchor if anchored else anchor[:-1])

    def _not_there(self, exchange: Exchange, end: End, anchor: str) -> None:
        """A 404 that is the same at several places says that no route is there; one of its own says there is one."""
        content = exchange.answer.body.content
        if exchange.answer.status != 404 or not content:  # noqa: PLR2004 - not found
            return
        body = hashlib.sha256(content.replace(exchange.request.path.encode(), b"")).digest()
        end.lost.add(body)
        if self._places.setdefault(body, anchor) != anchor:
            self._places[body] = None


def _answer_keys(exchange: Exchange) -> set[str]:
    content = exchange.answer.body.content
    if not content or "json" not in (first_header(exchange.answer.headers, "content-type") or "").lower():
        return set()
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError:
        return set()
    return set(sorted(_keys(value, "", 0))[:_MOST_KEYS])


def _keys(value: Any, path: str, depth: int) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """Yield key paths; keys that are data, such as ids, are ``{}``."""
    if depth > _DEEPEST:
        return
    if isinstance(value, dict):
        for key, below in value.items():
            step = f"{path}.{'{}' if formats_of(key) else key}"
            yield step
            yield from _keys(below, step, depth + 1)
    elif isinstance(value, list):
        for item in value[:5]:
            yield from _keys(item, f"{path}[]", depth + 1)


def _revive(node: Node, generic: set[bytes]) -> None:
    """Count ends as alive whose 404 is not everybody's. Words alone prove nothing: `not found` for a page is no page."""
    if node.parameter is not None:
        _revive_below_a_value(node.parameter, generic)
    for below in node.words.values():
        _revive(below, generic)


def _revive_below_a_value(node: Node, generic: set[bytes]) -> None:
    for end in node.ends.values():
        end.alive = end.alive or bool(end.lost - generic)
    for below in [*node.words.values(), *([] if node.parameter is None else [node.parameter])]:
        _revive_below_a_value(below, generic)


def _routes(node: Node, segments: tuple[str, ...], kinds: tuple[str, ...]) -> Iterator[LearntRoute]:
    methods = tuple(sorted(method for method, end in node.ends.items() if end.alive))
    if methods:
        yield LearntRoute("/".join(segments), methods, kinds)
    for word, below in node.words.items():
        yield from _routes(below, (*segments, word), kinds)
    if node.parameter is not None:
        kind = next(iter(node.kinds)) if len(node.kinds) == 1 else "string"
        yield from _routes(node.parameter, (*segments, f"{{{_name(segments)}}}"), (*kinds, kind))


def _name(segments: tuple[str, ...]) -> str:
    """Name a parameter after the word before it; a second one of the same name is numbered."""
    last = segments[-1] if segments else ""
    plain = "".join(letter if letter.isalnum() else "_" for letter in last).strip("_").lower()
    name = f"{_singular(plain)}_id" if plain and not plain.startswith("{") and last[:1] != "{" else "id"
    if plain.endswith("id") and last[:1] != "{":
        name = plain
    taken = {segment[1:-1] for segment in segments if segment.startswith("{")}
    number = 2
    unique = name
    while unique in taken:
        unique, number = f"{name}_{number}", number + 1
    return unique


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > len("ties"):
        return f"{word[:-3]}y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word
