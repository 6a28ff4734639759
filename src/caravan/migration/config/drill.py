"""What a drill writes through the front door: requests of the file's own, each with a value by which its row is found again."""

from typing import Annotated, Final

from pydantic import AfterValidator, Field, field_validator

from caravan.migration.config.table import HeaderName, Method, Name, Table, matching

__all__ = ["UNIQUE", "Drill", "DrillProbe"]

UNIQUE: Final = "{unique}"
"""Where the value goes that nobody else writes."""

_Path = Annotated[str, AfterValidator(matching(r"/\S*", "is no path; write one such as /orders"))]


class DrillProbe(Table):
    """A request that writes one row of ``data_set``. ``{unique}`` in its parts stands for a new value each time.

    The row is found by that value in ``field`` of the old side's record, and in ``column`` (the same name when left out) of the data
    set's first table on the new one. ``remove`` (METHOD /path) takes it out again; without it the row stays on both sides.
    """

    unit: Name
    method: Method = "POST"
    path: _Path
    headers: dict[HeaderName, str] = Field(default_factory=dict)
    body: Annotated[str, Field(validate_default=True)] = ""
    data_set: Name
    field: Name
    column: Name | None = None
    remove: Annotated[
        str | None, AfterValidator(lambda value: value if value is None else _removal(value))
    ] = None

    @field_validator("body")
    @classmethod
    def _says_where(cls, value: str, info: object) -> str:
        given = getattr(info, "data", {})
        parts = (value, given.get("path", UNIQUE), *given.get("headers", {}).values())
        if not any(UNIQUE in part for part in parts):
            raise ValueError(f"has no {UNIQUE}; write it where the row's own value goes, here or in path")
        return value


class Drill(Table):
    """``probes`` of all units."""

    probes: tuple[DrillProbe, ...] = ()


def _removal(value: str) -> str:
    method, _, path = value.partition(" ")
    if not method.isalpha() or not path.startswith("/"):
        raise ValueError(
            f"{value!r} is no request; write METHOD /path, such as DELETE /orders/by-reference/{UNIQUE}"
        )
    return value
