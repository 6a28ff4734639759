"""The bare side: a FastAPI application with nothing on, whose routes run one statement and return its bytes.

The same columns, joins and envelope as the service's read models; no tenant, no log-in, no limits, no log, no metrics.
"""

import os
import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
import uvicorn
from fastapi import FastAPI, Response

from bench.generated_orders import ORG

_REVISION: Final = Path(__file__).parents[1] / "migrations/versions/0007_read_models.py"


def _revision() -> Any:  # noqa: ANN401 - a migration has no type
    spec = spec_from_file_location("read_models_revision", _REVISION)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def statements() -> tuple[str, str]:
    """Return the list's statement ($1 organisation, $2 limit) and the detail's ($1 organisation, $2 order)."""
    revision = _revision()
    columns = revision.LISTS["orders"]["columns"]
    listed = f"""
        SELECT read_page_answer(a.bodies, a.keys, a.ids, $2, 'orders:-created_at') FROM (
            SELECT array_agg(r.body) AS bodies, array_agg(r.key) AS keys, array_agg(r.id) AS ids FROM (
                SELECT (SELECT row_to_json(x)::text FROM (SELECT {columns}) x) AS body, t.created_at::text AS key, t.id
                FROM orders t WHERE t.org_id = $1 AND t.deleted_at IS NULL
                ORDER BY t.created_at DESC, t.id DESC LIMIT $2 + 1) r OFFSET 0) a"""  # noqa: S608 - constants of ours
    around = re.sub(r"AND \(p_client IS NULL OR .\.client_id = p_client\)", "", revision.text_of("order.sql"))
    detail = f"""
        SELECT convert_to('{{"success":true,"data":' || (
            SELECT row_to_json(x)::text FROM (SELECT {columns}, {around.replace("p_org", "$1")}) x
        ) || ',"message":null,"errors":[],"pagination":null}}', 'UTF8')
        FROM orders t WHERE t.org_id = $1 AND t.id = $2 AND t.deleted_at IS NULL"""  # noqa: S608 - constants of ours
    return listed, detail


def application(url: str, pool_size: int) -> FastAPI:
    """Return the application on this database."""
    app = FastAPI()
    listed, detail = statements()
    pools: list[asyncpg.Pool] = []

    async def pool() -> asyncpg.Pool:
        if not pools:
            pools.append(
                await asyncpg.create_pool(
                    url,
                    min_size=1,
                    max_size=pool_size,
                    reset=_no_reset,
                    server_settings={"TimeZone": "UTC", "jit": "off"},
                )
            )
        return pools[0]

    @app.get("/api/v1/orders")
    async def orders(limit: int = 20) -> Response:
        body = await (pools[0] if pools else await pool()).fetchval(listed, ORG, limit)
        return Response(body, media_type="application/json")

    @app.get("/api/v1/orders/{order_id}")
    async def order(order_id: UUID) -> Response:
        body = await (pools[0] if pools else await pool()).fetchval(detail, ORG, order_id)
        return Response(body, media_type="application/json")

    return app


async def _no_reset(_connection: asyncpg.Connection) -> None:
    return


if __name__ == "__main__":
    uvicorn.run(
        application(os.environ["DATABASE_URL"], int(os.environ["CARAVAN_READ_POOL"])),
        host="127.0.0.1",
        port=int(os.environ["CARAVAN_PORT"]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
