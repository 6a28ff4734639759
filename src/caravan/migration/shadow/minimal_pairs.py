"""Cuts a pair of documents down to what still shows a difference: the leaf, its ancestors, and nothing that can go.

Delta debugging by single removals (Zeller and Hildebrandt, 2002, with granularity one): what is left is 1-minimal.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from caravan.migration.shadow.bodies import body_part
from caravan.migration.shadow.comparison import compare_documents
from caravan.migration.shadow.differences import Spot
from caravan.migration.shadow.documents import Document, write_json
from caravan.migration.shadow.heads import IGNORED_HEADERS, header_document, status_document
from caravan.migration.shadow.hosts import NO_HOSTS, OwnHosts
from caravan.migration.shadow.rules import EXACT, Rules
from caravan.migration.shadow.triple import Example

__all__ = ["MinimalPair", "minimal_pair"]

_MOST_TRIES: Final = 400
_Pair: TypeAlias = tuple[Any, Any]
_Way: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class MinimalPair:
    """``old`` and ``new`` are JSON texts of the part that differs (``root``), numbers as they were sent."""

    root: str
    old: str
    new: str


def minimal_pair(
    example: Example, rules: Rules = EXACT, hosts: tuple[OwnHosts, OwnHosts] = (NO_HOSTS, NO_HOSTS)
) -> MinimalPair:
    """Cut an example down to the part of the answers that still differs in its spot."""
    root = str(example.difference.trail[0]) if example.difference.trail else _root_of(example.spot)
    if root == "rows":  # of a write: the example keeps the answers, not the rows
        return MinimalPair(root, example.difference.old, example.difference.new)
    pair = _part(example, root, hosts)

    def still(old: Document, new: Document) -> bool:
        return example.spot in compare_documents(old, new, root, rules, hosts).spots()

    if still(*pair):
        pair = _cut(pair, example.difference.trail[1:], still)
    return MinimalPair(root, write_json(pair[0]), write_json(pair[1]))


def _root_of(spot: Spot) -> str:
    return spot[0].split(".")[0].split("[")[0].split("{")[0]


def _part(example: Example, root: str, hosts: tuple[OwnHosts, OwnHosts]) -> _Pair:
    if root == "status":
        return status_document(example.old), status_document(example.new)
    if root in {"header", "cookie"}:
        heads = (
            header_document(answer.headers, host, IGNORED_HEADERS)
            for answer, host in zip((example.old, example.new), hosts, strict=True)
        )
        old, new = (both[root == "cookie"] for both in heads)
        return old, new
    return body_part(example.old).document, body_part(example.new).document


def _cut(pair: _Pair, way: _Way, still: Callable[[Any, Any], bool]) -> _Pair:
    straight = _only(pair[0], way), _only(pair[1], way)
    if still(*straight):
        pair = straight
    tries = 0
    removed = True
    while removed and tries < _MOST_TRIES:
        removed = False
        for place in _places(pair):
            tries += 1
            smaller = _without(pair[0], place), _without(pair[1], place)
            if smaller != pair and still(*smaller):
                pair, removed = smaller, True
                break
            if tries >= _MOST_TRIES:
                break
    return pair


def _only(document: Any, way: _Way) -> Any:  # noqa: ANN401 - Documents, narrowed
    """Keep of each level but the child on the way; an element's position becomes the first."""
    if not way:
        return document
    if isinstance(document, dict):
        return {name: _only(value, way[1:]) for name, value in document.items() if name == way[0]}
    if isinstance(document, list) and isinstance(way[0], int):
        return [_only(each, way[1:]) for each in document[way[0] : way[0] + 1]]
    return document


def _places(pair: _Pair) -> list[_Way]:
    """Every member and element of either document, the outermost and the last first."""
    both = {**dict.fromkeys(_ways(pair[0], ())), **dict.fromkeys(_ways(pair[1], ()))}
    return sorted(both, key=len)


def _ways(document: Any, above: _Way) -> Iterator[_Way]:  # noqa: ANN401 - Documents, narrowed
    children: Sequence[tuple[str | int, Any]] = ()
    if isinstance(document, dict):
        children = list(document.items())
    elif isinstance(document, list):
        children = list(enumerate(document))[::-1]
    for name, value in children:
        yield (*above, name)
        yield from _ways(value, (*above, name))


def _without(document: Any, place: _Way) -> Any:  # noqa: ANN401 - Documents, narrowed
    if isinstance(document, dict) and place[0] in document:
        if len(place) == 1:
            return {name: value for name, value in document.items() if name != place[0]}
        return document | {place[0]: _without(document[place[0]], place[1:])}
    if isinstance(document, list) and isinstance(place[0], int) and place[0] < len(document):
        middle = [] if len(place) == 1 else [_without(document[place[0]], place[1:])]
        return document[: place[0]] + middle + document[place[0] + 1 :]
    return document
