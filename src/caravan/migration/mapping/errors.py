"""What can go wrong with a value, and with a mapping itself."""

from typing import Any, Final

from caravan.core.errors import CaravanError

__all__ = [
    "NOTHING",
    "BadValueError",
    "MappingDeclarationError",
    "MappingNotFoundError",
    "NotAMappingError",
    "shown",
]

NOTHING: Final = object()
_SHOWN: Final = 60


def shown(value: object) -> str:
    """Return a value as messages show it: its beginning."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


class BadValueError(Exception):
    """A value its codec cannot take.

    ``kind`` is the stable class (``amount.not_a_number``). With ``instead`` the codec has something to put in its place,
    such as the rounded amount: then the record is loaded whatever the field's policy is, and a finding tells.
    """

    def __init__(self, kind: str, detail: str, *, instead: Any = NOTHING) -> None:  # noqa: ANN401 - any column value
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.instead = instead


class MappingNotFoundError(CaravanError):
    code = "mapping.not_found"
    status = 400
    title = "No such mapping"
    exit_code = 2
    fix = "Name a mapping as 'module:attribute', such as 'caravan.legacy.rps.mapping:orders'."


class NotAMappingError(CaravanError):
    code = "mapping.not_a_mapping"
    status = 400
    title = "That is not a mapping"
    exit_code = 2
    fix = "Let the attribute be an Entity, or anything that has what caravan.migration.mapping.contract.Mapping asks for."


class MappingDeclarationError(CaravanError):
    code = "mapping.contradiction"
    status = 500
    title = "A mapping contradicts itself"
    fix = "Correct the declaration; the message names the table and the column."
