"""`caravan doctor`."""

import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import psycopg
import typer
from redis import Redis
from redis.exceptions import RedisError

from caravan import __version__
from caravan.core.database import DatabaseAddress
from caravan.core.database.migrate import head_revision
from caravan.core.embedded.facts import ServerFacts, server_facts
from caravan.core.errors import CaravanError
from caravan.core.settings import Settings, SettingsError, load_settings
from caravan.entry.ports import refuse_taken_port

__all__ = ["app", "doctor"]

app = typer.Typer(add_completion=False)

_PACKAGES: Final = (
    "fastapi",
    "starlette",
    "pydantic",
    "sqlalchemy",
    "asyncpg",
    "psycopg",
    "celery",
    "redis",
    "uvicorn",
)
_OLDEST: Final = 15
_NEWEST: Final = 18
_MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Line:
    """One thing looked at; ``advice`` says what to do when it is not ``ok``."""

    mark: Literal["ok", "note", "bad"]
    what: str
    found: str
    advice: str = ""


@app.command()
def doctor() -> None:
    """Look at settings, servers, versions and memory; changes nothing. Exit code 1 when something is wrong."""
    bad = False
    for line in _examine():
        sign = {"ok": "✓", "note": "·", "bad": "✗"}[line.mark]
        print(f"{sign} {line.what:22} {line.found}")
        if line.advice:
            print(f"  {'':22} → {line.advice}")
        bad = bad or line.mark == "bad"
    if bad:
        raise typer.Exit(1)


def _examine() -> Iterator[Line]:
    yield from _machine()
    try:
        settings = load_settings()
    except SettingsError as error:
        for problem in error.message.splitlines():
            yield Line("bad", "setting", problem, error.fix)
        return
    yield Line("ok", "settings", f"environment {settings.environment}, home {settings.home.resolve()}")
    yield from _disk(settings)
    yield from _database(settings)
    yield from _redis(settings)
    yield _port(settings)


def _machine() -> Iterator[Line]:
    yield Line("ok", "caravan", __version__)
    yield Line("ok", "python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    versions = (f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)
    yield Line("ok", "libraries", ", ".join(versions))
    if sys.platform == "win32":
        yield _no_embedded("Windows")
    elif sys.platform == "linux" and platform.libc_ver()[0] != "glibc":
        yield _no_embedded("a Linux without glibc (musl, Alpine)")


def _no_embedded(where: str) -> Line:
    urls = bool(os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"))
    advice = "" if urls else "Set DATABASE_URL and REDIS_URL to servers of yours."
    return Line("ok" if urls else "bad", "embedded servers", f"not available on {where}", advice)


def _disk(settings: Settings) -> Iterator[Line]:
    home = settings.home if settings.home.exists() else settings.home.absolute().parent
    free = shutil.disk_usage(home).free // _MIB
    enough = free > 1024  # noqa: PLR2004 - a gibibyte holds the sample and its log many times
    yield Line("ok" if enough else "bad", "disk", f"{free:,} MiB free", "" if enough else "Free some space.")


def _database(settings: Settings) -> Iterator[Line]:
    if settings.database_url is None:
        facts = server_facts(settings.home)[0]
        yield _embedded("PostgreSQL", facts)
        if facts.url is not None:
            yield from _inside(DatabaseAddress.parse(facts.url))
        return
    yield from _inside(DatabaseAddress.parse(settings.database_url))


def _inside(address: DatabaseAddress) -> Iterator[Line]:
    try:
        with psycopg.connect(
            address.libpq(None, application="caravan doctor"), connect_timeout=5
        ) as connection:
            version = connection.info.server_version // 10_000
            supported = _OLDEST <= version <= _NEWEST
            advice = "" if supported else f"Caravan is tested on PostgreSQL {_OLDEST} to {_NEWEST}."
            yield Line(
                "ok" if supported else "bad", "PostgreSQL", f"version {version}, database answers", advice
            )
            yield _schema(connection)
    except psycopg.OperationalError as error:
        yield Line(
            "bad", "PostgreSQL", str(error).strip().splitlines()[0], "Check DATABASE_URL and that it runs."
        )


def _schema(connection: psycopg.Connection) -> Line:
    try:
        row = connection.execute("SELECT max(version_num) FROM alembic_version").fetchone()
    except psycopg.errors.UndefinedTable:
        row = None
    found, wanted = (row[0] if row else None), head_revision()
    if found == wanted:
        return Line("ok", "schema", str(found))
    return Line(
        "note", "schema", f"{found or 'empty'}, this code wants {wanted}", "Run `caravan db migrate`."
    )


def _redis(settings: Settings) -> Iterator[Line]:
    if settings.redis_url is None:
        yield _embedded("Valkey", server_facts(settings.home)[1])
        return
    try:
        with Redis.from_url(settings.redis_url, socket_timeout=3) as client:
            version = client.info("server")["redis_version"]
        yield Line("ok", "Redis", f"version {version}, answers")
    except (RedisError, OSError) as error:
        yield Line("bad", "Redis", str(error), "Check REDIS_URL. Limits are counted per process meanwhile.")


def _embedded(name: str, facts: ServerFacts) -> Line:
    if facts.problem is not None:
        return Line(
            "bad", name, facts.problem, f"Set {'DATABASE_URL' if name == 'PostgreSQL' else 'REDIS_URL'}."
        )
    size = f"{facts.data_bytes // _MIB} MiB on disk"
    if facts.pid is None or facts.memory is None:
        return Line(
            "note",
            name,
            f"{facts.version} from {facts.source}, not running, {size}",
            "`caravan up` starts it.",
        )
    used = (facts.memory.pss or facts.memory.rss) // _MIB
    running = f"{facts.version} from {facts.source}, pid {facts.pid}"
    return Line("ok", name, f"{running}, {used} MiB in {facts.memory.processes} processes, {size}")


def _port(settings: Settings) -> Line:
    where = f"{settings.host}:{settings.port}"
    try:
        refuse_taken_port(settings.host, settings.port, patience=0)
    except CaravanError:
        return Line(
            "note", "port", f"{where} is in use", "Fine when Caravan runs; else choose another with --port."
        )
    return Line("ok", "port", f"{where} is free")
