"""The figures as the tables of bench/README.md: ``python -m bench.crashes.table FIGURES``."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.crashes.plan import POINTS
from bench.crashes.scene import RANDOM

__all__ = ["lines"]


def lines(figures: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of both tables: a row per point, and for cutovers a row per step with its three points together."""
    points: Mapping[str, Mapping[str, Any]] = figures["points"]
    plain = [name for name in [*POINTS, *_random(points)] if name in points and not _is_step(name)]
    yield "| point | the process dies when | crashes | wrong | worst, s |"
    yield "|---|---|---|---|---|"
    for name in plain:
        one = points[name]
        yield f"| `{name}` | {one['says']} | {one['crashes']} | {one['wrong']} | {one['worst_seconds']:.1f} |"
    yield ""
    yield "| step of a cutover, said · done · noted | crashes | wrong | worst, s |"
    yield "|---|---|---|---|"
    steps: dict[str, list[Mapping[str, Any]]] = {}
    for name in POINTS:
        if _is_step(name) and name in points:
            steps.setdefault(name.rpartition(".")[0], []).append(points[name])
    for name, found in steps.items():
        crashes, wrong = (sum(one[figure] for one in found) for figure in ("crashes", "wrong"))
        yield f"| `{name}` | {crashes} | {wrong} | {max(one['worst_seconds'] for one in found):.1f} |"


def _is_step(name: str) -> bool:
    return name.endswith((".intent", ".effect", ".done"))


def _random(points: Mapping[str, Any]) -> list[str]:
    return sorted(name for name in points if name.endswith(f".{RANDOM}"))


if __name__ == "__main__":
    print("\n".join(lines(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))))
