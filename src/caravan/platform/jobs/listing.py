"""Leafing through the jobs of an organisation, the newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, select

from caravan.core.database import AnySession
from caravan.core.paging import CursorError, decode_cursor, encode_cursor
from caravan.platform.jobs.job import Job, JobState
from caravan.platform.jobs.models import JobRow
from caravan.platform.jobs.rows import COLUMNS, job_of

__all__ = ["JobPage", "leaf_through"]

_LIST: Final = "jobs"
_T: Final = JobRow.__table__.c


@dataclass(frozen=True, slots=True)
class JobPage:
    """One page; ``following`` is the cursor of the next one."""

    jobs: Sequence[Job]
    following: str | None


async def leaf_through(
    session: AnySession,
    org: UUID,
    *,
    limit: int,
    cursor: str | None = None,
    queue: str | None = None,
    state: JobState | None = None,
) -> JobPage:
    """Return the page behind ``cursor``; raises ``CursorError``."""
    statement: Select[Any] = select(*COLUMNS).where(_T.org_id == org)
    if queue is not None:
        statement = statement.where(_T.queue == queue)
    if state is not None:
        statement = statement.where(_T.state == str(state))
    if cursor is not None:
        statement = statement.where(_T.id < _position(cursor))
    rows = (await session.execute(statement.order_by(_T.id.desc()).limit(limit + 1))).all()
    jobs = [job_of(row) for row in rows[:limit]]
    return JobPage(jobs, encode_cursor(_LIST, str(jobs[-1].id)) if len(rows) > limit else None)


def _position(cursor: str) -> UUID:
    try:
        return UUID(decode_cursor(cursor, _LIST, 1)[0])
    except ValueError:
        raise CursorError("The cursor is damaged.") from None
