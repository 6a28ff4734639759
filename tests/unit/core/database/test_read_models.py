"""A wrong value that no cursor brought is no fault of the caller."""

from typing import cast

import asyncpg
import pytest

from caravan.core.database import Database
from caravan.core.database.read_models import ListModel
from caravan.core.paging import CursorError, encode_cursor
from caravan.core.principal import OrgRequiredError, Principal, PrincipalKind
from tests.fixtures.applications import caller


class Refusing:
    async def fetch_value(self, *_arguments: object) -> bytes:
        raise asyncpg.InvalidTextRepresentationError("no such value")


def page(cursor: str | None, principal: Principal):
    return ListModel("things").page(
        cast("Database", Refusing()), principal, sort="name", limit=2, cursor=cursor, filters={}
    )


@pytest.mark.asyncio
async def test_a_value_that_the_database_refuses_is_blamed_on_the_cursor_when_there_is_one() -> None:
    row = "00000000-0000-0000-0000-000000000000"
    with pytest.raises(CursorError):
        await page(encode_cursor("things:name", "x", row), caller())
    with pytest.raises(asyncpg.InvalidTextRepresentationError):
        await page(None, caller())


@pytest.mark.asyncio
async def test_a_caller_without_an_organisation_reads_nothing() -> None:
    with pytest.raises(OrgRequiredError):
        await page(None, Principal(PrincipalKind.SERVICE))
