"""From events of a change stream to transactions: events of one commit carry one cluster time."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from bson import json_util
from bson.raw_bson import RawBSONDocument

from caravan.migration.capture.change_stream.tags import MARKERS, DeleteMarkers, tag_of_write, without_field
from caravan.migration.capture.changes import Change, Position, Transaction
from caravan.migration.capture.errors import ChangesUnreadableError
from caravan.migration.load.readers import Record, decode

__all__ = ["Grouping", "number_of", "token_time"]

_WRITES: Final = frozenset({"insert", "update", "replace", "delete"})
_ENDS: Final = frozenset({"drop", "rename", "dropDatabase", "invalidate"})
_KEY_STRING: Final = "82"
"""What tokens of today begin with; behind it stand seconds and increment of the cluster time, four bytes each."""


def number_of(cluster_time: Any) -> int:  # noqa: ANN401 - a Timestamp
    """Return a cluster time as a number."""
    return int(cluster_time.time) << 32 | int(cluster_time.inc)


def token_time(token: Mapping[str, Any] | None) -> int:
    """Return the cluster time in a resume token; 0 where it is not of the known form."""
    data = str((token or {}).get("_data", ""))
    return int(data[2:18], 16) if data.startswith(_KEY_STRING) and len(data) >= 18 else 0  # noqa: PLR2004 - the form


class Grouping:
    """Takes events in order and gives a transaction when the next one begins, or when it is asked to end."""

    def __init__(self, collections: Collection[str], place: str) -> None:
        self._collections = frozenset(collections)
        self._place = place
        self._deletes = DeleteMarkers()
        self._number = 0
        self._at = datetime.fromtimestamp(0, UTC)
        self._token = ""
        self._changes: list[Change] = []
        self._tag = ""
        self._has = False

    def take(self, event: Mapping[str, Any]) -> Transaction | None:
        """Return the transaction before the one that the event belongs to."""
        number = number_of(event["clusterTime"])
        ended = self.ended() if self._has and number != self._number else None
        self._number, self._has = number, True
        self._token = json_util.dumps(decode("bson", bytes(event["_id"].raw)))
        self._at = _moment(event)
        self._add(event)
        return ended

    def ended(self) -> Transaction | None:
        """Return the transaction that nothing more belongs to."""
        if not self._has:
            return None
        found = Transaction(Position(self._number, self._token), self._at, tuple(self._changes), self._tag)
        self._changes, self._tag, self._has = [], "", False
        return found

    def _add(self, event: Mapping[str, Any]) -> None:
        kind = str(event["operationType"])
        collection = str(event.get("ns", {}).get("coll", ""))
        if kind in _ENDS:
            self._stop(kind, collection, event)
        elif kind in _WRITES and collection == MARKERS:
            self._mark(kind, event)
        elif kind in _WRITES and collection in self._collections:
            self._write(kind, collection, event)

    def _mark(self, kind: str, event: Mapping[str, Any]) -> None:
        document = event.get("fullDocument")
        if document is not None and "collection" in document:
            self._deletes.note(document)
        elif kind != "delete":
            self._tag = str(event["documentKey"]["_id"])

    def _write(self, kind: str, collection: str, event: Mapping[str, Any]) -> None:
        raw_key = event["documentKey"]
        key = {"_id": decode("bson", bytes(raw_key.raw))["_id"]}
        step = len(self._changes)
        if kind == "delete":
            self._tag = self._tag or self._deletes.tag_of(collection, raw_key["_id"])
            self._changes.append(Change(collection, "delete", key, None, step))
            return
        self._deletes.forget(collection, raw_key["_id"])
        self._tag = self._tag or tag_of_write(event)
        document = event.get("fullDocument")
        if isinstance(document, RawBSONDocument):  # None: deleted since, and its delete comes behind
            self._changes.append(
                Change(collection, "upsert", key, Record(step, step, without_field(document)), step)
            )

    def _stop(self, kind: str, collection: str, event: Mapping[str, Any]) -> None:
        target = str(event.get("to", {}).get("coll", ""))
        if kind in {"dropDatabase", "invalidate"} or {collection, target} & self._collections:
            named = f"collection {collection}" if collection else "the database"
            raise ChangesUnreadableError(
                f"{self._place}: {named} was ended by {kind} while its changes are followed; synchronise it again",
                collection=collection,
            )


def _moment(event: Mapping[str, Any]) -> datetime:
    found = event.get("wallTime") or event["clusterTime"].as_datetime()
    moment: datetime = found if found.tzinfo else found.replace(tzinfo=UTC)
    return moment
