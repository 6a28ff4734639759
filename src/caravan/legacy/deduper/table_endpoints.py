"""Health, and clearing the table."""

import structlog
from fastapi import Request
from starlette.responses import Response

from caravan.core.clock import utc_now
from caravan.legacy.deduper.answers import DeduperUnhealthyAnswer
from caravan.legacy.deduper.clearing import clear_table
from caravan.legacy.deduper.environment import Programs
from caravan.legacy.deduper.failures import told
from caravan.legacy.deduper.health import health_body
from caravan.legacy.deduper.job_answers import stamp
from caravan.legacy.deduper.json_form import JSON, json_answer
from caravan.legacy.deduper.queue import queue_of

__all__ = ["clear", "health"]

log = structlog.get_logger(__name__)


async def health(request: Request) -> Response:
    """Tell whether a job could be launched now, and how many jobs there are."""
    try:
        body = health_body(Programs.now(), await queue_of(request).counts())
    except Exception as error:
        log.exception("deduper.health_failed")
        return json_answer(DeduperUnhealthyAnswer(error=told(error), timestamp=stamp(utc_now())), 500)
    return Response(body, media_type=JSON)


async def clear(request: Request) -> Response:
    """End every job, then empty the table with the program's own command."""
    status, answer = await clear_table(queue_of(request))
    return json_answer(answer, status)
