"""Health for orchestrators: alive, ready, started, and which version. No log-in, no secrets."""

import asyncio
from collections.abc import Awaitable
from typing import Any, Final, Literal, TypeAlias

import structlog
from fastapi import Request, Response
from pydantic import BaseModel

from caravan import __version__
from caravan.core.http.dependencies import public
from caravan.core.http.router import api_router
from caravan.core.http.state import state_of
from caravan.core.telemetry import metrics

__all__ = ["Check", "router"]

log = structlog.get_logger(__name__)

Outcome: TypeAlias = Literal["ok", "degraded", "failed"]
_PATIENCE: Final = 2.0

router = api_router("health", prefix="")


class Check(BaseModel):
    """One thing the service needs. ``degraded`` means it serves without it."""

    status: Outcome
    detail: str


class Readiness(BaseModel):
    status: Outcome
    checks: dict[str, Check]


class Version(BaseModel):
    name: str
    version: str


@router.get("/livez", operation_id="livez", dependencies=[public()], response_model=Check)
async def livez() -> Check:
    """Tell that this process answers; nothing else is asked."""
    return Check(status="ok", detail="")


@router.get("/readyz", operation_id="readyz", dependencies=[public()], response_model=Readiness)
async def readyz(request: Request, response: Response) -> Readiness:
    """Tell whether requests should be sent here: database, schema, Redis, background work."""
    checks = await _run_checks(request)
    worst: Outcome = "ok"
    if any(check.status == "failed" for check in checks.values()):
        worst = "failed"
        response.status_code = 503
    elif any(check.status == "degraded" for check in checks.values()):
        worst = "degraded"
    return Readiness(status=worst, checks=checks)


@router.get("/startupz", operation_id="startupz", dependencies=[public()], response_model=Readiness)
async def startupz(request: Request, response: Response) -> Readiness:
    """Tell whether start-up is over; the same checks as readiness."""
    return await readyz(request, response)


@router.get("/version", operation_id="version", dependencies=[public()], response_model=Version)
async def version() -> Version:
    """Tell which version answers."""
    return Version(name="caravan", version=__version__)


@router.get("/metrics", operation_id="metrics", dependencies=[public()], include_in_schema=False)
async def prometheus() -> Response:
    """Give the metrics of all processes of this service in Prometheus' text format."""
    return Response(metrics.exposition(), media_type=metrics.CONTENT_TYPE)


async def _run_checks(request: Request) -> dict[str, Check]:
    readiness = state_of(request.app).readiness
    outcomes = await asyncio.gather(*(_run(check()) for check in readiness.values()))
    return dict(zip(readiness, outcomes, strict=True))


async def _run(check: Awaitable[Any]) -> Check:
    try:
        async with asyncio.timeout(_PATIENCE):
            outcome = await check
    except TimeoutError:
        return Check(status="failed", detail=f"no answer within {_PATIENCE:g} s")
    except Exception as error:
        log.warning("readiness.failed", exc_info=error)
        return Check(status="failed", detail=type(error).__name__)
    assert isinstance(outcome, Check)  # noqa: S101 - checks are registered by our own start-up
    return outcome
