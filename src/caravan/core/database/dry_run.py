"""A dry run: the one transaction of a request, carried out, looked at, and taken back.

While one is in hand (a context variable, so it goes where the request goes) every write session of ``Database`` is held
by it. Whatever would make its answer another than the real one is kept as ``not_run``: then nobody judges it.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncSession

from caravan.core.database.dry_run_rows import HOLD_ROWS, TooManyRowsError, changed_rows
from caravan.core.errors import CaravanError

__all__ = ["DryRun", "DryRunNotRunError", "begun_dry_run", "current_dry_run", "note_failure"]

_BEGIN: Final = text(
    "SELECT set_config('lock_timeout', '250', true), set_config('statement_timeout', '5000', true),"
    " set_config('idle_in_transaction_session_timeout', '10000', true), set_config('caravan.dry_run', 'on', true),"
    " to_regprocedure('engine.note_dry_run_rows()') IS NOT NULL AS probed"
)
"""Milliseconds. Its locks make real writes wait, so it neither waits nor stays for long."""
_FORCE: Final = text("SET CONSTRAINTS ALL IMMEDIATE")
_REASONS: Final[Mapping[str, str]] = {
    "55P03": "lock timeout",
    "57014": "statement timeout",
    "40P01": "deadlock",
    "40001": "another transaction came first",
    "25P03": "idle for too long",
}
"""What says more of the moment than of the request, by SQLSTATE."""


class DryRunNotRunError(CaravanError):
    code = "dry_run_not_run"
    status = 409
    title = "This request cannot be carried out as a dry run"
    fix = "Nothing was changed. Compare this request by a replay against copies, or try again where the reason passes."


@dataclass(slots=True)
class DryRun:
    """One request's; ``not_run`` says why it is not to be judged, ``rows`` is JSON, None where nobody collects rows."""

    not_run: str | None = None
    rows: str | None = None
    over: bool = False
    _writes: int = 0
    _open: int = 0

    @asynccontextmanager
    async def hold(self, session: AsyncSession) -> AsyncIterator[None]:
        """Keep a session's transaction from ever being committed; its rows are read, then it is rolled back.

        Raises:
            DryRunNotRunError: the request had another transaction before, of which this one would see nothing.
        """
        if self.over or self._writes:
            raise self.refused("it takes more than one transaction")
        self._writes += 1
        self._open += 1
        try:
            probed = (await session.execute(_BEGIN)).one().probed
            if probed:
                for statement in HOLD_ROWS:
                    await session.execute(statement)
            yield
            await session.flush()
            await session.execute(_FORCE)  # what a commit would check, with the error that it would have had
            if probed:
                await self._collect(session)
            session.expunge_all()  # as after a commit, what was loaded can still be read
        finally:
            self._open -= 1
            await session.rollback()

    def read(self) -> None:
        """Note that the request reads in a transaction of its own: after the write it misses what was written."""
        if self._writes and not self._open:
            self.refused("it reads what it wrote in another transaction")

    def refused(self, reason: str) -> DryRunNotRunError:
        """Note why the request cannot be judged, and return the error that says so. The first reason stays."""
        self.not_run = self.not_run or reason
        return DryRunNotRunError(f"Not run: {reason}.")

    async def _collect(self, session: AsyncSession) -> None:
        try:
            self.rows = await changed_rows(session)
        except TooManyRowsError as error:
            self.refused(str(error))

    def caller_is_known(self) -> None:
        """Begin the request itself: what was written to find its caller (and taken back) is no transaction of it."""
        self._writes, self.rows = 0, None


_current: ContextVar[DryRun | None] = ContextVar("dry_run", default=None)
current_dry_run = _current.get
"""Return the dry run in hand, or None."""


@contextmanager
def begun_dry_run() -> Iterator[DryRun]:
    """Make everything inside the block a dry run. A task that outlives it may not write any more."""
    run = DryRun()
    token = _current.set(run)
    try:
        yield run
    finally:
        run.over = True
        _current.reset(token)


def note_failure(failure: ExceptionContext) -> None:
    """Note that a statement of a dry run failed for want of time or of a lock, even where the code goes on."""
    run = current_dry_run()
    if run is None:
        return
    reason = _REASONS.get(getattr(failure.original_exception, "sqlstate", None) or "")
    if reason is not None:
        run.refused(reason)
