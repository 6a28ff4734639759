"""Takes the position from which a change stream is followed; nothing is made at the source."""

from collections.abc import Sequence
from contextlib import closing

from caravan.migration.capture.change_stream.source import ChangeStreamSource
from caravan.migration.capture.changes import Position
from caravan.migration.capture.options import CaptureOptions

__all__ = ["prepare"]


def prepare(url: str, collections: Sequence[str], options: CaptureOptions) -> Position:
    """See ``prepare_changes``: a snapshot that is opened later stands at a later time of the cluster."""
    with closing(ChangeStreamSource(url, collections, options)) as source:
        return source.head()
