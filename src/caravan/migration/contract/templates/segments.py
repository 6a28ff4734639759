"""What one segment of a path looks like: a typed value, a value perhaps, or a word."""

import re
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from caravan.migration.contract.formats import formats_of, most_special
from caravan.migration.recording.redaction import is_placeholder

__all__ = ["RESERVED", "is_parameter", "is_version", "looks_like_value", "segment_kind", "template_segments"]

RESERVED: Final = frozenset(
    """about active add admin all api archive auth batch bulk callback cancel categories check clear comments confirm
    copy count create current dashboard delete docs download edit events export favicon.ico feed files filter health healthz
    history import index index.html info init items jobs latest list login logout me metrics new next openapi.json orders
    pause ping preview previous products profile public ready readyz recent refresh register remove report reports reset
    restore restart resume retry robots.txt run save search self send settings signin signout signup sitemap.xml start static
    stats status stop submit summary sync tags test today token unread update upload users validate verify version""".split()  # noqa: SIM905
)
"""Words that APIs have as constants; they stay, whatever their neighbours are."""

_KINDS: Final = {
    "uuid": "uuid",
    "objectid": "objectid",
    "hash": "hash",
    "date": "date",
    "digits": "integer",
    "decimal": "decimal",
    "email": "email",
}
_TOKEN: Final = re.compile(r"[A-Za-z0-9_=-]{16,}")
_SWITCH: Final = re.compile(r"(?<=\d)[A-Za-z]|(?<=[A-Za-z])\d|(?<=[a-z])[A-Z]|(?<=[A-Z])[a-z]")
_CODE: Final = re.compile(
    r"[A-Za-z]{1,8}[-_.]?\d{2,}[A-Za-z0-9]*|[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*[-_]\d+|\d+[-_][\w-]+"
)
_SLUG: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)+")
_VERSION: Final = re.compile(r"v\d+(?:\.\d+)*")
_FILE_TYPE: Final = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,4}$")
_SWITCHES: Final = 4
_DIGITS: Final = 2


@lru_cache(maxsize=65_536)
def segment_kind(segment: str) -> str | None:
    """Return the type of a segment that can only be a value: integer, uuid, objectid, hash, date, email, token; None for a word."""
    text = unquote(segment)
    if is_placeholder(text):
        return "token"
    form = most_special(formats_of(text))
    if form is not None and form.name in _KINDS:
        return _KINDS[form.name]
    if text.isdigit():  # more than 18, or digits of another script
        return "integer"
    return "date-time" if form is not None and form.name.startswith("date-time") else _token(text)


def _token(text: str) -> str | None:
    """Opaque: long, with digits, letters and cases changing often, as random text does and words do not."""
    if not _TOKEN.fullmatch(text) or sum(map(str.isdigit, text)) < _DIGITS:
        return None
    return "token" if len(_SWITCH.findall(text)) >= _SWITCHES and text.count("-") <= len(text) // 8 else None


def looks_like_value(segment: str) -> str | None:
    """Return ``code`` or ``slug`` for a word that may be a value, such as ORD-1001 or blue-shirt."""
    text = _FILE_TYPE.sub("", unquote(segment))
    if is_version(segment):
        return None
    if _CODE.fullmatch(text):
        return "code"
    return "slug" if _SLUG.fullmatch(text) else None


def is_version(segment: str) -> bool:
    """Tell whether a segment is a version such as v2."""
    return _VERSION.fullmatch(segment) is not None


def is_parameter(segment: str) -> bool:
    """Tell whether a segment of a template stands for any value."""
    return segment.startswith("{") and segment.endswith("}")


def template_segments(template: str) -> tuple[str, ...]:
    """Return the segments, each parameter as ``{}``: what makes two templates the same, whatever their parameters are called."""
    return tuple("{}" if is_parameter(segment) else segment for segment in template.split("/"))
