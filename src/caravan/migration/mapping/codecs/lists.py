"""Lists, which some object mappers store as an object whose keys are the positions."""

from typing import Any

from caravan.migration.mapping.errors import BadValueError, shown

__all__ = ["listed"]


def listed(value: Any) -> list[Any]:  # noqa: ANN401 - any value of any source
    """Return the elements in order: of ``{"0": a, "2": b}`` a, then b.

    Raises:
        BadValueError: ``list.not_a_list``.
    """
    if type(value) is list:
        return value
    if isinstance(value, dict) and all(key.isascii() and key.isdecimal() for key in value):
        return [value[key] for key in sorted(value, key=int)]
    raise BadValueError(
        "list.not_a_list", f"{shown(value)} is neither a list nor an object with numeric keys"
    )
