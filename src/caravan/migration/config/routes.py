"""Routes and units: what the old side serves, what each request does, and which routes change sides together."""

import re
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from caravan.migration.config.compare import Compare
from caravan.migration.config.table import Method, Name, Share, Table, matching

__all__ = ["Route", "Unit"]

_PARAMETER: Final = re.compile(r"\{[^{}/]+\}")
_KEY: Final = re.compile(r"(header|cookie|query):[^\s:]+|address")
_Template = Annotated[
    str,
    StringConstraints(max_length=1000),
    AfterValidator(
        matching(r"/[^?#\s]*", "is no template of a path; write one such as /orders/{id}, without a query")
    ),
]


class Route(Table):
    """One template with its methods.

    ``effect`` is declared and never concluded from the method. ``key`` is what keeps a client in its cohort. ``shadow`` is
    the share of exchanges handed to the comparison, that of ``[shadow]`` when absent. ``fallback``: what the new side fails to
    answer goes to the old one, where that is safe.
    """

    template: _Template
    methods: tuple[Method, ...] = Field(default=("GET",), min_length=1)
    effect: Literal["read", "write"]
    key: str | None = None
    unit: Name | None = None
    compare: Compare = Compare()
    shadow: Share | None = None
    fallback: bool = False

    @field_validator("key")
    @classmethod
    def _known_key(cls, value: str | None) -> str | None:
        if value is not None and value.startswith("jwt:"):
            raise ValueError(
                "names a claim of a token whose signature the gateway does not check: clients could choose their side;"
                " use the header or cookie that carries the token"
            )
        if value is not None and not _KEY.fullmatch(value):
            raise ValueError("is no cohort key; write header:NAME, cookie:NAME, query:NAME or address")
        return value

    @field_validator("template")
    @classmethod
    def _whole_parameters(cls, value: str) -> str:
        segments = value.split("/")
        for number, segment in enumerate(segments, start=1):
            if ("{" in segment or "}" in segment) and not _PARAMETER.fullmatch(segment):
                raise ValueError(
                    f"has the segment {segment!r}; a parameter is a whole segment, such as {{id}}, or at the end {{rest:path}}"
                )
            if segment.endswith(":path}") and number < len(segments):
                raise ValueError(
                    f"has {segment!r} before its end; {{name:path}} takes all the rest of a path"
                )
        return value


class Unit(Table):
    """Routes that change write authority together.

    ``data_sets`` are the data that changes sides with it; a unit without any needs no copy and no capture. ``tables`` are
    what it writes, as far as that is known. ``writes``: in a canary writes go to the side with authority, or with ``cohort``
    to the new one for members. ``lag`` is how long after a member's write its reads stay with the authority (seconds).
    ``opens`` and ``closes`` bound the time in which a canary is open; outside of it everything of it goes to the old side.
    """

    name: Name
    data_sets: tuple[Name, ...] = ()
    tables: tuple[Name, ...] = ()
    writes: Literal["authority", "cohort"] = "authority"
    lag: Annotated[float, Field(ge=0, le=3600)] = 5.0
    include: tuple[Name, ...] = ()
    exclude: tuple[Name, ...] = ()
    opens: AwareDatetime | None = None
    closes: AwareDatetime | None = None

    @model_validator(mode="after")
    def _opens_first(self) -> "Unit":
        if self.opens is not None and self.closes is not None and self.closes <= self.opens:
            raise ValueError("closes before it opens; write the later time under closes")
        return self

    @property
    def has_data(self) -> bool:
        """Whether data changes sides with this unit."""
        return bool(self.data_sets)
