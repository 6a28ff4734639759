"""The nine endpoints at their old addresses. Nobody logs in: the legacy's callers never did."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from starlette.responses import HTMLResponse, JSONResponse

from caravan.core.http import public
from caravan.legacy.deduper import answers
from caravan.legacy.deduper.addresses import LegacyRoute, MergedSlashes
from caravan.legacy.deduper.echo import echo
from caravan.legacy.deduper.front_page import front_page
from caravan.legacy.deduper.job_endpoints import cancel, create, create_for_report, list_of_jobs, status
from caravan.legacy.deduper.table_endpoints import clear, health

__all__ = ["router"]

_NAMES: Final = re.compile(r"{(\w+)}")


@dataclass(frozen=True, slots=True)
class _Line:
    """One row of the table below; ``models`` are the answers by status."""

    method: str
    path: str
    endpoint: Callable[[Request], Any]
    operation: str
    models: Mapping[int, Any]
    kind: type[Response] = JSONResponse


_ROUTES: Final = (
    _Line("GET", "/", front_page, "deduperFrontPage", {}, HTMLResponse),
    _Line("GET", "/test", echo, "deduperEcho", {200: Any}),
    _Line("POST", "/test", echo, "deduperEchoPosted", {200: Any}),
    _Line(
        "GET",
        "/deduper/jobs",
        create,
        "deduperCreateJob",
        {201: answers.DeduperCreatedJob, 500: answers.DeduperProblem},
    ),
    _Line("GET", "/deduper/jobs/list", list_of_jobs, "deduperListJobs", {200: answers.DeduperJobList}),
    _Line(
        "GET",
        "/deduper/jobs/reportId/{reportId}",
        create_for_report,
        "deduperCreateReportJob",
        {201: answers.DeduperCreatedReportJob, 500: answers.DeduperProblem},
    ),
    _Line(
        "GET",
        "/deduper/jobs/{id}",
        status,
        "deduperGetJob",
        {200: answers.DeduperJobDetail, 404: answers.DeduperProblem},
    ),
    _Line(
        "POST",
        "/deduper/jobs/{id}/cancel",
        cancel,
        "deduperCancelJob",
        {
            200: answers.DeduperCancelledJob,
            400: answers.DeduperProblem,
            404: answers.DeduperProblem,
            500: answers.DeduperProblem,
        },
    ),
    _Line(
        "GET",
        "/deduper/health",
        health,
        "deduperHealth",
        {200: answers.DeduperHealth, 500: answers.DeduperUnhealthyAnswer},
    ),
    _Line(
        "DELETE",
        "/deduper/clear-db-table",
        clear,
        "deduperClearTable",
        {200: answers.DeduperCleared, 500: answers.DeduperCleared | answers.DeduperClearFailed},
    ),
)


def router() -> APIRouter:
    """Return the routes, static paths before those with parameters."""
    made = APIRouter(tags=["deduper"], route_class=LegacyRoute)
    for line in _ROUTES:
        made.add_api_route(
            line.path,
            line.endpoint,
            methods=[line.method],
            operation_id=line.operation,
            dependencies=[public()],
            response_model=None,
            response_class=line.kind,
            status_code=min(line.models, default=200),
            responses={code: {"model": model} for code, model in line.models.items()},
            openapi_extra={"parameters": [_parameter(name) for name in _NAMES.findall(line.path)]},
        )
    routes = [route for route in made.routes if isinstance(route, LegacyRoute)]
    for route in routes:
        others = [other.methods or set() for other in routes if other.path == route.path]
        route.share(frozenset[str]().union(*others))
    made.routes.append(MergedSlashes(routes))
    return made


def _parameter(name: str) -> dict[str, Any]:
    kind = {"type": "string"} if name == "id" else {"type": "integer", "minimum": 0}
    return {"name": name, "in": "path", "required": True, "schema": kind}
