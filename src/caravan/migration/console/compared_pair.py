"""An example pair side by side: each answer as lines, the leaves that differ marked on both."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["PairLine", "side_by_side"]

_INDENT: Final = "  "
_NOT_THERE: Final = object()
_MOST_LINES: Final = 400


@dataclass(frozen=True, slots=True)
class PairLine:
    """One line of both sides; empty where the side has nothing there."""

    old: str
    new: str
    differs: bool


def side_by_side(old: str, new: str) -> list[PairLine]:
    """Return the lines of two JSON texts; what is no JSON is compared as text, line by line."""
    try:
        left, right = json.loads(old), json.loads(new)
    except ValueError:
        return _text(old, new)[:_MOST_LINES]
    return list(_lines(left, right, 0, "", ""))[:_MOST_LINES]


def _text(old: str, new: str) -> list[PairLine]:
    left, right = old.splitlines(), new.splitlines()
    count = max(len(left), len(right))
    left += [""] * (count - len(left))
    right += [""] * (count - len(right))
    return [PairLine(one, two, one != two) for one, two in zip(left, right, strict=True)]


def _lines(old: Any, new: Any, depth: int, name: str, end: str) -> Iterator[PairLine]:  # noqa: ANN401 - JSON values
    pad = _INDENT * depth
    if isinstance(old, dict) and isinstance(new, dict):
        members = [(json.dumps(key, ensure_ascii=False) + ": ", key) for key in {**old, **new}]
        pairs = [(label, old.get(key, _NOT_THERE), new.get(key, _NOT_THERE)) for label, key in members]
        yield from _nest("{}", pairs, depth, name, end)
    elif isinstance(old, list) and isinstance(new, list):
        count = max(len(old), len(new))
        fill_old, fill_new = [*old, *[_NOT_THERE] * count], [*new, *[_NOT_THERE] * count]
        yield from _nest("[]", [("", fill_old[at], fill_new[at]) for at in range(count)], depth, name, end)
    elif _same(old, new):
        said = pad + name + _told(old) + end
        yield PairLine(said, said, differs=False)
    else:
        left, right = (_block(each, depth, name, end) for each in (old, new))
        yield from (
            PairLine(one.old, one.new, differs=True) for one in _text("\n".join(left), "\n".join(right))
        )


def _nest(
    brackets: str, pairs: list[tuple[str, Any, Any]], depth: int, name: str, end: str
) -> Iterator[PairLine]:
    pad = _INDENT * depth
    yield PairLine(pad + name + brackets[0], pad + name + brackets[0], differs=False)
    for number, (label, old, new) in enumerate(pairs, start=1):
        yield from _lines(old, new, depth + 1, label, "," if number < len(pairs) else "")
    yield PairLine(pad + brackets[1] + end, pad + brackets[1] + end, differs=False)


def _block(value: Any, depth: int, name: str, end: str) -> list[str]:  # noqa: ANN401 - JSON values
    if value is _NOT_THERE:
        return []
    pad = _INDENT * depth
    return [pad + line for line in (name + _told(value) + end).splitlines()]


def _same(old: Any, new: Any) -> bool:  # noqa: ANN401 - JSON values
    """Tell whether two leaves are one: 1 and 1.0 are written differently, and true is no 1."""
    return type(old) is type(new) and bool(old == new)


def _told(value: Any) -> str:  # noqa: ANN401 - JSON values
    return json.dumps(value, ensure_ascii=False, indent=2)
