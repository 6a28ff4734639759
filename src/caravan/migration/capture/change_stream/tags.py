"""How writes of ours are told from those of anybody else in MongoDB.

In a transaction: one write to the marker collection in the same transaction. Without transactions: a field in each document that
is inserted or updated by us, and a marker before each delete. A replaced document that still carries our field was written by
somebody who read it before, so a replace is never ours.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

import bson
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.raw_bson import RawBSONDocument

__all__ = [
    "FIELD",
    "MARKERS",
    "DeleteMarkers",
    "deleting",
    "marking",
    "stamp",
    "tag_of_write",
    "without_field",
]

MARKERS: Final = "caravan_applied"
"""The collection of markers."""
FIELD: Final = "_caravan"
"""The field of ours."""

_AS_STORED: Final[CodecOptions[Any]] = CodecOptions(
    document_class=RawBSONDocument, datetime_conversion=DatetimeConversion.DATETIME_MS
)


def marking(tag: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the filter and the update of an upsert into ``MARKERS`` that tags the transaction it is in."""
    return {"_id": tag}, {"$inc": {"applied": 1}}


def stamp(tag: str) -> dict[str, Any]:
    """Return the field to insert, or to ``$set``, with a write outside of transactions; new each time, so that it changes."""
    return {FIELD: {"tag": tag, "write": uuid4().hex}}


def deleting(tag: str, collection: str, key: object) -> dict[str, Any]:
    """Return the document to insert into ``MARKERS`` before a delete outside of transactions."""
    return {"_id": uuid4().hex, "tag": tag, "collection": collection, "key": key}


def tag_of_write(event: Mapping[str, Any]) -> str:
    """Return the tag that an insert or update outside of transactions carries; empty for anybody else's."""
    kind = event["operationType"]
    if kind == "insert":
        field = event["fullDocument"].get(FIELD)
    elif kind == "update":
        updated = event.get("updateDescription", {}).get("updatedFields", {})
        field = updated.get(FIELD) or (
            {"tag": updated[f"{FIELD}.tag"]} if f"{FIELD}.tag" in updated else None
        )
    else:
        return ""
    return str(field["tag"]) if field else ""


def without_field(document: RawBSONDocument) -> bytes:
    """Return the document's bytes without our field."""
    raw = bytes(document.raw)
    if FIELD.encode() not in raw:
        return raw
    fields = bson.decode(raw, _AS_STORED)
    return bson.encode(
        {name: value for name, value in fields.items() if name != FIELD}, codec_options=_AS_STORED
    )


class DeleteMarkers:
    """Remembers announced deletes until they come."""

    def __init__(self) -> None:
        self._announced: dict[tuple[str, bytes], str] = {}

    def note(self, marker: Mapping[str, Any]) -> None:
        """Take a marker document."""
        if "collection" in marker:
            self._announced[str(marker["collection"]), _packed(marker["key"])] = str(marker["tag"])

    def forget(self, collection: str, key: object) -> None:
        """Take it that an announced delete found nothing: the document is there, so a delete to come is another one."""
        self._announced.pop((collection, _packed(key)), None)

    def tag_of(self, collection: str, key: object) -> str:
        """Return the tag of a delete, once."""
        return self._announced.pop((collection, _packed(key)), "")


def _packed(key: object) -> bytes:
    return bson.encode({"k": key}, codec_options=_AS_STORED)
