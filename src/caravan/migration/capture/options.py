"""How the changes of a source are followed, as its owner decides."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Literal, TypeAlias

__all__ = ["DEFAULTS", "CaptureOptions", "Mechanism"]

Mechanism: TypeAlias = Literal["auto", "slot", "binlog", "outbox", "change-stream", "watermark"]
"""``auto`` is the log of the store itself: the slot of PostgreSQL, the binlog, the change stream; for SQLite the outbox."""


@dataclass(frozen=True, slots=True)
class CaptureOptions:
    """``name`` is that of the slot, the publication and the trigger functions: one for each capture of a source.

    ``keys``: per collection the columns that the key of a change tells, where the table's own are not enough: a child's row names its
    parent, also when it is deleted; a slot needs ``REPLICA IDENTITY FULL`` for that.
    ``columns``: per collection the columns that a mapping needs; the capture stops where one vanishes (a collection that is not
    named: where any column vanishes). ``identity``: what is done with PostgreSQL tables whose log lines would not tell the key:
    refused, or given ``REPLICA IDENTITY FULL``. ``schema_changes``: whether DDL on a table captured from a binlog stops the
    capture. ``cascades``: whether tables are captured whose rows MariaDB changes by foreign keys without logging it.
    ``server_id`` of the binlog's reader, 0: one is chosen. ``watermarks``: per collection the column that grows;
    ``overlap``: how long after its own watermark a row may be committed. ``batch``: changes asked for at once.
    """

    name: str = "caravan"
    mechanism: Mechanism = "auto"
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    columns: Mapping[str, frozenset[str]] = field(default_factory=dict)
    identity: Literal["refuse", "full"] = "refuse"
    schema_changes: Literal["stop", "accept"] = "stop"
    cascades: Literal["refuse", "accept"] = "refuse"
    server_id: int = 0
    watermarks: Mapping[str, str] = field(default_factory=dict)
    overlap: timedelta = timedelta(minutes=1)
    batch: int = 5_000


DEFAULTS: Final = CaptureOptions()
