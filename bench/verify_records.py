"""Records of a dump verified through their mapping, against the rate at which the same dump was loaded."""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from bench.load import MIGRATION, source_of
from caravan.core.database.connection import DatabaseAddress
from caravan.core.embedded.servers import embedded_servers

__all__ = ["BAR", "records_against_load"]

BAR: Final = 0.5
_ORDERS: Final = 20_000


def records_against_load(arguments: argparse.Namespace, home: Path) -> dict[str, Any]:
    """Return both rates in records per second, their ratio, and what the verification said."""
    wanted = argparse.Namespace(source=arguments.source, scale=min(arguments.scale or _ORDERS, _ORDERS))
    source = source_of(wanted, home)
    file = home / "migration.toml"
    text = MIGRATION.read_text(encoding="utf-8")
    file.write_text(text.replace('path = "dump"', f"path = {json.dumps(str(source))}"), encoding="utf-8")
    with embedded_servers(home / "records", want_postgres=True, want_valkey=False) as servers:
        assert servers.postgres is not None
        environment = {
            **os.environ,
            "DATABASE_URL": DatabaseAddress.parse(servers.postgres.dsn()).url,
            "CARAVAN_HOME": str(home / "records"),
        }
        _run(["db", "migrate"], environment)
        load_seconds, loaded = _run(["load", str(file), "--json"], environment)
        seconds, verified = _run(["verify", "records", str(file), "--json"], environment)
    records = sum(item["read"] for item in loaded["data_sets"].values())
    return {
        "records": records,
        "load_rate": round(records / load_seconds, 1),
        "verify_rate": round(records / seconds, 1),
        "ratio": round(load_seconds / seconds, 3),
        "bar": BAR,
        "verdict": verified["verdict"],
    }


def _run(arguments: Sequence[str], environment: dict[str, str]) -> tuple[float, dict[str, Any]]:
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "caravan.entry.cli", *arguments],
        env=environment, check=False, capture_output=True, text=True,
    )  # fmt: skip
    seconds = time.perf_counter() - began
    try:
        return seconds, json.loads(done.stdout) if "--json" in arguments else {}
    except ValueError:
        raise RuntimeError(f"{arguments}: {done.stderr[-2000:]}") from None
