"""The stream of events that a server sends to a replica, read on a connection of PyMySQL.

https://mariadb.com/kb/en/com_binlog_dump/ and https://mariadb.com/kb/en/2-binlog-event-header/. The request and its packets are
the driver's private methods, as it has no public ones for them.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from caravan.migration.capture.errors import CaptureStoppedError, ChangesLostError, ChangesUnreadableError
from caravan.migration.load.readers import without_password
from caravan.migration.load.readers.mariadb import connected, driver_module, said

__all__ = ["HEARTBEAT", "ROTATE", "Event", "EventStream", "Place"]

_COM_BINLOG_DUMP: Final = 0x12
_HEADER: Final = struct.Struct("<xIBIIIH")
_CRC: Final = struct.Struct("<I")
_EOF: Final = 0xFE
ROTATE: Final = 4
HEARTBEAT: Final = frozenset({27, 41})
"""Sent where the log has nothing new; 41 is MySQL's newer form."""
_NO_SUCH_LOG: Final = 1236
_SILENCE: Final = 60
"""Seconds without any event, heartbeats included, after which the server is taken for dead."""


@dataclass(frozen=True, slots=True)
class Place:
    """An offset in a file of the log, whose name ends in its number."""

    file: str
    offset: int

    @property
    def number(self) -> int:
        return int(self.file.rpartition(".")[2]) << 32 | self.offset


@dataclass(frozen=True, slots=True)
class Event:
    """``at`` in seconds since 1970, ``server`` the id of the one that wrote it; ``end`` is the place behind it.

    An event that is made for the stream alone has no time, a heartbeat ends where the log does.
    """

    kind: int
    at: int
    server: int
    body: bytes
    end: Place


class EventStream:
    """Asks for the log from a place on; ``heartbeat`` in seconds is how often the server says that it has nothing."""

    def __init__(self, url: str, place: Place, server_id: int, heartbeat: float) -> None:
        self._host = without_password(url)
        self._driver = driver_module()
        try:
            self._connection: Any = connected(url)
        except self._driver.Error as error:
            raise CaptureStoppedError(f"{self._host} cannot be reached: {said(error)}") from error
        self._file, self._last = place.file, 0
        try:
            self._checked = self._asked(place, server_id, heartbeat)
        except self._driver.Error as error:
            self.close()
            raise CaptureStoppedError(f"{self._host} cannot be read on: {said(error)}") from error

    def events(self) -> Iterator[Event]:
        """Yield events for ever.

        Raises:
            ChangesLostError: the log no longer has the place.
            CaptureStoppedError: the connection broke, or the bytes are damaged.
        """
        while True:
            data = self._packet()
            if data[0] == _EOF:
                raise CaptureStoppedError(f"{self._host} ended the stream of its log")
            yield self._event(data)

    def close(self) -> None:
        self._connection._force_close()  # noqa: SLF001 - a server in the middle of sending takes no farewell

    def _packet(self) -> bytes:
        try:
            packet: bytes = self._connection._read_packet().get_all_data()  # noqa: SLF001 - see above
        except self._driver.Error as error:
            if error.args and error.args[0] == _NO_SUCH_LOG:
                raise ChangesLostError(
                    f"{self._host} no longer has its log from {self._file} on: {said(error)}"
                ) from error
            raise CaptureStoppedError(f"{self._host} cannot be read on: {said(error)}") from error
        return packet

    def _event(self, data: bytes) -> Event:
        at, kind, server, _size, end, _flags = _HEADER.unpack_from(data)
        body = data[_HEADER.size :]
        if self._checked:
            (expected,) = _CRC.unpack(body[-4:])
            body = body[:-4]
            if zlib.crc32(memoryview(data)[1:-4]) != expected:
                raise CaptureStoppedError(f"{self._host}: an event of {self._file} before {end} is damaged")
        if kind == ROTATE:
            (offset,) = struct.unpack_from("<Q", body)
            self._file, self._last = body[8:].decode(), 0
            return Event(kind, at, server, body, Place(self._file, offset))
        if at and end and end < self._last:
            raise ChangesUnreadableError(
                f"{self._host}: {self._file} is larger than 4 GiB, where its own places cannot be told any more; synchronise again,"
                " and split the transactions that are as large as that"
            )
        self._last = end if at else self._last
        return Event(kind, at, server, body, Place(self._file, end))

    def _asked(self, place: Place, server_id: int, heartbeat: float) -> bool:
        """Send the request; tell whether events carry checksums."""
        with self._connection.cursor() as cursor:
            cursor.execute("SHOW GLOBAL VARIABLES LIKE 'binlog_checksum'")
            row = cursor.fetchone()
            cursor.execute("SET @mariadb_slave_capability = 4")  # it understands GTID events
            for side in ("master", "source"):  # MySQL's newer servers ask for the second
                cursor.execute(f"SET @{side}_binlog_checksum = @@global.binlog_checksum")
                cursor.execute(f"SET @{side}_heartbeat_period = {int(heartbeat * 1e9)}")
            cursor.execute("SET net_read_timeout = 3600, net_write_timeout = 3600")
        self._connection._read_timeout = _SILENCE  # noqa: SLF001 - see above
        request = struct.pack("<IHI", place.offset, 0, server_id) + place.file.encode()
        self._connection._execute_command(_COM_BINLOG_DUMP, request)  # noqa: SLF001 - see above
        return row is not None and row[1] not in (b"NONE", "NONE")
