"""Lists in the order of birth: ids made here are time-ordered, so the id is the cursor."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select

from caravan.core.database import AnySession
from caravan.core.paging import CursorError, decode_cursor, encode_cursor

__all__ = ["Listed", "list_by_id"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """One page; ``following`` is the cursor of the next one."""

    items: Sequence[T]
    following: str | None


async def list_by_id(
    session: AnySession,
    statement: Select[T],
    column: ColumnElement[UUID],
    *,
    name: str,
    limit: int,
    cursor: str | None,
) -> Listed[T]:
    """Return the page behind ``cursor``; ``name`` is the list's, so that a cursor fits no other."""
    if cursor is not None:
        try:
            statement = statement.where(column > UUID(decode_cursor(cursor, name, 1)[0]))
        except ValueError:
            raise CursorError("The cursor is damaged.") from None
    rows = (await session.scalars(statement.order_by(column).limit(limit + 1))).all()
    items = rows[:limit]
    more = len(rows) > limit
    return Listed(items, encode_cursor(name, str(_id(items[-1]))) if more else None)


def _id(row: object) -> UUID:
    value = getattr(row, "id")  # noqa: B009 - every listed row has one; T stays open
    assert isinstance(value, UUID)  # noqa: S101 - for the type checker
    return value
