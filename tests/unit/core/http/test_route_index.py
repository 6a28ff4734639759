"""The index finds what the framework would find by trying every route."""

import httpx2
import pytest
from fastapi import APIRouter, FastAPI
from starlette.responses import PlainTextResponse

from caravan.core.http.route_index import RouteIndex, install_routes

PATHS = [
    "/shop/orders",
    "/shop/orders/{order}",
    "/shop/orders/latest",
    "/shop/{kind}",
    "/shop/{kind}/count",
    "/files/{name:path}",
    "/pages/{page}.html",
    "/",
    "/shop/",
]
ASKED = [
    "/shop/orders",
    "/shop/orders/7",
    "/shop/orders/latest",
    "/shop/carts",
    "/shop/carts/count",
    "/shop/orders/count",
    "/files/a/b/c",
    "/files/",
    "/files",
    "/pages/start.html",
    "/pages/start",
    "/",
    "/shop/",
    "/shop",
    "/shop/orders/",
    "/shop/orders/7/8",
    "//shop/orders",
    "/mounted",
    "/mounted/x/y",
    "/nowhere",
    "",
]


def shop_router() -> APIRouter:
    router = APIRouter()
    for path in PATHS:

        async def shown(path: str = path) -> str:
            return path

        router.add_api_route(path, shown, methods=["GET"])

    async def posted() -> str:
        return "posted"

    router.add_api_route("/shop/orders", posted, methods=["POST"])

    async def mounted(scope, receive, send) -> None:
        await PlainTextResponse(f"mounted {scope['path']}")(scope, receive, send)

    router.mount("/mounted", mounted)
    return router


def client(app: FastAPI) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://x")


def plain() -> FastAPI:
    app = FastAPI(redirect_slashes=False, openapi_url=None)
    app.include_router(shop_router())
    return app


def indexed() -> FastAPI:
    app = FastAPI(redirect_slashes=False, openapi_url=None)
    install_routes(app, [shop_router()])
    return app


@pytest.mark.asyncio
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("path", ASKED)
async def test_it_answers_as_the_framework_does(method: str, path: str) -> None:
    async with client(plain()) as one, client(indexed()) as other:
        expected = await one.request(method, path)
        found = await other.request(method, path)
    assert (found.status_code, found.text) == (expected.status_code, expected.text)
    assert found.headers.get("allow") == expected.headers.get("allow")


def test_only_routes_that_may_match_are_tried() -> None:
    index = RouteIndex(indexed().router)
    tried = [getattr(route, "path", "") for route in index.candidates("/shop/orders/7").routes]
    assert tried == ["/shop/orders/{order}", "/mounted"]


def test_the_same_routes_share_a_router_however_many_ids_are_asked_for() -> None:
    index = RouteIndex(indexed().router)
    assert index.candidates("/shop/orders/7") is index.candidates("/shop/orders/8")


@pytest.mark.asyncio
async def test_routes_that_come_later_are_found() -> None:
    app = indexed()
    async with client(app) as ask:
        assert (await ask.get("/late")).status_code == 404

        async def late() -> str:
            return "late"

        app.add_api_route("/late", late)
        included = APIRouter(prefix="/included")
        included.add_api_route("/x", late)
        app.include_router(included)
        assert (await ask.get("/late")).json() == "late"
        assert (await ask.get("/included/x")).json() == "late"


@pytest.mark.asyncio
async def test_a_path_below_a_root_path_is_found() -> None:
    transport = httpx2.ASGITransport(app=indexed(), root_path="/behind")
    async with httpx2.AsyncClient(transport=transport, base_url="http://x") as ask:
        assert (await ask.get("/behind/shop/orders")).json() == "/shop/orders"


def test_the_documentation_is_that_of_included_routers() -> None:
    one, other = FastAPI(), FastAPI()
    one.include_router(shop_router())
    install_routes(other, [shop_router()])
    assert one.openapi() == other.openapi()


@pytest.mark.asyncio
async def test_what_is_no_request_goes_to_the_framework() -> None:
    app = indexed()
    asked: list[str] = []

    async def receive() -> dict[str, str]:
        asked.append("asked")
        return {"type": "lifespan.startup" if len(asked) == 1 else "lifespan.shutdown"}

    told: list[str] = []

    async def send(message) -> None:
        told.append(message["type"])

    await app({"type": "lifespan", "app": app, "state": {}}, receive, send)
    assert told == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
