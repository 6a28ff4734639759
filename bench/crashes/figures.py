"""The campaign's figures, written as it goes: by point the crashes, how they ended, the worst time, and every seed."""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench.crashes.plan import POINTS
from bench.crashes.scene import Case, Outcome

__all__ = ["Figures"]

_SHOWN: Final = 6


class Figures:
    """``file`` is read when it holds a campaign that was cut short, and goes on from there."""

    def __init__(self, file: Path, planned: Sequence[Case], *, afresh: bool = False) -> None:
        self._file = file
        self._planned = [_name(case) for case in planned]
        self._played: dict[str, dict[str, Any]] = {}
        self._before = 0.0
        if file.exists() and not afresh:
            known = json.loads(file.read_text(encoding="utf-8"))
            if not known.get("whole") and known.get("planned") == len(self._planned):
                self._played = known["played"]
                self._before = known["seconds"]

    def left(self, planned: Sequence[Case]) -> list[Case]:
        """Return the cases that are not played yet."""
        return [case for case in planned if _name(case) not in self._played]

    def add(self, outcome: Outcome, seconds: float) -> None:
        """Take an outcome in, and write everything down; ``seconds`` is how long this run has taken."""
        self._played[_name(outcome.case)] = {
            "crashes": outcome.crashes,
            "seconds": round(outcome.seconds, 2),
            **({"settled": outcome.settled} if outcome.settled else {}),
            **({"problems": outcome.problems[:_SHOWN]} if outcome.problems else {}),
        }
        self._write(seconds)

    def as_json(self, seconds: float) -> dict[str, Any]:
        wrong = [name for name, one in self._played.items() if "problems" in one]
        missed = [name for name, one in self._played.items() if not one["crashes"]]
        return {
            "planned": len(self._planned),
            "whole": len(self._played) == len(self._planned),
            "cases": len(self._played),
            "crashes": sum(one["crashes"] for one in self._played.values()),
            "wrong": wrong,
            "not_hit": missed,
            "seconds": round(self._before + seconds, 1),
            "points": dict(self._points()),
            "played": self._played,
        }

    def _points(self) -> Iterator[tuple[str, dict[str, Any]]]:
        by_point: dict[str, list[dict[str, Any]]] = {}
        for name, one in self._played.items():
            by_point.setdefault(name.partition(" ")[0], []).append(one)
        for name, ones in sorted(by_point.items()):
            times = [one["seconds"] for one in ones]
            yield (
                name,
                {
                    "says": POINTS[name].says
                    if name in POINTS
                    else "killed from outside at a moment of its seed",
                    "crashes": sum(one["crashes"] for one in ones),
                    "wrong": sum("problems" in one for one in ones),
                    "median_seconds": round(median(times), 2),
                    "worst_seconds": max(times),
                },
            )

    def _write(self, seconds: float) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        beside = self._file.with_suffix(".new")
        beside.write_text(json.dumps(self.as_json(seconds), indent=1) + "\n", encoding="utf-8")
        os.replace(beside, self._file)  # noqa: PTH105 - atomic, and said so


def _name(case: Case) -> str:
    return f"{case.point} {case.kind} {case.seed}"
