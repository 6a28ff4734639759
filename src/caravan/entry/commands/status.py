"""`caravan status`."""

import json
from collections.abc import Iterator
from typing import Annotated, Any

import psycopg
import typer
from psycopg.rows import dict_row
from rich.console import Console
from rich.table import Table

from caravan.core.database import DatabaseAddress, Role
from caravan.core.settings import Settings, load_settings
from caravan.entry.addresses import opened_servers
from caravan.entry.answers import ask_readiness
from caravan.entry.migration_screen import as_json as as_plain
from caravan.entry.migration_screen import looks, screen

__all__ = ["app", "status"]

app = typer.Typer(add_completion=False)

_LOADS = """
SELECT k.migration, k.data_set, k.records, r.status, r.finished_at
FROM (SELECT org_id, migration, data_set, sum(records)::bigint AS records FROM (
          SELECT org_id, migration, data_set, count(*) AS records FROM engine.legacy_keys GROUP BY 1, 2, 3
          UNION ALL SELECT org_id, migration, data_set, cardinality(keys) FROM engine.packed_keys) one GROUP BY 1, 2, 3) k
LEFT JOIN (SELECT DISTINCT ON (org_id, migration) org_id, migration, status, finished_at
           FROM engine.load_runs ORDER BY org_id, migration, created_at DESC) r USING (org_id, migration)
ORDER BY k.migration, k.data_set
"""
_WAITING = "SELECT state, count(*) AS events, min(created_at) AS oldest FROM outbox WHERE state <> 'done' GROUP BY state"


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """What answers, what was loaded, where each migration is, what waits in the background."""
    settings = load_settings()
    with opened_servers(settings, redis=False) as addresses:
        found = _look(settings, addresses.database)
        migrations = list(looks(addresses.database))
    if as_json:
        told = {**found, "migrations": [as_plain(one) for one in migrations]}
        print(json.dumps(told, default=str, indent=1))
        return
    console = Console()
    for one in migrations:
        console.print(screen(one))
    for title, rows in found.items():
        console.print(_table(title, rows) if rows else f"{title}: none")


def _look(settings: Settings, address: DatabaseAddress) -> dict[str, list[dict[str, Any]]]:
    url = address.libpq(Role.SYSTEM, application="caravan status")
    with psycopg.connect(url, row_factory=dict_row) as connection:
        connection.read_only = True
        try:
            loads = connection.execute(_LOADS).fetchall()
            waiting = connection.execute(_WAITING).fetchall()
        except psycopg.errors.UndefinedTable:
            return {"processes": list(_processes(settings)), "loads": [], "waiting": []}
    return {"processes": list(_processes(settings)), "loads": loads, "waiting": waiting}


def _processes(settings: Settings) -> Iterator[dict[str, Any]]:
    answer = ask_readiness(settings)
    if answer is None:
        where = f"{settings.host}:{settings.port}"
        yield {"what": "api", "status": "not running", "detail": f"nothing of ours answers on {where}"}
        return
    for name, check in answer[1].items():
        yield {"what": name, **check}


def _table(title: str, rows: list[dict[str, Any]]) -> Table:
    table = Table(*rows[0], title=title, title_justify="left")
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    return table
