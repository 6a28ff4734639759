"""The changes of a MongoDB database, as its change stream tells them."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final, Literal

from bson import Timestamp, json_util
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient
from pymongo.change_stream import DatabaseChangeStream
from pymongo.errors import ConfigurationError, InvalidURI, OperationFailure, PyMongoError

from caravan.migration.capture.change_stream.grouping import Grouping, number_of, token_time
from caravan.migration.capture.change_stream.tags import MARKERS
from caravan.migration.capture.changes import Position, Transaction
from caravan.migration.capture.errors import CaptureRefusedError, CaptureStoppedError, ChangesLostError
from caravan.migration.capture.options import CaptureOptions
from caravan.migration.load.readers import decode, without_password

__all__ = ["ChangeStreamSource"]

_WAIT_MS: Final = 10_000
_AWAIT_MS: Final = 100
_LOST: Final = frozenset({280, 286})
"""ChangeStreamFatalError and ChangeStreamHistoryLost."""
_REFUSED: Final = frozenset({13, 18, 40573})
"""Unauthorized, AuthenticationFailed, and that only replica sets have change streams."""


class ChangeStreamSource:
    format: Literal["bson"] = "bson"
    sees_deletes: bool = True

    def __init__(self, url: str, collections: Sequence[str], options: CaptureOptions) -> None:
        self._place = without_password(url)
        self._batch = options.batch
        self._collections = tuple(collections)
        try:
            self._client: MongoClient[RawBSONDocument] = MongoClient(
                url,
                document_class=RawBSONDocument,
                serverSelectionTimeoutMS=_WAIT_MS,
                tz_aware=True,
                appname="caravan capture",
            )
            self._database = self._client.get_default_database()
        except (ConfigurationError, InvalidURI, ValueError) as error:
            raise CaptureRefusedError(
                f"{self._place} is no address of a database of MongoDB: {error}"
            ) from error
        self._stream: DatabaseChangeStream[RawBSONDocument] | None = None
        self._at, self._resume = -1, ""
        self._grouping = Grouping(collections, self._place)
        try:
            self._assert_replica_set()
        except BaseException:
            self._client.close()
            raise

    def head(self) -> Position:
        with self._telling():
            answer = self._client.admin.command("ping")
        if "operationTime" not in answer:
            raise CaptureRefusedError(
                f"{self._place} tells no operationTime, so its changes have no position"
            )
        return Position(number_of(answer["operationTime"]))

    def transactions(self, after: Position, *, wait: float) -> Iterator[Transaction]:
        told, mark = after.number, 0
        until = time.monotonic() + wait
        while True:
            with self._telling():
                stream = self._opened(after if told == after.number else Position(told, self._resume))
                event = stream.try_next()
            found = self._grouping.take(event) if event is not None else self._grouping.ended()
            if found is not None and found.position.number > told and (found.changes or found.tag):
                told = self._at = found.position.number
                self._resume = found.position.resume
                yield found
                until, mark = time.monotonic() + wait, 0
            elif event is None and time.monotonic() >= until:
                reached = token_time(self._token(stream)) or mark
                if not reached:
                    mark = self.head().number  # one more look: nothing then means nothing up to here
                    continue
                yield from self._heartbeat(stream, told, reached)
                return

    def confirm(self, position: Position) -> None:
        """The server keeps its oplog by size and age, not for us."""

    def retained(self) -> None:
        return None

    def close(self) -> None:
        self._leave()
        self._client.close()

    def _heartbeat(
        self, stream: DatabaseChangeStream[RawBSONDocument], told: int, reached: int
    ) -> Iterator[Transaction]:
        if reached > told:
            token = self._token(stream)
            self._at = reached
            self._resume = json_util.dumps(token) if token_time(token) else self._resume
            yield Transaction(Position(reached, self._resume), datetime.now(UTC))

    def _token(self, stream: DatabaseChangeStream[RawBSONDocument]) -> dict[str, Any]:
        token = stream.resume_token
        if isinstance(token, RawBSONDocument):
            return decode("bson", bytes(token.raw))
        return dict(token or {})

    def _opened(self, after: Position) -> DatabaseChangeStream[RawBSONDocument]:
        if self._stream is not None and self._at == after.number:
            return self._stream
        self._leave()
        self._grouping = Grouping(self._collections, self._place)
        start: dict[str, Any] = {}
        if after.resume.startswith("{"):
            start["resume_after"] = json_util.loads(after.resume)
        elif after.number:
            start["start_at_operation_time"] = Timestamp(after.number >> 32, after.number & 0xFFFFFFFF)
        self._stream = self._database.watch(
            self._pipeline(),
            full_document="updateLookup",
            max_await_time_ms=_AWAIT_MS,
            batch_size=self._batch,
            **start,
        )
        self._at, self._resume = after.number, after.resume
        return self._stream

    def _pipeline(self) -> list[dict[str, Any]]:
        names = [*self._collections, MARKERS]
        return [
            {
                "$match": {
                    "$or": [
                        {"ns.coll": {"$in": names}},
                        {"to.coll": {"$in": names}},
                        {"operationType": {"$in": ["dropDatabase", "invalidate"]}},
                    ]
                }
            }
        ]

    def _leave(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _assert_replica_set(self) -> None:
        with self._telling():
            hello = self._client.admin.command("hello")
        if "setName" not in hello and hello.get("msg") != "isdbgrid":
            raise CaptureRefusedError.because(
                f"{self._place} stands alone and tells no changes; a replica set of one member is enough",
                "mongod --replSet rs0 …",
                "rs.initiate()",
            )

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except OperationFailure as error:
            self._leave()
            if error.code in _LOST:
                raise ChangesLostError(
                    f"{self._place} no longer has its oplog from there on: {error}"
                ) from error
            if error.code in _REFUSED:
                raise CaptureRefusedError(f"{self._place}: {error}") from error
            raise CaptureStoppedError(f"{self._place} cannot be read on: {error}") from error
        except PyMongoError as error:
            self._leave()
            raise CaptureStoppedError(f"{self._place} cannot be read on: {error}") from error
