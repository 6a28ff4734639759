"""Reads a live MongoDB, undecoded and in the order of ``_id``, in one snapshot where the server has snapshots.

A snapshot needs a replica set of MongoDB 5 or later, which also tells the ``operationTime`` to follow changes from. A
standalone server has neither: the reader says so, and a load from it is right only while nobody writes.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.errors import ConfigurationError, InvalidURI, OperationFailure, PyMongoError

from caravan.migration.load.readers.collection_files import choose
from caravan.migration.load.readers.errors import SourceLost, SourceUnreadable
from caravan.migration.load.readers.protocol import BrokenRecord, CollectionInfo, Record
from caravan.migration.load.readers.source_url import without_password
from caravan.migration.load.readers.tables import Snapshot

__all__ = ["MongodbReader"]

_WAIT_MS: Final = 10_000


class MongodbReader:
    """``url``: ``mongodb://host/database``; views are left out, they hold no documents of their own."""

    format: Literal["bson"] = "bson"

    def __init__(self, url: str) -> None:
        self._place = without_password(url)
        self._done = self._total = 0
        try:
            self._client: MongoClient[RawBSONDocument] = MongoClient(
                url,
                document_class=RawBSONDocument,
                serverSelectionTimeoutMS=_WAIT_MS,
                appname="caravan source",
            )
        except (ConfigurationError, InvalidURI, ValueError) as error:
            raise SourceUnreadable(f"{self._place} is no address of a MongoDB: {error}") from error
        try:
            self._database = self._client.get_default_database()
            self._session, self._snapshot = self._begin()
            self._counts = self._listed()
        except PyMongoError as error:
            self._client.close()
            raise SourceUnreadable(f"{self._place} cannot be read: {error}") from error

    def collections(self) -> Mapping[str, CollectionInfo]:
        return {
            name: CollectionInfo(name, self._database.name, (), 0, count)
            for name, count in self._counts.items()
        }

    def snapshot(self) -> Snapshot:
        return self._snapshot

    def read(self, collection: str) -> Iterator[Record | BrokenRecord]:
        info = choose(self.collections(), collection, self._place)
        self._done, self._total = 0, info.documents or 0
        ordinal = offset = 0
        try:
            with self._database[info.name].find(session=self._session).sort("_id", 1) as cursor:
                for ordinal, document in enumerate(cursor):
                    self._done = ordinal + 1
                    yield Record(ordinal, offset, bytes(document.raw))
                    offset += len(document.raw)
        except PyMongoError as error:
            raise SourceLost.in_table(self._place, info.name, self._done - 1, str(error)) from error

    def position(self) -> tuple[int, int]:
        return self._done, self._total

    def close(self) -> None:
        if self._session is not None:
            self._session.end_session()
        self._client.close()

    def _listed(self) -> dict[str, int]:
        found = self._database.list_collections()
        names = sorted(str(info["name"]) for info in found if info.get("type", "collection") == "collection")
        return {
            name: self._database[name].estimated_document_count()
            for name in names
            if not name.startswith("system.")
        }

    def _begin(self) -> tuple[ClientSession | None, Snapshot]:
        """Take the position before the snapshot, so that changes from there on miss nothing that it lacks."""
        hello: Mapping[str, Any] = self._client.admin.command("hello")
        time = hello.get("operationTime")
        if "setName" not in hello and hello.get("msg") != "isdbgrid":
            return None, Snapshot("none", consistent=False)
        session = self._client.start_session(snapshot=True)
        try:
            # Any read fixes the time of the snapshot.
            self._database["caravan.none"].find_one({}, session=session)
        except OperationFailure:
            session.end_session()
            return None, Snapshot("none", _position(time), consistent=False)
        return session, Snapshot("transaction", _position(time))


def _position(time: Any) -> str:  # noqa: ANN401 - a Timestamp, or nothing
    return "" if time is None else f"{time.time}:{time.inc}"
