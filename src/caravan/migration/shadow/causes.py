"""Names what was done to a value, so that the same slip in many fields of many routes is told as one."""

from decimal import Decimal
from typing import Final

from caravan.migration.shadow.canonical import read_moment
from caravan.migration.shadow.differences import Difference, Kind
from caravan.migration.shadow.documents import Document, kind_name, read_json

__all__ = ["Cause", "cause_of"]

Cause = tuple[str, bool]
"""What happened, and whether that alone names a cause: "shifted by +3600 s" does, "other text" does so only per field."""

_PLAIN: Final = {
    Kind.ORDER: ("other order", False),
    Kind.LENGTH: ("other length", False),
    Kind.REFERENCE: ("one id stands for two", False),
}
_FEW_DIGITS: Final = 4
_SHOWN_PLACES: Final = 15


def cause_of(difference: Difference) -> Cause:
    """Return what happened between the two values that are shown."""
    if difference.path == "status":
        return f"status {difference.old} became {difference.new}", True
    if difference.kind in _PLAIN:
        return _PLAIN[difference.kind]
    if difference.kind is Kind.MISSING:
        return ("null is left out", True) if difference.old == "null" else ("left out", False)
    if difference.kind is Kind.EXTRA:
        return ("null is added", True) if difference.new == "null" else ("added", False)
    old, new = _read(difference.old), _read(difference.new)
    if difference.kind is Kind.TYPE:
        return f"{kind_name(old)} became {kind_name(new)}", True
    return _value(old, new)


def _read(text: str) -> Document:
    try:
        return read_json(text)
    except ValueError:  # cut short to be shown
        return text


def _value(old: Document, new: Document) -> Cause:
    before, after = read_moment(old), read_moment(new)
    if before is not None and after is not None and before.seconds != after.seconds:
        return f"moment shifted by {after.seconds - before.seconds:+g} s", True
    if before is not None and after is not None:
        return "moment written in another form", True
    if isinstance(old, tuple) and isinstance(new, tuple):
        return _number(old[0], new[0])
    if isinstance(old, str) and isinstance(new, str):
        return _text(old, new)
    return "other value", False


def _number(old: str, new: str) -> Cause:
    try:
        before, after = Decimal(old), Decimal(new)
        change = after - before
    except ArithmeticError:  # not a number at all, or beyond what can be subtracted
        return "other number", False
    if before == after:
        return "number written in another form", True
    if not change.is_finite() or abs(change.adjusted()) > _SHOWN_PLACES:
        return "other number", False
    few = len(change.normalize().as_tuple().digits) <= _FEW_DIGITS
    return (f"number changed by {change:+f}", True) if few else ("other number", False)


def _text(old: str, new: str) -> Cause:
    if old.casefold() == new.casefold():
        return "other case", True
    if old.split() == new.split():
        return "other white space", True
    return "other text", False
