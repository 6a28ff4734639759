"""How pages write amounts, counts, times and what is not there."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from urllib.parse import urlencode

import orjson
from markupsafe import Markup

__all__ = ["amount", "count", "moment", "pretty", "query", "short", "words"]

NOTHING: Final = Markup('<span class="nothing" title="not set">&#8211;</span>')
_CENTS: Final = 2


def amount(value: Decimal | None, currency: str | None = None) -> str | Markup:
    """Write an exact amount with at least two places and at most those it has: ``1,234.50``."""
    if value is None:
        return NOTHING
    text = f"{value:,f}"
    whole, _, places = text.partition(".")
    kept = places.rstrip("0").ljust(_CENTS, "0")
    return f"{whole}.{kept} {currency}" if currency else f"{whole}.{kept}"


def count(value: Decimal | int | None) -> str | Markup:
    """Write a number without needless places: ``25,900``."""
    if value is None:
        return NOTHING
    text = f"{value:,f}" if isinstance(value, Decimal) else f"{value:,}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def moment(value: datetime | None) -> Markup:
    """Write a time in UTC, machine-readable as well."""
    if value is None:
        return NOTHING
    utc = value.astimezone(UTC)
    written = f"{utc:%d} {utc:%b} {utc.year:04d}, {utc:%H:%M}"
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        utc.isoformat(timespec="seconds"), utc.replace(tzinfo=None).isoformat(" ", "seconds"), written
    )


def pretty(value: object) -> str:
    """Write JSON for people."""
    return orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2).decode()


def query(parameters: Mapping[str, object], **changes: object) -> str:
    """Return ``?…`` of the parameters that are set, with some changed."""
    kept = {name: str(value) for name, value in {**parameters, **changes}.items() if value not in (None, "")}
    return f"?{urlencode(kept)}" if kept else "?"


def short(value: object) -> str:
    """Write the beginning of a long id."""
    return str(value)[:8]


def words(code: str) -> str:
    """Write a code for people: ``on_hold`` as ``on hold``."""
    return code.replace("_", " ").replace(".", ": ", 1)
