"""Read models: functions in the database that set the tenant, read and write the whole answer, in one round trip."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson

from caravan.core.database.sessions import Database
from caravan.core.paging import CursorError, decode_cursor
from caravan.core.principal import Principal

__all__ = ["Detail", "DetailModel", "ListModel"]

_POSITION: Final = 2  # the sort key's value and the id


@dataclass(frozen=True, slots=True)
class Detail:
    """One resource as it goes out: its entity tag without quotes, and the bytes of its envelope."""

    tag: str
    body: bytes


class ListModel:
    """A keyset list, answered by the function ``read_{name}``."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._statement = f"SELECT read_{name}($1, $2, $3::jsonb, $4, $5, $6, $7)"

    async def page(
        self,
        database: Database,
        caller: Principal,
        *,
        sort: str,
        limit: int,
        cursor: str | None,
        filters: Mapping[str, Any],
    ) -> bytes:
        """Return the envelope of one page of the caller's tenant, and client where it is bound to one.

        Raises:
            CursorError: the cursor is not one of this list in this order.
        """
        key, row = self._position(cursor, sort) if cursor is not None else (None, None)
        wanted = orjson.dumps(filters).decode() if filters else None
        try:
            body: bytes = await database.fetch_value(
                self._statement, caller.require_org(), caller.client, wanted, sort, limit, key, row
            )
        except asyncpg.DataError as error:
            if cursor is None:
                raise
            raise CursorError("The cursor is damaged.") from error
        return body

    def _position(self, cursor: str, sort: str) -> tuple[str, UUID]:
        key, row = decode_cursor(cursor, f"{self.name}:{sort}", _POSITION)
        try:
            return key, UUID(row)
        except ValueError:
            raise CursorError("The cursor is damaged.") from None


class DetailModel:
    """One row with what belongs to it, answered by the function ``read_{name}``."""

    def __init__(self, name: str) -> None:
        self._statement = f"SELECT read_{name}($1, $2, $3)"

    async def find(self, database: Database, caller: Principal, row: UUID) -> Detail | None:
        """Return the row, or None where the caller may not see it or it is gone."""
        answer: bytes | None = await database.fetch_value(
            self._statement, caller.require_org(), caller.client, row
        )
        if answer is None:
            return None
        tag, _, body = answer.partition(b"\n")
        return Detail(tag.decode(), body)
