"""Writing back to MongoDB: in a transaction where the server has them, else document by document, each marked as ours.

Without transactions the stamp of a batch comes last, so a batch that was cut short is written again; every write of it is the same
whenever it is repeated.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from typing import Any, Final, Literal, NoReturn
from uuid import UUID

from bson import ObjectId
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.errors import BSONError
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.errors import (
    CollectionInvalid,
    ConfigurationError,
    ConnectionFailure,
    DocumentTooLarge,
    DuplicateKeyError,
    InvalidURI,
    OperationFailure,
    PyMongoError,
    WriteError,
)

from caravan.core.ids import LegacyTag
from caravan.migration.capture.change_stream.tags import FIELD, MARKERS, deleting, marking, stamp
from caravan.migration.load.readers import without_password
from caravan.migration.sync.errors import FlowReplacedError, LegacyWriteError
from caravan.migration.sync.legacy.writer import KEYS, POSITIONS, LegacyBatch, RowRefusedError, Stamp

__all__ = ["MongodbWriter", "object_id_of"]

_WAIT_MS: Final = 10_000
_KEY: Final = "_id"
_PASSING: Final = frozenset({13, 24, 50, 91, 112, 189, 251, 10107, 11600, 11602, 13435, 13436})
"""Codes that waiting may mend: a role that fences, locks, time limits, elections, conflicts of writes."""
_AS_STORED: Final[CodecOptions[dict[str, Any]]] = CodecOptions(
    tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO
)


def object_id_of(row_id: UUID) -> ObjectId:
    """Return the key of a row that was born on our side: always the same, so that a retry finds what it wrote."""
    seconds = (row_id.int >> 80) // 1000 & 0xFFFFFFFF
    return ObjectId(seconds.to_bytes(4) + sha256(row_id.bytes).digest()[:8])


class MongodbWriter:
    """``url``: ``mongodb://host/database``."""

    shape: Literal["document"] = "document"

    def __init__(self, url: str) -> None:
        self._place = without_password(url)
        try:
            self._client: MongoClient[dict[str, Any]] = MongoClient(
                url, serverSelectionTimeoutMS=_WAIT_MS, tz_aware=True, appname="caravan sync"
            )
            self._database = self._client.get_default_database().with_options(codec_options=_AS_STORED)
        except (ConfigurationError, InvalidURI, ValueError) as error:
            raise LegacyWriteError(
                f"{self._place} is no address of a MongoDB: {error}", transient=False
            ) from error
        try:
            hello = self._client.admin.command("hello")
        except PyMongoError as error:
            self._client.close()
            raise LegacyWriteError(f"{self._place} cannot be reached: {error}", transient=True) from error
        self._has_transactions = "setName" in hello or hello.get("msg") == "isdbgrid"

    def prepare(self) -> None:
        try:
            for name in (POSITIONS, KEYS, MARKERS):
                if name not in self._database.list_collection_names():
                    self._database.create_collection(name)
        except CollectionInvalid:
            return  # another process has just made it
        except PyMongoError as error:
            self._tell(error)

    @contextmanager
    def batch(self, stamp: Stamp) -> Iterator[LegacyBatch]:
        try:
            if self._has_transactions:
                with self._client.start_session() as session, session.start_transaction():
                    found, update = marking(stamp.tag)
                    self._database[MARKERS].update_one(found, update, upsert=True, session=session)
                    self._stamp(stamp, session)
                    yield _Batch(self._database, session, stamp.tag)
            else:
                self._assert_holds(stamp, None)
                yield _Batch(self._database, None, stamp.tag)
                self._stamp(stamp, None)
        except (PyMongoError, BSONError) as error:
            self._tell(error)

    def close(self) -> None:
        self._client.close()

    def _stamp(self, stamp: Stamp, session: ClientSession | None) -> None:
        self._assert_holds(stamp, session)
        at = {"epoch": stamp.epoch, "number": stamp.position.number, "resume": stamp.position.resume}
        self._database[POSITIONS].update_one({_KEY: stamp.flow}, {"$set": at}, upsert=True, session=session)

    def _assert_holds(self, stamp: Stamp, session: ClientSession | None) -> None:
        found = self._database[POSITIONS].find_one({_KEY: stamp.flow}, session=session)
        if found is not None and int(found["epoch"]) > stamp.epoch:
            raise FlowReplacedError(f"The flow {stamp.flow} writes with the epoch {found['epoch']} since.")

    def _tell(self, error: Exception) -> NoReturn:
        if isinstance(error, DuplicateKeyError | WriteError | DocumentTooLarge | BSONError):
            raise RowRefusedError(str(error)) from error
        passing = isinstance(error, ConnectionFailure) or (
            isinstance(error, OperationFailure)
            and (error.code in _PASSING or error.has_error_label("TransientTransactionError"))
        )
        raise LegacyWriteError(f"{self._place}: {error}", transient=passing) from error


class _Batch:
    """Writes past validators: a fence is one, and stands for everybody else while the old side is kept current."""

    def __init__(self, database: Any, session: ClientSession | None, tag: str) -> None:  # noqa: ANN401 - pymongo's
        self._database, self._session, self._tag = database, session, tag

    def given_key(self, collection: str, row_id: UUID) -> tuple[LegacyTag, str] | None:
        found = self._database[KEYS].find_one({_KEY: _name(collection, row_id)}, session=self._session)
        return None if found is None else ("o", str(found["key"]))

    def insert(
        self, collection: str, row_id: UUID, key: Collection[str], document: Mapping[str, Any]
    ) -> tuple[LegacyTag, str]:
        if tuple(key) != (_KEY,):
            raise RowRefusedError(f"{collection}: a document is found by its _id, not by {', '.join(key)}")
        own = object_id_of(row_id)
        self._database[KEYS].update_one(
            {_KEY: _name(collection, row_id)}, {"$set": {"key": own}}, upsert=True, session=self._session
        )
        self.put(collection, {_KEY: own}, document)
        return "o", str(own)

    def put(
        self,
        collection: str,
        key: Mapping[str, Any],
        document: Mapping[str, Any],
        *,
        kept: Collection[str] = (),
    ) -> None:
        there = self._database[collection]
        before = there.find_one(dict(key), session=self._session)
        if self._session is not None:
            own = {name: before[name] for name in kept if name in before} if before else {}
            whole = {**key, **document, **own}
            there.replace_one(
                dict(key), whole, upsert=True, session=self._session, bypass_document_validation=True
            )
            return
        gone = set(before or ()) - {*key, *document, *kept, FIELD}
        changes: dict[str, Any] = {"$set": {**document, **stamp(self._tag)}}
        if gone:
            changes["$unset"] = dict.fromkeys(sorted(gone), "")
        there.update_one(dict(key), changes, upsert=True, bypass_document_validation=True)

    def remove(self, collection: str, key: Mapping[str, Any]) -> None:
        if self._session is None:
            self._database[MARKERS].insert_one(deleting(self._tag, collection, key[_KEY]))
        self._database[collection].delete_one(dict(key), session=self._session)


def _name(collection: str, row_id: UUID) -> str:
    return f"{collection} {row_id}"
