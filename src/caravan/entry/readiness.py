"""What readiness asks: database, schema, Redis, and whether background work moves."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from caravan.core.clock import utc_now
from caravan.core.database import Database
from caravan.core.database.migrate import head_revision
from caravan.core.http.health import Check
from caravan.core.limits import Limiter
from caravan.core.outbox import backlog, last_beats

__all__ = ["database_checks", "readiness_checks"]

_SILENT: Final = timedelta(seconds=60)
_LATE_SECONDS: Final = 60.0

ReadinessCheck = Callable[[], Awaitable[Check]]


def readiness_checks(
    database: Database, system: Database, limiter: Limiter, redis: Redis | None
) -> Mapping[str, ReadinessCheck]:
    """Return the checks by name. Without its database the service is not ready; without the rest it is degraded."""

    async def reaches_redis() -> Check:
        return await _redis(limiter, redis)

    async def background_moves() -> Check:
        return await _background(system)

    return {**database_checks(database), "redis": reaches_redis, "background": background_moves}


def database_checks(database: Database) -> Mapping[str, ReadinessCheck]:
    """Return the checks of what no service can do without."""

    async def reaches_database() -> Check:
        await database.fetch_value("SELECT 1")
        return Check(status="ok", detail="")

    async def has_schema() -> Check:
        found, wanted = (
            await database.fetch_value("SELECT max(version_num) FROM alembic_version"),
            head_revision(),
        )
        if found == wanted:
            return Check(status="ok", detail=str(found))
        return Check(
            status="failed", detail=f"database at {found}, code at {wanted}: run `caravan db migrate`"
        )

    return {"database": reaches_database, "schema": has_schema}


async def _redis(limiter: Limiter, redis: Redis | None) -> Check:
    alone = "limits are counted per process"
    if redis is None or limiter.degraded:
        return Check(status="degraded", detail=alone)
    try:
        await redis.ping()
    except (RedisError, OSError) as error:
        return Check(status="degraded", detail=f"{alone}: {error}")
    return Check(status="ok", detail="")


async def _background(system: Database) -> Check:
    async with system.read() as session:
        waiting = await backlog(session)
        beats = await last_beats(session)
    relays = [seen for (kind, _), seen in beats.items() if kind == "relay"]
    if not relays or utc_now() - max(relays) > _SILENT:
        return Check(status="degraded", detail=f"no worker has been heard; {waiting.new} events wait")
    if waiting.oldest_seconds > _LATE_SECONDS:
        return Check(status="degraded", detail=f"the oldest event waits for {waiting.oldest_seconds:.0f} s")
    parked = f"; {waiting.parked} parked" if waiting.parked else ""
    return Check(status="ok", detail=f"{waiting.new + waiting.relayed} events wait{parked}")
