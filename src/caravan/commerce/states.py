"""A CHECK for a column that holds one of a few words."""

from enum import StrEnum

from sqlalchemy import CheckConstraint

__all__ = ["one_of"]


def one_of(column: str, words: type[StrEnum]) -> CheckConstraint:
    """Return the constraint ``column IN (…)``, named after the column."""
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=column)
