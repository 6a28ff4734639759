"""Figures that must be the same on both sides, declared as a query for each."""

from typing import Annotated, TypeAlias

from pydantic import StringConstraints

from caravan.migration.config.table import Name, Table

__all__ = ["InvariantPair"]


Query: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=20_000, strip_whitespace=True)]


class InvariantPair(Table):
    """``legacy`` is asked of ``source`` (needed where there are several), ``new`` of our database with ``%(org_id)s``.

    Both answer rows of equally many columns; their order means nothing.
    """

    name: Name
    legacy: Query
    new: Query
    source: Name | None = None
