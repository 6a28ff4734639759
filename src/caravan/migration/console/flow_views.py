"""Flows of a migration as its data page shows them: how far each is, who carries it, what went wrong and what to do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import psycopg

from caravan.core.errors import find
from caravan.migration.sync.flow_rows import Flow, flows_of
from caravan.migration.sync.flows import Lag
from caravan.migration.units import Scope

__all__ = ["FlowView", "ForeignWriteView", "flow_views"]

SILENT_AFTER: Final = 15.0
"""Seconds. A process that carries a flow beats several times a second."""

_SHOWN: Final = 10
_FOREIGN: Final = """
SELECT collection, kind, key, committed_at FROM engine.foreign_writes
WHERE org_id = %(org)s AND migration = %(migration)s AND source = %(source)s AND direction = %(direction)s
ORDER BY number DESC, step DESC LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class ForeignWriteView:
    """A write on the passive side that nobody of ours made; ``key`` is JSON."""

    collection: str
    kind: str
    key: str
    committed_at: datetime


@dataclass(frozen=True, slots=True)
class FlowView:
    """``age`` is seconds since its process was heard of; ``foreign`` are the last foreign writes, of which it counts all."""

    flow: Flow
    lag: Lag
    age: float
    foreign: Sequence[ForeignWriteView]

    @property
    def silent(self) -> bool:
        """Whether it says that it runs, and nobody has been heard of for a while."""
        return self.flow.state == "running" and self.age > SILENT_AFTER

    @property
    def state(self) -> str:
        """What it does, in a word."""
        if self.silent:
            return "silent"
        return (
            "holds" if self.flow.state == "running" and self.flow.stop_number is not None else self.flow.state
        )

    @property
    def fix(self) -> str:
        """What to do about the error that it ended with."""
        known = find(self.flow.error_code) if self.flow.error_code else None
        return known.fix if known else ""


def flow_views(connection: psycopg.Connection, scope: Scope, now: datetime) -> list[FlowView]:
    """Return every flow of the migration, by source and direction."""
    return [
        FlowView(
            flow,
            flow.lag(now),
            max(0.0, (now - flow.heartbeat_at).total_seconds()),
            list(_foreign(connection, scope, flow)) if flow.foreign_writes else (),
        )
        for flow in flows_of(connection, scope.parameters)
    ]


def _foreign(connection: psycopg.Connection, scope: Scope, flow: Flow) -> Iterator[ForeignWriteView]:
    named = {**scope.parameters, "source": flow.source, "direction": flow.direction, "most": _SHOWN}
    for row in connection.execute(_FOREIGN.encode(), named):
        yield ForeignWriteView(*row)
