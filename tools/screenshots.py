"""``python -m tools.screenshots``: starts Caravan in an empty folder, logs in and takes the pictures of the docs."""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import psycopg
from playwright.sync_api import Page, sync_playwright

from caravan.core.database import DatabaseAddress, Role
from caravan.core.settings import Settings
from caravan.entry.addresses import opened_servers
from tests.fixtures.migration_data import DIFFERENCE, fill_migration, migration_file
from tests.fixtures.operators_console import served_operators_console

__all__ = ["main"]

ROOT: Final = Path(__file__).parent.parent
IMAGES: Final = ROOT / "docs" / "images"
PORT: Final = 8347
URL: Final = f"http://127.0.0.1:{PORT}"
PASSWORD: Final = "a password for pictures"  # noqa: S105 - of an installation that lives for a minute
_PATIENCE: Final = 180.0
_PAGES: Final = {
    "console": "overview",
    "orders": "orders",
    "quarantine": "quarantine",
    "migration": "migrations/shop",
    "difference": f"migrations/shop/differences/{DIFFERENCE}",
}
_OPERATORS: Final = "operators"
"""The log-in of a console that `caravan run` serves."""
_LONG: Final = {"migration"}
"""Pages whose picture is longer than a window."""


def main() -> None:
    """Write the pictures named on the command line, all of them without a name."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        log = Path(home) / "up.log"
        command = [sys.executable, "-m", "caravan.entry.cli", "up", "--port", str(PORT)]
        with log.open("wb") as output:
            up = subprocess.Popen(  # noqa: S603 - our own command line
                command,
                cwd=ROOT,
                env={**os.environ, "CARAVAN_HOME": f"{home}/caravan"},
                stdout=output,
                stderr=output,
            )
        try:
            password, email = _printed(log, "password"), _printed(log, "e-mail")
            _begin_a_migration(Path(home) / "caravan")
            names = sys.argv[1:] or [*_PAGES, _OPERATORS]
            _picture(password, email, [name for name in names if name in _PAGES])
            if _OPERATORS in names:
                _picture_of_log_in(Path(home) / "caravan")
        finally:
            up.terminate()
            up.wait()


def _printed(log: Path, what: str) -> str:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        found = re.search(rf"{what}\s+(\S+)", log.read_text(encoding="utf-8", errors="replace"))
        if found:
            return found[1]
        time.sleep(0.2)
    raise TimeoutError(f"{what} was not printed within {_PATIENCE:g} s")


def _begin_a_migration(home: Path) -> None:
    """Put a made-up migration with traffic beside what `caravan up` has loaded."""
    with opened_servers(Settings(home=home, database_url=None), redis=False) as addresses:
        address: DatabaseAddress = addresses.database
        with psycopg.connect(address.libpq(Role.SYSTEM, application="pictures")) as connection:
            row = connection.execute("SELECT org_id FROM engine.load_runs LIMIT 1").fetchone()
        assert row is not None, "nothing was loaded"  # noqa: S101 - a tool, not the product
        fill_migration(address, row[0], migration_file())


def _picture(password: str, email: str, names: list[str]) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium")
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        _log_in(page, email, password)
        for name in names:
            page.goto(f"{URL}/console/{_PAGES[name]}")
            page.screenshot(path=str(IMAGES / f"{name}.png"), full_page=name in _LONG)
            print(f"docs/images/{name}.png")
        browser.close()


def _picture_of_log_in(home: Path) -> None:
    """Take the picture of the page at which operators of a migration file log in."""
    with (
        opened_servers(Settings(home=home, database_url=None), redis=False) as addresses,
        tempfile.TemporaryDirectory() as folder,
        served_operators_console(addresses.database, Path(folder), "http://127.0.0.1:9") as url,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium")
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.goto(f"{url}/console/login")
        page.get_by_label("Operator").fill("mira")
        page.screenshot(path=str(IMAGES / f"{_OPERATORS}.png"))
        print(f"docs/images/{_OPERATORS}.png")
        browser.close()


def _log_in(page: Page, email: str, password: str) -> None:
    page.goto(f"{URL}/console/login")
    page.get_by_label("E-mail or user name").fill(email)
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/console/overview"))


if __name__ == "__main__":
    main()
