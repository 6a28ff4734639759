"""Figures that must be the same on both sides, or must balance on one: sums by name, or a query for each."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StringConstraints, model_validator

from caravan.migration.config.table import Name, Table

__all__ = ["InvariantPair", "Sum"]


Query: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=20_000, strip_whitespace=True)]

_FORMS = (("legacy", "new"), ("legacy_sum", "new_sum"), ("left_sum", "right_sum"))


class Sum(Table):
    """Rows of ``table`` counted and their ``column`` summed, for each value of the columns ``by``; ``where`` is a condition in SQL.

    Without ``column`` rows are only counted. In our database the rows are those of the organisation.
    """

    table: Name
    column: Name | None = None
    by: tuple[Name, ...] = ()
    where: Query | None = None


class InvariantPair(Table):
    """One of three pairs that have to be the same.

    ``legacy`` and ``new`` are queries, one for each side; ``legacy_sum`` and ``new_sum`` are sums alike; ``left_sum`` and
    ``right_sum`` are two sums of one ``side`` that balance: orders and their lines, bookings and counter-bookings. ``legacy`` is asked of ``source`` (needed where there are several), ``new`` of our database with ``%(org_id)s``.
    Both answer rows of equally many columns; their order means nothing. Numbers may differ by ``tolerance``.
    """

    name: Name
    legacy: Query | None = None
    new: Query | None = None
    legacy_sum: Sum | None = None
    new_sum: Sum | None = None
    side: Literal["legacy", "new"] | None = None
    left_sum: Sum | None = None
    right_sum: Sum | None = None
    source: Name | None = None
    tolerance: Annotated[float, Field(ge=0)] = 0.0

    @model_validator(mode="after")
    def _one_pair(self) -> "InvariantPair":
        given = [form for form in _FORMS if any(getattr(self, key) is not None for key in form)]
        if len(given) != 1 or any(getattr(self, key) is None for key in given[0]):
            raise ValueError(
                "needs one pair: legacy and new, legacy_sum and new_sum, or left_sum and right_sum with side"
            )
        balance = given[0] == ("left_sum", "right_sum")
        if balance != (self.side is not None):
            raise ValueError("needs side with left_sum and right_sum, and with nothing else")
        pairs = [(self.legacy_sum, self.new_sum), (self.left_sum, self.right_sum)]
        if any(one and other and len(one.by) != len(other.by) for one, other in pairs):
            raise ValueError("groups its sums by a different number of columns; name as many for both")
        return self
