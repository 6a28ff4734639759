"""Show the data half of Caravan with real servers on this machine: load, follow, verify, switch, and the way back.

    python scripts/demo_data.py

Prints each promise with its figure; exit code 0 when all were kept, else 1. Nothing is left running. With STAY=1 it stays up, with its
console, until Ctrl-C. DATABASE_URL names a PostgreSQL to use (wal_level = logical); without one an embedded server is started.
"""

import os
import shutil
import signal
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import psutil

from caravan.core.database import DatabaseAddress
from caravan.core.database.migrate import migrate
from caravan.core.embedded.servers import embedded_servers
from caravan.core.errors import CaravanError
from scripts.demo.mariadb import is_there
from scripts.demo.market import show_market
from scripts.demo.promises import Promises
from scripts.drill.record import DrillError
from scripts.drill.sides import Limit, left_over

_LONGEST = 480.0


def main() -> int:
    signal.signal(signal.SIGTERM, _interrupted)
    promises = Promises(lambda line: print(line, flush=True))
    if not is_there():
        print(
            "left out: the pair MariaDB → PostgreSQL needs mariadbd on PATH (apt-get install mariadb-server)"
        )
        return 1 if os.environ.get("CARAVAN_REQUIRE_ALL") else 0
    home = Path(tempfile.mkdtemp(prefix="demo"))  # short: sockets have to fit below it
    began = time.monotonic()
    try:
        _show(home, Limit(_LONGEST - 10), promises.of("mariadb"))
    except (DrillError, CaravanError) as error:
        promises.told("the demonstration comes to its end", str(error), holds=False)
    except KeyboardInterrupt:
        if os.environ.get("STAY") != "1":
            promises.told("the demonstration comes to its end", "interrupted", holds=False)
    finally:
        took = time.monotonic() - began
        left = left_over(home)
        for process in left:
            with suppress(psutil.Error):
                process.kill()
        if promises.passed:
            shutil.rmtree(home, ignore_errors=True)
        else:
            print(f"logs are in {home}", flush=True)
    promises.told("nothing is left running", f"{len(left)} processes", holds=not left)
    promises.told(
        "within 8 minutes", f"{took:.0f} s", holds=took <= _LONGEST or os.environ.get("STAY") == "1"
    )
    print(f"\n{len(promises.kept)} promises kept, {len(promises.broken)} broken")
    return 0 if promises.passed else 1


def _show(home: Path, limit: Limit, promises: Promises) -> None:
    with ExitStack() as stack:
        if url := os.environ.get("DATABASE_URL"):
            database = DatabaseAddress.parse(url)
        else:
            servers = stack.enter_context(
                embedded_servers(home / "servers", want_postgres=True, want_valkey=False)
            )
            assert servers.postgres is not None  # noqa: S101 - it was wanted
            database = DatabaseAddress.parse(servers.postgres.dsn())
        migrate(database)
        if os.environ.get("STAY") == "1":
            promises.stay = _stay
        show_market(home / "market", database, limit, promises)


def _stay(console: str, port: int) -> None:
    print(f"\nit stays up; Ctrl-C ends it\n  gateway http://127.0.0.1:{port}\n  {console}", flush=True)
    while True:
        signal.pause()


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
