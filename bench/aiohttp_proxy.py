"""A plain reverse proxy on aiohttp, as one writes it in an afternoon: ``python -m bench.aiohttp_proxy PORT ORIGIN``."""

import sys

from aiohttp import ClientSession, TCPConnector, web


async def main(origin: str) -> web.Application:
    session = ClientSession(connector=TCPConnector(limit=0), auto_decompress=False)

    async def passed(request: web.Request) -> web.StreamResponse:
        headers = {name: value for name, value in request.headers.items() if name.lower() != "connection"}
        body = await request.read() if request.body_exists else None
        async with session.request(
            request.method, origin + request.path_qs, headers=headers, data=body, allow_redirects=False
        ) as answer:
            kept = {
                name: value
                for name, value in answer.headers.items()
                if name.lower() in {"content-type", "date"}
            }
            return web.Response(status=answer.status, headers=kept, body=await answer.read())

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", passed)
    return app


if __name__ == "__main__":
    web.run_app(main(sys.argv[2]), host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
