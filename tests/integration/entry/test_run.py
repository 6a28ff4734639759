"""`caravan run` as it is run: gateway, conductor and console of one file, and an end that leaves nothing behind."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import psutil

from caravan.core.database import DatabaseAddress
from tests.fixtures.console import token_in
from tests.integration.migration.conductor.conducting import ORDERS, saying
from tests.integration.migration.gateway.running import side
from tools.free_ports import free_port

FILE = """
[migration]
name = "shop"
org = "retail"
[legacy]
base_url = "{old}"
[new]
base_url = "{new}"
[[routes]]
template = "/orders"
effect = "read"
[shadow]
sample = 1.0
"""


def test_one_command_carries_compares_records_and_shows(
    own_database: DatabaseAddress, tmp_path: Path
) -> None:
    with side(saying(ORDERS)) as old, side(saying(ORDERS)) as new:
        file, port = tmp_path / "migration.toml", free_port()
        file.write_text(FILE.format(old=old.url, new=new.url), encoding="utf-8")
        environment = {
            **os.environ,
            "DATABASE_URL": own_database.url,
            "CARAVAN_HOME": str(tmp_path / "home"),
            "CARAVAN_GATEWAY_TAP": str(tmp_path / "tap"),
            "CARAVAN_GATEWAY_ADMIN_PORT": str(free_port()),
            "CARAVAN_CONDUCTOR_ADMIN_PORT": str(free_port()),
            "CARAVAN_CONSOLE_PORT": str(free_port()),
        }
        command = [sys.executable, "-m", "caravan.entry.cli", "run", str(file), "--port", str(port)]
        with (tmp_path / "log").open("wb") as log:
            running = subprocess.Popen(
                [*command, "--record", "monday"], env=environment, stdout=subprocess.PIPE, stderr=log
            )
        try:
            assert running.stdout is not None
            line = running.stdout.readline().decode()
            told = re.search(r"console (\S+)  operator (\S+)  token (\S+) ", line)
            assert told, line
            children = psutil.Process(running.pid).children(recursive=True)
            assert {told[3]}.isdisjoint(part for one in children for part in one.cmdline()), "a secret for ps"
            asyncio.run(_walk(told, port))
        finally:
            running.send_signal(signal.SIGTERM)
            running.wait(40)
        assert [one for one in children if one.is_running()] == []
        running.stdout.close()
        assert list((tmp_path / "home" / "recordings" / "monday").iterdir())


async def _walk(told: "re.Match[str]", port: int) -> None:
    url, name, token = told[1].removesuffix("/console"), told[2], told[3]
    async with httpx2.AsyncClient(trust_env=False, timeout=20) as client:
        await _answers(client, f"{url}/console/login")
        await _answers(client, f"http://127.0.0.1:{port}/orders")
        page = await client.get(f"{url}/console/login")
        form = {"name": name, "token": token, "form_token": token_in(page)}
        done = await client.post(f"{url}/console/login", data=form)
        assert (done.status_code, done.headers["location"]) == (303, "/console")
        seen = ""
        for _ in range(200):
            await client.get(f"http://127.0.0.1:{port}/orders", headers={"X-Client": "ann"})
            seen = (await client.get(f"{url}/console/migrations/shop")).text
            if re.search(r"recorder <bdi>monday</bdi>: [1-9]", seen) and re.search(r"[1-9]\d* judged<", seen):
                return
            await asyncio.sleep(0.1)
        raise AssertionError(seen)


async def _answers(client: httpx2.AsyncClient, url: str) -> None:
    for _ in range(300):
        try:
            if (await client.get(url)).status_code == 200:
                return
        except httpx2.HTTPError:
            pass
        await asyncio.sleep(0.1)
    raise AssertionError(f"{url} does not answer")
