"""A served console with data, and a real browser that notes everything that goes wrong in a page."""

import asyncio
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from caravan.core.database import DatabaseAddress
from tests.fixtures.console import PASSWORD, add_person, running_console
from tests.fixtures.console_data import fill
from tests.fixtures.mail import mailed_link

PATIENCE_MS = 30_000
"""How long a page may take to come to what is expected of it."""

expect.set_options(timeout=PATIENCE_MS)


@dataclass
class Site:
    """``ids`` names rows of the data; people are ``owner``, ``auditor``, ``worker``, ``forgetful``, all with one password."""

    url: str
    ids: dict[str, UUID] = field(default_factory=dict)
    signed_in: dict[str, list[Any]] = field(default_factory=dict)
    """Cookies of people who have logged in, so that not every test has to."""
    mailed_link: Callable[[str], str | None] = lambda _: None
    """Do the worker's part, and return the link of the newest message to an address."""


class _Server:
    """The application in a thread of its own, on a free port."""

    def __init__(self, address: DatabaseAddress, home: Path) -> None:
        self._address, self._home = address, home
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.site = Site(f"http://127.0.0.1:{self._listener.getsockname()[1]}")
        self._server: uvicorn.Server | None = None
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="console")

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - told in the test's own thread
            self._failure = error
        finally:
            self._listener.close()

    async def _serve(self) -> None:
        async with running_console(self._address, self._home, public_url=self.site.url) as console:
            for email, role in (
                ("owner@example.com", "org-owner"),
                ("auditor@example.com", "org-staff"),
            ):
                await add_person(console, email, role)
            await add_person(console, "worker@example.com", "client-staff")
            await add_person(console, "rtl@example.com", locale="ar")
            await add_person(console, "forgetful@example.com")
            self.site.ids.update(await fill(console))
            loop = asyncio.get_running_loop()
            self.site.mailed_link = lambda to: asyncio.run_coroutine_threadsafe(
                mailed_link(console, to), loop
            ).result(timeout=30)
            config = uvicorn.Config(
                console.served, log_config=None, lifespan="off", timeout_graceful_shutdown=1
            )
            self._server = uvicorn.Server(config)
            await self._server.serve(sockets=[self._listener])

    def __enter__(self) -> Site:
        self._thread.start()
        until = time.monotonic() + 60
        while not (self._server and self._server.started):
            if not self._thread.is_alive():
                raise RuntimeError("the console did not start") from self._failure
            assert time.monotonic() < until, "the console did not start in time"
            time.sleep(0.02)
        return self.site

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.should_exit = True
        self._thread.join(timeout=60)


@pytest.fixture(scope="module")
def site(module_database: DatabaseAddress, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with _Server(module_database, tmp_path_factory.mktemp("console")) as served:
        yield served


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    # Not longer than a module: while Playwright is open its loop counts as running, and asyncio tests could not start.
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--disable-dev-shm-usage", "--disable-gpu"]
        )
        yield browser
        browser.close()


class Visit:
    """One browser profile. What a page complains of fails the test at its end."""

    def __init__(self, context: BrowserContext, site: Site, pictures: Path) -> None:
        self.context, self.site, self._pictures = context, site, pictures
        self.complaints: list[str] = []
        self.page = self.tab()

    def tab(self) -> Page:
        page = self.context.new_page()
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        page.on("request", self._local_only)
        return page

    def open(self, path: str) -> Page:
        self.page.goto(self.site.url + path)
        return self.page

    def log_in(self, name: str = "owner", path: str = "/console") -> Page:
        page = self.open(path)
        page.get_by_label("E-mail or user name").fill(f"{name}@example.com")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(lambda url: "/login" not in url)
        return page

    def enter(self, name: str = "owner") -> Page:
        """Be logged in, by a log-in of an earlier test where there was one."""
        if name in self.site.signed_in:
            self.context.add_cookies(self.site.signed_in[name])
            return self.page
        page = self.log_in(name)
        self.site.signed_in[name] = self.context.cookies()
        return page

    def picture(self, name: str) -> None:
        self.page.screenshot(path=self._pictures / f"{name}.png", full_page=True)

    def overflows(self) -> list[str]:
        """What sticks out of the window sideways."""
        found: list[str] = self.page.evaluate(
            """() => {
              const wide = document.documentElement.clientWidth;
              if (document.documentElement.scrollWidth <= wide) return [];
              return [...document.querySelectorAll("body *")]
                .filter((one) => one.getBoundingClientRect().right > wide + 1)
                .map((one) => one.tagName + "." + one.className);
            }"""
        )
        return found

    def overlaps(self) -> list[str]:
        """Controls that lie over another one."""
        found: list[str] = self.page.evaluate(
            """() => {
              const boxes = [...document.querySelectorAll("input:not([type=hidden]), select, button, a.button")]
                .map((one) => [one.id || one.textContent.trim(), one.getBoundingClientRect()]);
              return boxes.flatMap(([name, a], index) => boxes.slice(index + 1)
                .filter(([, b]) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1)
                .map(([other]) => `${name} over ${other}`));
            }"""
        )
        return found

    def _note(self, kind: str, text: str) -> None:
        expected = (
            "Failed to load resource: the server responded with a status of"  # pages of errors are wanted
        )
        if kind in {"error", "warning"} and not text.startswith(expected):
            self.complaints.append(f"{kind}: {text}")

    def _local_only(self, request: object) -> None:
        url: str = request.url  # type: ignore[attr-defined]  # playwright's Request
        if not url.startswith(self.site.url):
            self.complaints.append(f"asked for {url}")


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pictures")


def _visit(chromium: Browser, site: Site, pictures: Path, **options: object) -> Iterator[Visit]:
    context = chromium.new_context(**options)  # type: ignore[arg-type]  # a few of its many options
    context.set_default_timeout(PATIENCE_MS)
    visit = Visit(context, site, pictures)
    yield visit
    context.close()
    assert visit.complaints == []


@pytest.fixture
def visit(chromium: Browser, site: Site, pictures: Path) -> Iterator[Visit]:
    yield from _visit(chromium, site, pictures, viewport={"width": 1280, "height": 800})


@pytest.fixture
def phone(chromium: Browser, site: Site, pictures: Path) -> Iterator[Visit]:
    yield from _visit(
        chromium, site, pictures, viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True
    )


@pytest.fixture
def dark(chromium: Browser, site: Site, pictures: Path) -> Iterator[Visit]:
    yield from _visit(chromium, site, pictures, viewport={"width": 1280, "height": 800}, color_scheme="dark")


@pytest.fixture
def scriptless(chromium: Browser, site: Site, pictures: Path) -> Iterator[Visit]:
    yield from _visit(chromium, site, pictures, java_script_enabled=False)
