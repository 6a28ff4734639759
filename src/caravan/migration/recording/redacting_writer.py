"""What every door into a recording goes through: redact, then write; nothing else touches the disk."""

from typing import Final

from caravan.core.clock import Clock, utc_now
from caravan.migration.exchange import Exchange
from caravan.migration.recording.recording import Recording
from caravan.migration.recording.redaction import RedactionRules, Redactor
from caravan.migration.recording.retention import DEFAULT_RETENTION, Retention
from caravan.migration.recording.segments import SegmentWriter

__all__ = ["RedactingWriter"]

_SEGMENT_BYTES: Final = 64 * 1024 * 1024
_PARTS: Final = 8  # of the allowed size, so that retention has something to take


class RedactingWriter:
    """Appends to a recording; its limits hold after each segment and at the end."""

    def __init__(
        self,
        recording: Recording,
        rules: RedactionRules | None = None,
        *,
        retention: Retention = DEFAULT_RETENTION,
        clock: Clock = utc_now,
    ) -> None:
        self._recording, self._retention, self._clock = recording, retention, clock
        self._redactor = Redactor(recording.key(), rules)
        limit = max(1, min(_SEGMENT_BYTES, retention.size // _PARTS))
        self._segments = SegmentWriter(recording.folder, segment_bytes=limit, rotated=self._prune)

    @property
    def lost(self) -> int:
        """Exchanges that were taken and could not be written after all."""
        return self._segments.lost

    def write(self, exchange: Exchange) -> None:
        """Redact one exchange and take it."""
        self._segments.append(self._redactor.redact(exchange))

    def flush(self) -> None:
        """Have all that was taken readable."""
        self._segments.flush()

    def close(self) -> None:
        """Have all that was taken on the disk, and hold the limits."""
        try:
            self._segments.close()
        finally:
            self._prune()

    def _prune(self) -> None:
        self._recording.prune(self._retention, now=self._clock(), keep=self._segments.path)
