"""The runners of a migration's flows, from its file: one per source and direction."""

import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

from caravan.core.database.connection import DatabaseAddress
from caravan.migration.capture.changes import ChangeSource
from caravan.migration.capture.options import DEFAULTS, CaptureOptions
from caravan.migration.config import MigrationConfig
from caravan.migration.load.planning import Plan, PlannedDataSet
from caravan.migration.load.readers import RecordFormat
from caravan.migration.sync.captures import (
    Capture,
    capture_of_source,
    capture_of_target,
    followed_sources,
    options_of,
)
from caravan.migration.sync.flow_rows import FlowKey
from caravan.migration.sync.flows import Direction
from caravan.migration.sync.forward import ForwardSink
from caravan.migration.sync.holding import open_connection
from caravan.migration.sync.legacy.opening import open_writer
from caravan.migration.sync.party import FlowParty
from caravan.migration.sync.reverse import ReverseSink
from caravan.migration.sync.running import FlowOptions, FlowRunner
from caravan.migration.sync.sinks import Sink

__all__ = ["FlowSetting", "flow_settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowSetting:
    """One flow with everything to run it, or to ask something of whoever runs it."""

    key: FlowKey
    database: DatabaseAddress
    plan: Plan
    own: tuple[PlannedDataSet, ...]
    capture: Capture
    written: CaptureOptions = field(default=DEFAULTS)
    """How the changes of the store that is written to are captured, so that they know our marks."""
    key_path: Path

    @property
    def party(self) -> FlowParty:
        """What a cutover, or a command, asks of the flow."""
        return FlowParty(self.database, self.key, self.capture)

    def runner(self, stop: threading.Event, options: FlowOptions | None = None) -> FlowRunner:
        """Return what carries the flow until ``stop``."""
        return FlowRunner(self.key, self._open_source, self._open_sink(), stop=stop, options=options)

    def _open_source(self) -> ChangeSource:
        return self.capture.open()

    def _open_sink(self) -> Callable[[], Sink]:
        return self._forward if self.key.direction == "forward" else self._reverse

    def _forward(self) -> Sink:
        record_format: RecordFormat = "bson" if self.capture.kind == "mongodb" else "row"
        connection = open_connection(self.database)
        try:
            return ForwardSink(
                connection, self.key, self.plan, self.own, record_format, key_path=self.key_path
            )
        except BaseException:
            connection.close()
            raise

    def _reverse(self) -> Sink:
        first = self.own[0]
        with ExitStack() as opened:
            writer = opened.enter_context(
                closing(open_writer(first.kind, first.place, first.rules, self.written))
            )
            connection = opened.enter_context(closing(open_connection(self.database)))
            snapshots = opened.enter_context(closing(open_connection(self.database)))
            sink = ReverseSink(connection, snapshots, self.key, self.own, writer, key_path=self.key_path)
            opened.pop_all()  # they are the sink's from here on
        return sink


def flow_settings(
    config: MigrationConfig,
    plan: Plan,
    database: DatabaseAddress,
    direction: Direction,
    *,
    home: Path,
) -> Mapping[str, FlowSetting]:
    """Return the flows of one direction by the name of the legacy source, captured as the file says.

    Raises:
        NothingToFollowError: no source tells its changes.
    """
    found: dict[str, FlowSetting] = {}
    for source, own in followed_sources(config, plan).items():
        legacy = capture_of_source(plan.migration, own, options_of(config, source))
        found[source] = FlowSetting(
            key=FlowKey(plan.org_id, plan.migration, source, direction),
            database=database,
            plan=plan,
            own=own,
            capture=legacy
            if direction == "forward"
            else capture_of_target(plan.migration, source, database, own),
            written=legacy.options,
            key_path=home / "keys" / "quarantine.key",
        )
    return found
