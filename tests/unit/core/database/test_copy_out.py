"""A copy's connection never stays, however it ends."""

from typing import cast

import asyncpg
import pytest

from caravan.core.database import Database
from caravan.core.database.copy_out import copy_csv
from caravan.core.ids import uuid7


class Lost:
    """A connection whose server went away."""

    def __init__(self) -> None:
        self.terminated = False

    def transaction(self, **_options: object) -> object:
        raise ConnectionResetError("gone")

    async def close(self, **_options: object) -> None:
        raise TimeoutError

    def terminate(self) -> None:
        self.terminated = True


@pytest.mark.asyncio
async def test_a_connection_that_does_not_part_is_cut() -> None:
    lost = Lost()

    class Nearby:
        async def connect(self, **_options: object) -> asyncpg.Connection:
            return cast("asyncpg.Connection", lost)

    async def sink(_chunk: bytes) -> None:
        pytest.fail("nothing is copied")

    with pytest.raises(ConnectionResetError):
        await copy_csv(cast("Database", Nearby()), uuid7(), "SELECT 1", sink=sink)
    assert lost.terminated
