"""The steps of whoever runs jobs, each one call of a function of the database, checked there against its lease."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from caravan.core.database import Database
from caravan.platform.jobs.job import JobState, Reason

__all__ = ["Claimed", "Finish", "Held", "Steps"]


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job in a slot of ours; ``fence`` is the slot's number at the time it became ours."""

    org: UUID
    id: UUID
    queue: str
    number: int
    workflow: str
    parameters: dict[str, Any]
    reference: str | None
    fence: int
    waited: float = 0.0


@dataclass(frozen=True, slots=True)
class Held:
    """What a renewal found."""

    job: UUID
    fence: int
    cancelled: bool


@dataclass(frozen=True, slots=True)
class Finish:
    """How a job ended, as it is written."""

    state: JobState
    reason: Reason
    error: str | None = None
    exit_code: int | None = None
    signal: int | None = None
    duration_ms: int | None = None
    peak_memory: int | None = None
    output_bytes: int | None = None
    progress: Any = None
    result: Any = None


class Steps:
    """``database`` is in the system's role: whoever runs jobs serves all tenants."""

    def __init__(self, database: Database, holder: str, lease: float) -> None:
        self._database = database
        self._holder = holder
        self._lease = lease

    async def claim(self) -> Claimed | None:
        """Take a slot and the next job of its queue, which is running from then on."""
        found = await self._ask(
            "SELECT to_jsonb(j) || jsonb_build_object('waited',"
            " extract(epoch FROM j.started_at - j.created_at)) FROM job_claim($1, $2) j",
            self._holder,
            self._lease,
        )
        return _claimed(json.loads(found)) if found else None

    async def renew(self) -> Sequence[Held]:
        """Renew the leases of everything held."""
        found = await self._ask(
            "SELECT jsonb_agg(to_jsonb(h)) FROM job_renew($1, $2) h", self._holder, self._lease
        )
        return [Held(UUID(each["job_id"]), each["fence"], each["cancelled"]) for each in _list(found)]

    async def cancelled(self) -> Sequence[UUID]:
        """Return the jobs held that somebody has cancelled."""
        found = await self._ask("SELECT jsonb_agg(h.job_id) FROM job_cancelled($1) h", self._holder)
        return [UUID(each) for each in _list(found)]

    async def holders(self) -> Sequence[tuple[str, bool]]:
        """Return who holds slots, and whether a lease of theirs is over."""
        found = await self._ask("SELECT jsonb_agg(to_jsonb(h)) FROM job_holders() h")
        return [(each["holder"], each["overdue"]) for each in _list(found)]

    async def take_over(self, dead: Sequence[str], mine: Sequence[UUID]) -> Claimed | None:
        """Take one slot whose lease is over, or whose holder is known to be dead; not those of jobs that are ``mine``."""
        found = await self._ask(
            "SELECT to_jsonb(t) FROM job_take_over($1, $2, $3::text[], $4::uuid[]) t",
            self._holder,
            self._lease,
            list(dead),
            list(mine),
        )
        return _claimed(json.loads(found)) if found else None

    async def finish(self, job: Claimed, end: Finish) -> JobState | None:
        """Write how a job ended and give its slot back; None when the slot is not ours any more."""
        state = await self._ask(
            "SELECT job_finish($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::jsonb, $14::jsonb)",
            job.org,
            job.id,
            self._holder,
            job.fence,
            str(end.state),
            str(end.reason),
            _storable(end.error),
            end.exit_code,
            end.signal,
            end.duration_ms,
            end.peak_memory,
            end.output_bytes,
            _json(end.progress),
            _json(end.result),
        )
        return JobState(state) if state else None

    async def show_progress(self, job: Claimed, progress: Any) -> None:  # noqa: ANN401 - any JSON
        """Write how far a running job has come."""
        await self._ask(
            "UPDATE jobs SET progress = $3::jsonb WHERE org_id = $1 AND id = $2 AND state = 'running' RETURNING 1",
            job.org,
            job.id,
            _json(progress),
        )

    async def depths(self) -> Sequence[tuple[str, int, int]]:
        """Return the queues of all tenants by name: how many jobs are pending and running."""
        found = await self._ask(
            "SELECT jsonb_agg(to_jsonb(d)) FROM (SELECT name, sum(pending)::bigint AS pending,"
            " sum(running)::bigint AS running FROM job_queues GROUP BY name) d"
        )
        return [(each["name"], each["pending"], each["running"]) for each in _list(found)]

    async def _ask(self, statement: str, *values: object) -> Any:  # noqa: ANN401 - one column of any type
        return await self._database.fetch_value(statement, *values)


def _claimed(row: dict[str, Any]) -> Claimed:
    return Claimed(
        UUID(row["org_id"]),
        UUID(row.get("job_id") or row["id"]),
        row["queue"],
        row["number"],
        row["workflow"],
        row.get("parameters") or {},
        row["reference"],
        row["fence"],
        float(row.get("waited") or 0),
    )


def _list(found: str | None) -> list[Any]:
    return list(json.loads(found)) if found else []


def _json(value: Any) -> str | None:  # noqa: ANN401 - any JSON
    """Write what a program told as JSON that PostgreSQL takes; what is none (NaN) is left out."""
    if value is None:
        return None
    try:
        written = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        return None
    return _storable(written.replace("\\u0000", "\\ufffd"))


def _storable(text: str | None) -> str | None:
    """PostgreSQL has no zero character and no half of a surrogate pair."""
    return text if text is None else text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
