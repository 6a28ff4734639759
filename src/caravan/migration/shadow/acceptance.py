"""What a person may answer for.

A mask of the file is written before anything was seen, and hides values. An accepted difference was found, and is of exactly one
route, path and kind: nothing else is hidden by it, not even another kind of difference at its place.
So a named member that is missing, extra or of another type can be accepted, with owner, reason and last day. What would hide what
nobody has looked at is refused all the same: whole answers, patterns, elements of arrays and their number, order, identity.
"""

import re
from collections.abc import Collection
from typing import Final

from caravan.migration.shadow.differences import Kind

__all__ = ["WHOLE", "below", "why_not"]

WHOLE: Final = frozenset(("status", "body", "bytes", "$", "header", "cookie"))
_INDEX: Final = re.compile(r"\[\d+\]")
_NAMED: Final = re.compile(r"[.{]")
_REASONS: Final = {
    Kind.LENGTH: "with the length of an array whole elements would be hidden",
    Kind.ORDER: "which element stands where is ambiguous; an array without order is learnt from the old side",
    Kind.REFERENCE: "an id that is now of another thing is a mix-up of records; it can only be mended",
}


def why_not(path: str, kind: Kind) -> str | None:
    """Return why a difference of this path and kind cannot be accepted, as people are told; None when it can."""
    if kind in _REASONS:
        return _REASONS[kind]
    if _INDEX.search(path):
        return _REASONS[Kind.ORDER]
    if path in WHOLE or not _NAMED.search(path):
        return "names no single leaf: with it the whole answer would not be compared any more"
    if path.endswith("[*]"):
        return "is a whole element of an array, a pattern that would hide elements that nobody looked at"
    if "*" in path.replace("[*]", ""):
        return "is a pattern that would hide fields that nobody looked at"
    return None


def below(path: str, leaves: Collection[str]) -> set[str]:
    """Return the leaves at a path and under it."""
    under = (f"{path}.", f"{path}[", f"{path}{{")
    return {leaf for leaf in leaves if leaf == path or leaf.startswith(under)}
