"""The number of a report, of any length: digits that are never made an integer."""

import re
import unicodedata
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, InstanceOf, WithJsonSchema

__all__ = ["ReportId", "ReportNumber", "read_report_id"]

_DIGITS: Final = re.compile(r"\d+")


class ReportId(str):
    """Decimal digits without leading zeros."""

    __slots__ = ()


def read_report_id(segment: str) -> ReportId | None:
    """Read a path segment; digits of every script count, and leading zeros do not. None when it is no number."""
    if not _DIGITS.fullmatch(segment):
        return None
    ascii_digits = segment if segment.isascii() else "".join(str(unicodedata.digit(sign)) for sign in segment)
    return ReportId(ascii_digits.lstrip("0") or "0")


def _digits(value: Any) -> Any:  # noqa: ANN401 - whatever is to be checked
    return ReportId(value) if isinstance(value, int) and not isinstance(value, bool) else value


ReportNumber = Annotated[
    InstanceOf[ReportId],
    BeforeValidator(_digits),
    WithJsonSchema({"type": "integer", "minimum": 0}),
]
"""A report's number in an answer: an integer of JSON."""
