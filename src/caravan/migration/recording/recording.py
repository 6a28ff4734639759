"""A recording: a folder of segments that is read as a stream, and never written to by whoever reads."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Final

from caravan.core.clock import utc_now
from caravan.core.key_files import kept_secret
from caravan.migration.exchange import Exchange
from caravan.migration.recording.errors import RecordingMissing
from caravan.migration.recording.exchange_bytes import exchange_of, microseconds, moment
from caravan.migration.recording.frames import Damage, Frame, frames, items_of
from caravan.migration.recording.redaction.placeholders import new_key
from caravan.migration.recording.retention import Pruned, Retention, prune
from caravan.migration.recording.segments import SUFFIX

__all__ = ["Reading", "Readings", "Recording", "Summary"]

_KEY: Final = "redaction.key"


@dataclass(frozen=True, slots=True)
class Summary:
    """Told by the heads of the frames alone: nothing is inflated."""

    exchanges: int
    segments: int
    size: int
    first: datetime | None
    last: datetime | None
    damages: tuple[Damage, ...]


class Reading:
    """Goes through exchanges in the order of their segments, in constant memory; may be started again.

    ``damages`` is complete after an iteration: torn ends and broken frames, each with its file and place.
    """

    def __init__(self, segments: list[Path], since: datetime | None, until: datetime | None) -> None:
        self._segments = segments
        self._since = None if since is None else microseconds(since)
        self._until = None if until is None else microseconds(until)
        self.damages: list[Damage] = []

    def __iter__(self) -> Iterator[Exchange]:
        self.damages.clear()
        for path in self._segments:
            for frame in frames(path, since=self._since, until=self._until):
                if isinstance(frame, Damage):
                    self.damages.append(frame)
                else:
                    yield from filter(self._inside, map(exchange_of, items_of(frame)))

    def _inside(self, exchange: Exchange) -> bool:
        at = microseconds(exchange.at)
        return (self._since is None or at >= self._since) and (self._until is None or at < self._until)


class Readings:
    """Several recordings one after another; may be started again."""

    def __init__(self, recordings: Sequence["Recording"]) -> None:
        self._readings = [recording.read() for recording in recordings]

    def __iter__(self) -> Iterator[Exchange]:
        return chain.from_iterable(self._readings)

    @property
    def damages(self) -> list[Damage]:
        """What could not be read, after an iteration."""
        return [damage for reading in self._readings for damage in reading.damages]


@dataclass(frozen=True, slots=True)
class Recording:
    """``folder`` holds segments and the key of its placeholders (0600); both belong to their owner alone."""

    folder: Path

    @classmethod
    def existing(cls, folder: Path) -> "Recording":
        """Return the recording in this folder.

        Raises:
            RecordingMissing: there is none.
        """
        if not any(folder.glob(f"*{SUFFIX}")):
            raise RecordingMissing(f"{folder}: no recording is here")
        return cls(folder)

    def key(self) -> bytes:
        """Return the secret of the placeholders, made when there is none. Who deletes it makes them untraceable for good."""
        return kept_secret(self.folder / _KEY, new_key)

    def segments(self) -> list[Path]:
        """Return the segments, oldest first."""
        return sorted(self.folder.glob(f"*{SUFFIX}"))

    def read(self, *, since: datetime | None = None, until: datetime | None = None) -> Reading:
        """Return the exchanges asked from ``since`` on and before ``until``."""
        return Reading(self.segments(), since, until)

    def summary(self) -> Summary:
        """Return what is there, and since when."""
        exchanges, first, last = 0, list[int](), list[int]()
        damages, segments = list[Damage](), self.segments()
        for path in segments:
            for frame in frames(path, heads=True):
                if isinstance(frame, Frame):
                    exchanges += frame.exchanges
                    first.append(frame.first)
                    last.append(frame.last)
                else:
                    damages.append(frame)
        return Summary(
            exchanges=exchanges,
            segments=len(segments),
            size=sum(path.stat().st_size for path in segments),
            first=moment(min(first)) if first else None,
            last=moment(max(last)) if last else None,
            damages=tuple(damages),
        )

    def prune(self, retention: Retention, *, now: datetime | None = None, keep: Path | None = None) -> Pruned:
        """Delete segments that are too old or too much."""
        return prune(self.segments(), retention, now or utc_now(), keep=keep)
