"""Rules of comparison: what may differ between two answers, who answers for it, and until when."""

from datetime import date
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from caravan.migration.config.table import HeaderName, Name, Table

__all__ = ["Canonical", "Compare", "Mask", "Unordered"]

_PARAMETERS: Final = {
    "uuid": {"forms"},
    "timestamp": {"forms", "within"},
    "url": {"hosts"},
    "token": {"alphabet", "shortest", "longest"},
    "counter": {"step"},
    "near": {"within", "whole"},
    "id": set[str](),
}
"""Which keys each kind takes beside ``path`` and ``kind``."""

_Header = Annotated[HeaderName, AfterValidator(str.lower)]


class Mask(Table):
    """One leaf whose difference somebody answers for; ``path`` as reports print it, ``until`` its last day."""

    path: Name
    kind: Literal["value"] = "value"
    owner: Name
    reason: Name
    until: date


class Canonical(Table):
    """A leaf that is never the same twice, held equal by its kind; for what the old side against itself cannot teach.

    ``id``: the name of one thing, the same thing throughout a flow. The parameters are those of the kind.
    """

    path: Name
    kind: Literal["uuid", "timestamp", "url", "token", "counter", "near", "id"]
    forms: tuple[Name, ...] | None = None
    hosts: tuple[Name, ...] | None = None
    alphabet: Name | None = None
    shortest: Annotated[int, Field(ge=1)] | None = None
    longest: Annotated[int, Field(ge=1)] | None = None
    step: int | None = None
    within: Annotated[float, Field(gt=0)] | None = None
    whole: bool | None = None

    @model_validator(mode="after")
    def _parameters_of_its_kind(self) -> "Canonical":
        given = self.parameters
        wrong = sorted(given.keys() - _PARAMETERS[self.kind])
        if wrong:
            takes = ", ".join(sorted(_PARAMETERS[self.kind])) or "no parameter"
            raise ValueError(f"the kind {self.kind} does not take {', '.join(wrong)}; it takes {takes}")
        missing = sorted(_PARAMETERS[self.kind] - {"whole"} - given.keys())
        if missing:
            raise ValueError(f"the kind {self.kind} needs {', '.join(missing)}; add it")
        return self

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters that are given."""
        return self.model_dump(exclude={"path", "kind"}, exclude_none=True)

    def as_json(self) -> dict[str, Any]:
        """Return what the judge's ``canonicaliser_from_json`` reads."""
        return {"kind": self.kind, **self.parameters}


class Unordered(Table):
    """An array without order; ``key`` is the member that names an element, absent where the element itself does."""

    path: Name
    key: Name | None = None


class Compare(Table):
    """Rules of one route, or in ``[compare]`` of all. ``headers`` are compared beside the usual ones, or not at all."""

    ignore_headers: tuple[_Header, ...] = ()
    headers: tuple[_Header, ...] = ()
    masks: tuple[Mask, ...] = ()
    canonical: tuple[Canonical, ...] = ()
    unordered: tuple[Unordered, ...] = ()
