"""Reading what a job printed, also while it runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text

from caravan.core.database import AnySession
from caravan.platform.jobs.errors import JobLogGoneError
from caravan.platform.jobs.job import Job
from caravan.platform.jobs.output import KeptOutput

__all__ = ["LogPage", "read_log"]

_PAGE_BYTES: Final = 262_144

_PIECES: Final = text(
    "SELECT position, stream, content FROM ("
    " SELECT position, stream, content, sum(octet_length(content)) OVER (ORDER BY position) AS size FROM job_output"
    " WHERE org_id = :org AND job_id = :job AND position + octet_length(content) > :offset"
    " AND (CAST(:stream AS text) IS NULL OR stream = :stream)) AS p"
    " WHERE size - octet_length(content) < :most ORDER BY position"
)
_REMOVED: Final = text(
    "SELECT written_at FROM job_output WHERE org_id = :org AND job_id = :job AND position = -1"
)
_TAIL: Final = text(
    "SELECT coalesce(min(position), 0) FROM (SELECT position,"
    " sum(octet_length(content)) OVER (ORDER BY position DESC) AS size FROM job_output"
    " WHERE org_id = :org AND job_id = :job AND (CAST(:stream AS text) IS NULL OR stream = :stream)) AS p"
    " WHERE size <= :tail OR position = (SELECT max(position) FROM job_output WHERE org_id = :org AND job_id = :job)"
)


@dataclass(frozen=True, slots=True)
class LogPage:
    """Part of a log: ``following`` is the offset to ask for next; ``dropped`` bytes before it were not kept."""

    pieces: Sequence[KeptOutput]
    following: int
    dropped: int


async def read_log(
    session: AnySession, job: Job, *, offset: int = 0, tail: int | None = None, stream: str | None = None
) -> LogPage:
    """Return what a job printed from ``offset`` bytes on (or about its last ``tail`` bytes), at most a page of it.

    Raises ``JobLogGoneError`` when it was removed because of its age.
    """
    if (removed := await session.scalar(_REMOVED, {"org": job.org, "job": job.id})) is not None:
        raise JobLogGoneError(
            f"The log of job {job.number} of the queue {job.queue!r} was removed on {removed:%Y-%m-%d}, because of its age."
        )
    values = {"org": job.org, "job": job.id, "stream": stream}
    if tail is not None:
        offset = await session.scalar(_TAIL, values | {"tail": tail}) or 0
    rows = (await session.execute(_PIECES, values | {"offset": offset, "most": _PAGE_BYTES})).all()
    pieces = [_behind(KeptOutput(row.position, row.stream, bytes(row.content)), offset) for row in rows]
    dropped, at = 0, offset
    for piece in pieces:
        dropped += piece.position - at if stream is None else 0
        at = piece.position + len(piece.content)
    return LogPage(pieces, at, dropped)


def _behind(piece: KeptOutput, offset: int) -> KeptOutput:
    lead = max(0, offset - piece.position)
    return KeptOutput(piece.position + lead, piece.stream, piece.content[lead:]) if lead else piece
