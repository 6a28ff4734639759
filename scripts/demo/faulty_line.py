"""A line to a side that fails a share of the requests on wish: python faulty_line.py PORT URL.

Everything passes as it came, but for what `POST /_defects {"share": 0.2}` asks for: every fifth request is then answered 500, as by a
side that is broken.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PORT, URL = int(sys.argv[1]), sys.argv[2]
_OWN = {"connection", "content-length", "transfer-encoding", "date", "server"}
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_asked = count()


@asynccontextmanager
async def _running(app: Starlette) -> AsyncIterator[None]:
    async with httpx2.AsyncClient(base_url=URL, timeout=30, trust_env=False) as client:
        app.state.client, app.state.share = client, 0.0
        yield


async def _switch(request: Request) -> Response:
    request.app.state.share = float((await request.json())["share"])
    return Response(status_code=204)


def _is_hit(share: float) -> bool:
    number = next(_asked)
    return int(number * share) != int((number + 1) * share)


async def _pass(request: Request) -> Response:
    if _is_hit(request.app.state.share):
        return Response("broken", status_code=500)
    sent = request.app.state.client.build_request(
        request.method,
        request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        headers=[(name, value) for name, value in request.headers.raw if name != b"connection"],
        content=await request.body() or None,
    )
    answer = await request.app.state.client.send(sent)
    headers = {name: value for name, value in answer.headers.items() if name not in _OWN}
    return Response(answer.content, answer.status_code, headers)


app = Starlette(
    routes=[Route("/_defects", _switch, methods=["POST"]), Route("/{path:path}", _pass, methods=_METHODS)],
    lifespan=_running,
)

if __name__ == "__main__":
    uvicorn.run(app, port=PORT, log_level="warning", server_header=False, date_header=False)
