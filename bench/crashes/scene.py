"""What every area of the campaign does alike: a case in, a process killed and restarted, an outcome out."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, ClassVar, Final

from bench.crashes.nursery import Ended, Nursery, Order, Work
from bench.crashes.points import Point
from bench.crashes.servers import Servers
from bench.crashes.stores import Kind, Store, make_new_tables, make_old_tables
from caravan.core.database import DatabaseAddress

__all__ = ["Case", "Outcome", "Scene", "Stage", "attempts"]

_MOST_RESTARTS: Final = 8
_MOST_TRIES: Final = 4
RANDOM: Final = "random"


@dataclass(frozen=True, slots=True)
class Case:
    """One forced crash. ``point`` is ``AREA.random`` for a kill from outside at a moment that the seed says."""

    point: str
    kind: Kind
    seed: int

    @property
    def area(self) -> str:
        return self.point.partition(".")[0]

    @property
    def is_random(self) -> bool:
        return self.point.endswith(f".{RANDOM}")


@dataclass(slots=True)
class Outcome:
    """``crashes`` that hit; ``seconds`` from the restart until the work was done; ``problems`` is empty when all was right.

    ``settled`` tells how the restarted process came to its end, where it tells.
    """

    case: Case
    crashes: int = 0
    seconds: float = 0.0
    settled: str = ""
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a scene is played: a lane's nursery and folder, the servers, and a database of the lane's own."""

    nursery: Nursery
    folder: Path
    servers: Servers
    lane: int


def attempts(case: Case, point: Point | None, longest: float) -> Iterator[dict[str, Any]]:
    """Yield how to die, as an order has it; the next way where one does not hit.

    At a point it is a passing by the seed, then the first one. At random it is a moment within ``longest`` seconds, then an earlier one.
    """
    chance = Random(case.seed)
    if point is None:
        after = chance.uniform(0.0, longest)
        for tried in range(_MOST_TRIES):
            yield {"after": after / 2**tried, "strike": case.seed}
        return
    passing = chance.randint(1, point.most)
    for number in dict.fromkeys((passing, 1)):
        yield {"point": point, "passing": number}


class Scene(ABC):
    """One area over one kind of old store. It is opened, plays many cases, and is closed."""

    area: ClassVar[str]
    kinds: ClassVar[Sequence[Kind]] = ("mariadb", "postgresql", "sqlite")
    points: ClassVar[Sequence[Point]]

    def __init__(self, stage: Stage, kind: Kind) -> None:
        self.stage, self.kind = stage, kind
        self.folder = stage.folder / f"{self.area}-{kind}"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.open = ExitStack()
        self.log = self.folder / "log"

    @abstractmethod
    def begin(self) -> None:
        """Make stores and data."""

    @abstractmethod
    def play(self, case: Case, point: Point | None, outcome: Outcome) -> None:
        """Play one case and tell what came of it."""

    def close(self) -> None:
        self.open.close()

    def database(self) -> DatabaseAddress:
        """Make a database of ours, with the shop's tables, for as long as the scene lasts."""
        name = f"crash_{self.stage.lane}_{self.area}_{self.kind}"
        self.stage.servers.drop(name)
        address = self.stage.servers.fresh(name)
        self.open.callback(self.stage.servers.drop, name)
        make_new_tables(address)
        return address

    def old_store(self) -> Store:
        """Make an empty old store of the scene's kind, for as long as it lasts."""
        name = f"old_{self.stage.lane}_{self.area}"
        servers = self.stage.servers
        if self.kind == "sqlite":
            path = self.folder / "old.db"
            for file in self.folder.glob("old.db*"):
                file.unlink()
            store = Store("sqlite", str(path))
        elif self.kind == "mariadb":
            server = Store("mariadb", servers.mariadb_url("mysql"))
            server.run(f"DROP DATABASE IF EXISTS {name}")
            server.run(f"CREATE DATABASE {name}")
            self.open.callback(server.run, f"DROP DATABASE {name}")
            store = Store("mariadb", servers.mariadb_url(name))
        else:
            servers.drop(name)
            servers.administer(f"CREATE DATABASE {name}")
            self.open.callback(servers.drop, name)
            store = Store("postgresql", servers.postgres.named(name).url)
        make_old_tables(store)
        return store

    def order(self, work: Work, *arguments: Any, **how: Any) -> Order:  # noqa: ANN401 - of any work
        return Order(work, arguments, self.log, **how)

    def again(self, outcome: Outcome, work: Work, *arguments: Any) -> Ended:  # noqa: ANN401 - of any work
        """Restart the work until it ends in order; how long that took is the case's time."""
        began = time.monotonic()
        ended = Ended(1, None, 0.0)
        for _ in range(_MOST_RESTARTS):
            ended = self.stage.nursery.run(self.order(work, *arguments))
            if ended.code == 0:
                break
        outcome.seconds += time.monotonic() - began
        if ended.code:
            outcome.problems.append(f"it does not come to its end: {self.last_words()}")
        return ended

    def last_words(self) -> str:
        """Return the end of what the processes have said."""
        said = self.log.read_text(errors="replace").strip().splitlines() if self.log.exists() else []
        return " | ".join(said[-3:])[-600:]
