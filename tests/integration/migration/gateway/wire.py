"""A line to PostgreSQL that can be cut and mended, whatever the server does."""

import contextlib
import select
import socket
import threading
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from caravan.core.database import DatabaseAddress

_NAME = ".s.PGSQL.5432"


class Wire:
    """Forwards a Unix socket of its own to the server's."""

    def __init__(self, address: DatabaseAddress, folder: Path) -> None:
        parts = urlsplit(address.url)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self._target: str | tuple[str, int] = (parts.hostname or "127.0.0.1", parts.port or 5432)
        if "host" in query:
            self._target = f"{query['host']}/.s.PGSQL.{query.get('port', '5432')}"
        user = query.get("user") or parts.username or "postgres"
        secret = f":{parts.password}" if parts.password else ""
        self._folder = folder
        self.address = DatabaseAddress(
            f"postgresql://{user}{secret}@/{address.database}?host={folder}&port=5432"
        )
        self._open: list[socket.socket] = []
        self._listener: socket.socket | None = None
        self.mend()

    def mend(self) -> None:
        """Let connections through."""
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._folder / _NAME))
        self._listener.listen()
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        """End all connections and let none through."""
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            (self._folder / _NAME).unlink()
            self._listener = None
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                front, _ = listener.accept()
            except OSError:
                return
            back = socket.socket(socket.AF_UNIX if isinstance(self._target, str) else socket.AF_INET)
            back.connect(self._target)
            self._open += [front, back]
            threading.Thread(target=_forward, args=(front, back), daemon=True).start()


def _forward(front: socket.socket, back: socket.socket) -> None:
    other = {front: back, back: front}
    with front, back, contextlib.suppress(OSError, ValueError):
        while True:
            for ready in select.select([front, back], [], [])[0]:
                data = ready.recv(65536)
                if not data:
                    return
                other[ready].sendall(data)
