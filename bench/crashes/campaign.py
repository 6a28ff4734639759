"""The whole campaign: lanes, servers, cases, figures; it may be stopped at any time and goes on where it was."""

import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final

from bench.crashes.figures import Figures
from bench.crashes.lanes import Lanes
from bench.crashes.plan import KINDS, SCENES, batches, planned
from bench.crashes.points import owner_of
from bench.crashes.scene import Case, Outcome
from bench.crashes.servers import campaign_servers, has_mariadb
from bench.crashes.stores import Kind

__all__ = ["Campaign", "force"]

_TOLD_EVERY: Final = 25


@dataclass(frozen=True, slots=True)
class Campaign:
    """What is wanted. ``only`` are points to play again, with this seed and on each of ``kinds``."""

    kills: int = 5
    every: int = 1
    lanes: int = 2
    kinds: tuple[Kind, ...] = KINDS
    areas: tuple[str, ...] = tuple(SCENES)
    figures: Path | None = None
    afresh: bool = False
    database: str | None = None
    only: tuple[str, ...] = ()
    seed: int = 0

    def cases(self, kinds: tuple[Kind, ...]) -> list[Case]:
        if self.only:
            return [Case(point, kind, self.seed) for point in self.only for kind in kinds]
        return planned(self.kills, kinds, self.areas, self.every)


def force(campaign: Campaign) -> dict[str, Any]:
    """Force the crashes and return the figures; where ``mariadbd`` is missing, the other stores take its share."""
    for scene in SCENES.values():
        for point in scene.points:
            owner_of(point)  # better now than after half an hour
    kinds = tuple(kind for kind in campaign.kinds if kind != "mariadb" or has_mariadb())
    if kinds != campaign.kinds:
        _say("left out: MariaDB, for mariadbd is not on PATH (apt-get install mariadb-server)")
    cases = campaign.cases(kinds)
    folder = Path(tempfile.mkdtemp(prefix="crash"))  # short: sockets have to fit below it
    figures = Figures(campaign.figures or folder / "figures.json", cases, afresh=campaign.afresh)
    left = figures.left(cases)
    began = time.monotonic()
    lanes = Lanes(campaign.lanes, folder)
    signal.signal(signal.SIGTERM, _stop)
    played = wrong = crashes = 0

    def told(outcome: Outcome) -> None:
        nonlocal played, wrong, crashes
        played, crashes, wrong = played + 1, crashes + outcome.crashes, wrong + bool(outcome.problems)
        figures.add(outcome, time.monotonic() - began)
        if outcome.problems:
            case = outcome.case
            _say(f"WRONG {case.point} {case.kind} {case.seed} ({outcome.settled}): {outcome.problems[:2]}")
        if played % _TOLD_EVERY == 0:
            took = time.monotonic() - began
            rest = took / played * (len(left) - played)
            _say(
                f"{played} of {len(left)} played, {crashes} crashes, {wrong} wrong; {took:.0f} s, about {rest:.0f} s left"
            )

    try:
        with campaign_servers(folder, mariadb="mariadb" in kinds, postgres=campaign.database) as servers:
            try:
                lanes.play(servers, batches(left), told)
            except KeyboardInterrupt:
                _say("stopped; the same command goes on")
            finally:
                lanes.close()
    finally:
        if not wrong:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            _say(f"logs are in {folder}")
    return figures.as_json(time.monotonic() - began)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
