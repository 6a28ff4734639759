"""Finds which element of one array is which of another: by a member that names it, by itself, else by position."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from caravan.migration.shadow.documents import Document, write_json

__all__ = ["Alignment", "align", "shared_key"]

_LIKELY_KEYS: Final = ("id", "_id", "uuid", "key", "code", "sku", "slug", "name")


@dataclass(frozen=True, slots=True)
class Alignment:
    """``pairs`` and ``missing`` hold positions on the old side, ``extra`` on the new; ``key`` is the member that names."""

    pairs: tuple[tuple[int, int], ...]
    missing: tuple[int, ...] = ()
    extra: tuple[int, ...] = ()
    reordered: bool = False
    key: str | None = None


def align(old: list[Any], new: list[Any], *, as_set: bool = False, key: str | None = None) -> Alignment:
    """Match the elements of two arrays that differ; a set's are matched in any order, by ``key`` or as a whole."""
    names = _names(old, new, key, as_set=as_set)
    if names is not None:
        return _matched(*names, key or shared_key(old, new))
    if len(old) == len(new):
        return Alignment(tuple((place, place) for place in range(len(old))))
    # Of different lengths and without names: what occurs on both sides is left alone, so that one insertion is one difference.
    return _matched(_written(old), _written(new), None)


def _names(
    old: list[Any], new: list[Any], key: str | None, *, as_set: bool
) -> tuple[list[str], list[str]] | None:
    key = key or shared_key(old, new)
    if key is not None and _is_key(key, old) and _is_key(key, new):
        named = [write_json(each[key]) for each in old], [write_json(each[key]) for each in new]
        if as_set or len(old) != len(new) or set(named[0]) == set(named[1]):
            return named
    written = _written(old), _written(new)
    return written if as_set or Counter(written[0]) == Counter(written[1]) else None


def _written(array: list[Any]) -> list[str]:
    return [write_json(each) for each in array]


def _matched(old: list[str], new: list[str], key: str | None) -> Alignment:
    places: dict[str, list[int]] = {}
    for place in range(len(new) - 1, -1, -1):
        places.setdefault(new[place], []).append(place)
    pairs: list[tuple[int, int]] = []
    missing: list[int] = []
    for place, name in enumerate(old):
        if there := places.get(name):
            pairs.append((place, there.pop()))
        else:
            missing.append(place)
    extra = sorted(place for rest in places.values() for place in rest)
    order = [there for _, there in pairs]
    return Alignment(tuple(pairs), tuple(missing), tuple(extra), order != sorted(order), key)


def shared_key(old: list[Document], new: list[Document]) -> str | None:
    """The member that names each element on both sides and shares a name between them, or None."""
    if not old or not new or not isinstance(old[0], dict):
        return None
    for key in (*(name for name in _LIKELY_KEYS if name in old[0]), *old[0]):
        if _is_key(key, old) and _is_key(key, new) and _overlap(key, old, new):
            return key
    return None


def _is_key(key: str, array: list[Any]) -> bool:
    """Tell whether every element has a value of its own under this name."""
    seen = set()
    for each in array:
        value = each.get(key) if isinstance(each, dict) else None
        if not isinstance(value, str | tuple) or value in seen:
            return False
        seen.add(value)
    return True


def _overlap(key: str, old: list[Any], new: list[Any]) -> bool:
    there = {each[key] for each in new}
    same = sum(each[key] in there for each in old)
    return same == min(len(old), len(new)) if len(old) == len(new) else 2 * same >= min(len(old), len(new))
