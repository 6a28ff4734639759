"""Decides which words of a path are values: by their number, their look, and by how alike their answers are.

Everything here is a function of sets, so the order of samples cannot matter.
"""

import re
from typing import Final

from caravan.migration.contract.templates.segments import RESERVED, is_version, looks_like_value
from caravan.migration.contract.templates.tree import Node

__all__ = ["generalise"]

_WORD: Final = re.compile(r"/(?!\{\})[^/ ]+")
_ALIKE: Final = 0.5  # share of common features from which two places answer alike
_TELLING: Final = 3  # features: fewer say nothing
_WORDS: Final = 4  # words whose answers are alike, before they are taken for values
_SLUGS: Final = 3
_CODES: Final = 2
_MANY: Final = 50  # words about whose answers nothing is known
_MANY_SLUGS: Final = 20


def generalise(node: Node) -> None:
    """Turn words that are values into the parameter of their place: below first, then here, then what was joined."""
    for below in node.below():
        generalise(below)
    words = {word: below for word, below in node.words.items() if below.alive and _may_be_value(word)}
    values = _values(node, words)
    for word in values:
        node.parameter = node.parameter or Node()
        node.parameter.merge(node.words.pop(word))
        node.kinds[looks_like_value(word) or "string"] += 1
    if values and node.parameter is not None:
        generalise(node.parameter)


def _may_be_value(word: str) -> bool:
    return bool(word) and word not in RESERVED and not is_version(word)


def _values(node: Node, words: dict[str, Node]) -> set[str]:
    features = {word: below.features() for word, below in words.items()}
    values = _like(features, set() if node.parameter is None else node.parameter.features())
    values |= _codes(words)
    rest = {word: told for word, told in features.items() if word not in values}
    values |= _alike(rest)
    values |= _alike({word: _without_words(told) for word, told in rest.items() if word not in values})
    return values | _many({word for word in rest if word not in values and len(rest[word]) < _TELLING})


def _without_words(told: set[str]) -> set[str]:
    """Keys of answers below, whatever the words on the way: owners have repositories of different names."""
    return {_WORD.sub("/*", feature) for feature in told if feature.startswith("/") and feature[-1] != " "}


def _like(features: dict[str, set[str]], typed: set[str]) -> set[str]:
    """Words that are answered as the typed values at the same place are."""
    if len(typed) < _TELLING:
        return set()
    return {word for word, told in features.items() if _similarity(told, typed) >= _ALIKE}


def _codes(words: dict[str, Node]) -> set[str]:
    codes = {word for word in words if looks_like_value(word) == "code"}
    return codes if len(codes) >= _CODES else set()


def _alike(features: dict[str, set[str]]) -> set[str]:
    """Words whose answers have a common core: what at least half of them have."""
    telling = {word: told for word, told in features.items() if len(told) >= _TELLING}
    counts: dict[str, int] = {}
    for told in telling.values():
        for feature in told:
            counts[feature] = counts.get(feature, 0) + 1
    core = {feature for feature, count in counts.items() if 2 * count >= len(telling)}
    if len(core) < _TELLING:
        return set()
    members = {word for word, told in telling.items() if _similarity(told, core) >= _ALIKE}
    needed = _SLUGS if members and all(map(looks_like_value, members)) else _WORDS
    return members if len(members) >= needed else set()


def _many(silent: set[str]) -> set[str]:
    """Words about whose answers nothing is known: pages, or lines of a log."""
    slugs = {word for word in silent if looks_like_value(word)}
    if len(silent) >= _MANY:
        return silent
    return slugs if len(slugs) >= _MANY_SLUGS else set()


def _similarity(first: set[str], second: set[str]) -> float:
    return len(first & second) / len(first | second) if first or second else 0.0
