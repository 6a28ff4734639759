"""What a workflow's function gets: whose job it is, where the data are, and a way to tell how far it has come."""

import json
import os
import signal
import threading
from functools import cached_property
from types import FrameType
from typing import Any
from uuid import UUID

from caravan.core.database import Database, DatabaseAddress, Role
from caravan.core.settings import Settings, load_settings
from caravan.platform.jobs.guardian.events import EVENTS

__all__ = ["Run"]


class Run:
    """One job from the inside. A function looks at ``cancelled`` often: after the grace it is killed."""

    def __init__(self, org: UUID, job: UUID, address: DatabaseAddress) -> None:
        self.org = org
        self.job = job
        self.address = address
        self._cancelled = threading.Event()
        self._events = int(os.environ.pop(EVENTS, "-1"))

    @property
    def cancelled(self) -> bool:
        """Whether somebody wants it to end: it was cancelled, took too long, or the service stops."""
        return self._cancelled.is_set()

    @cached_property
    def settings(self) -> Settings:
        """The settings, read anew; raises ``SettingsError``."""
        return load_settings()

    def listen(self) -> None:
        """Take SIGTERM as the wish to end; in the main thread."""

        def asked(_number: int, _frame: FrameType | None) -> None:
            self._cancelled.set()

        signal.signal(signal.SIGTERM, asked)

    def progress(self, done: float, of: float | None = None, told: str | None = None) -> None:
        """Show how far it has come: ``done`` of so many, and a line for people."""
        self._tell({"progress": {"done": done, "total": of, "told": told}})

    def result(self, value: Any) -> None:  # noqa: ANN401 - any JSON
        """Give the result, which is written when the job completes."""
        self._tell({"result": value})

    def failed(self, told: str) -> None:
        """Say why it fails."""
        self._tell({"error": told})

    def database(self, role: Role) -> Database:
        """Return connections of this process's own; the caller closes them."""
        return Database(self.address, role=role, pool=2, read_pool=1, application="caravan job")

    def _tell(self, event: dict[str, Any]) -> None:
        if self._events < 0:
            return
        left = json.dumps(event).encode() + b"\n"
        while left:
            left = left[os.write(self._events, left) :]
