"""A served console with a migration whose unit is in a canary, and a real browser that notes everything that goes wrong."""

import asyncio
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, sync_playwright

from caravan.core.database import DatabaseAddress
from caravan.migration.console import MIGRATION_FILES
from caravan.migration.units import NoGateways
from tests.e2e.console.conftest import PATIENCE_MS, Site, Visit
from tests.fixtures.answering_side import answering_side
from tests.fixtures.console import add_person, running_console
from tests.fixtures.migration_data import fill_migration, migration_file

_PATIENCE = 60


class _Served:
    """The console in a thread of its own, on a free port."""

    def __init__(self, address: DatabaseAddress, home: Path, side: str) -> None:
        self._address, self._home, self._side = address, home, side
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.site = Site(f"http://127.0.0.1:{self._listener.getsockname()[1]}")
        self.server: uvicorn.Server | None = None
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - told in the test's own thread
            self.failure = error

    async def _serve(self) -> None:
        async with running_console(self._address, self._home, public_url=self.site.url) as console:
            await add_person(console, "owner@example.com")
            config = migration_file(self._side, self._side)
            await asyncio.to_thread(fill_migration, self._address, console.org, config)
            console.state.services[MIGRATION_FILES] = {(console.org, "shop"): config}
            console.state.services["migration_publishers"] = lambda *_: NoGateways()
            config_of_server = uvicorn.Config(
                console.served, log_config=None, lifespan="off", timeout_graceful_shutdown=1
            )
            self.server = uvicorn.Server(config_of_server)
            await self.server.serve(sockets=[self._listener])


@pytest.fixture(scope="module")
def site(module_database: DatabaseAddress, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with answering_side() as side:
        served = _Served(module_database, tmp_path_factory.mktemp("pages"), side)
        thread = threading.Thread(target=served.run, name="pages")
        thread.start()
        until = time.monotonic() + _PATIENCE
        while not (served.server and served.server.started):
            if not thread.is_alive():
                raise RuntimeError("the console did not start") from served.failure
            assert time.monotonic() < until, "the console did not start in time"
            time.sleep(0.02)
        yield served.site
        served.server.should_exit = True
        thread.join(timeout=60)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--disable-dev-shm-usage", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Browser, site: Site, tmp_path: Path) -> Iterator[Visit]:
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE_MS)
    visit = Visit(context, site, tmp_path)
    yield visit
    context.close()
    assert visit.complaints == []


@pytest.fixture
def phone(chromium: Browser, site: Site, tmp_path: Path) -> Iterator[Visit]:
    context = chromium.new_context(viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True)
    context.set_default_timeout(PATIENCE_MS)
    visit = Visit(context, site, tmp_path)
    yield visit
    context.close()
    assert visit.complaints == []
