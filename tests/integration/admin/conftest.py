"""The console over a database of the module's own, and people who use it."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from caravan.core.database import DatabaseAddress
from tests.fixtures.console import Console, add_person, browser_of, running_console


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def console(
    module_database: DatabaseAddress, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Console]:
    home: Path = tmp_path_factory.mktemp("console")
    async with running_console(module_database, home) as running:
        await add_person(running, "owner@example.com")
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def browser(console: Console) -> AsyncIterator[httpx2.AsyncClient]:
    async with browser_of(console) as client:
        yield client
