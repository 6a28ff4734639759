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
from bench.crashes.lanes import LaneEndedError, Lanes
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
    watch = _Watch(figures, len(left))
    lanes = Lanes(campaign.lanes, folder)
    signal.signal(signal.SIGTERM, _stop)
    with campaign_servers(folder, mariadb="mariadb" in kinds, postgres=campaign.database) as servers:
        try:
            lanes.play(servers, batches(left), watch.told)
        except KeyboardInterrupt:
            _say("stopped; the same command goes on")
        except LaneEndedError as error:
            _say(f"{error}; the same command goes on")
        finally:
            lanes.close()
    if watch.wrong:
        _say(f"logs are in {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return figures.as_json(watch.seconds)


class _Watch:
    """Writes outcomes down, and says how far it is."""

    def __init__(self, figures: Figures, cases: int) -> None:
        self._figures, self._cases = figures, cases
        self._began = time.monotonic()
        self._played = self._crashes = self.wrong = 0

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def told(self, outcome: Outcome) -> None:
        self._played += 1
        self._crashes += outcome.crashes
        self._figures.add(outcome, self.seconds)
        if outcome.problems:
            self.wrong += 1
            case = outcome.case
            _say(f"WRONG {case.point} {case.kind} {case.seed} ({outcome.settled}): {outcome.problems[:2]}")
        if self._played % _TOLD_EVERY == 0:
            rest = self.seconds / self._played * (self._cases - self._played)
            _say(
                f"{self._played} of {self._cases} played, {self._crashes} crashes, {self.wrong} wrong;"
                f" {self.seconds:.0f} s, about {rest:.0f} s left"
            )


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
