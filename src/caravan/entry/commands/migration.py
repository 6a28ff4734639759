"""`caravan migration`."""

import getpass
import json
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import psycopg
import typer

from caravan.core.clock import utc_now
from caravan.core.database import DatabaseAddress
from caravan.core.database.migrate import migrate
from caravan.core.settings import load_settings
from caravan.entry.addresses import opened_servers
from caravan.entry.commands import probe
from caravan.entry.tenants import ensured_tenants
from caravan.migration.config import MigrationConfig, read_config, read_config_text
from caravan.migration.config.advice import advice
from caravan.migration.config.positions import nearest_position, positions
from caravan.migration.config.reading import named
from caravan.migration.contract import read_contract
from caravan.migration.proposal import (
    NothingToProposeError,
    Proposal,
    host_of,
    merged,
    proposal_text,
    routes_of_har,
    routes_of_side,
)
from caravan.migration.units import (
    Coordinator,
    Moved,
    Scope,
    UnitPlan,
    append,
    connected,
    entries,
    held_lease,
    look_at_sides,
    plans,
    record_measurement,
    register,
    told,
    verify_chain,
)
from caravan.migration.units.contract_figures import contract_figures
from caravan.migration.units.errors import UnitUnknownError
from caravan.migration.units.gateway_publisher import GatewayPublisher
from caravan.migration.units.ways import target_text

__all__ = ["app"]

_BROKEN: Final = 1
_KINDS: Final = ("replay", "shadow", "canary")

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="The migration file, and the way of each unit: `init`, `check`, `plan`, `status`, `measure`,"
    " `advance`, `back`, `journal`, `probe`.",
)
app.add_typer(probe.app, name="probe")

File = Annotated[Path, typer.Argument(help="The migration file, such as examples/rps/migration.toml.")]
UnitName = Annotated[str, typer.Argument(help="A unit of the file.")]
Target = Annotated[
    str, typer.Argument(help="A state, such as contracted, or a canary's stage, such as canary:5.")
]
By = Annotated[str | None, typer.Option(help="Who asks, for the journal; the user's name when left out.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


@app.command("init")
def init(
    file: Annotated[Path, typer.Argument(help="The file to write.")] = Path("migration.toml"),
    har: Annotated[
        list[Path] | None, typer.Option(help="Recorded traffic to learn the routes from; may be repeated.")
    ] = None,
    legacy: Annotated[str | None, typer.Option(help="Base URL of the running old side.")] = None,
    new: Annotated[str | None, typer.Option(help="Base URL of the new side.")] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the migration; the folder's when left out.")
    ] = None,
    org: Annotated[str | None, typer.Option(help="Code of the organisation.")] = None,
) -> None:
    """Write a first migration file: asks on a terminal, or infers from a HAR file and a running old side. Writes over nothing."""
    if file.exists():
        print(f"{file} is there already; nothing was written")
        return
    known = Proposal(name or file.resolve().parent.name, org or "demo", legacy, new)
    archives = har or []
    if sys.stdin.isatty() and not archives and legacy is None:
        known, archives = _asked(known)
    seen = routes_of_har(archives, host=host_of(known.legacy) if known.legacy else None) if archives else []
    routes = merged(seen, routes_of_side(known.legacy) if known.legacy else [])
    if not routes:
        raise NothingToProposeError(
            "No HAR file was given, and no old side told its routes."
            if known.legacy is None
            else f"{known.legacy} serves no OpenAPI document, and no HAR file was given."
        )
    text = proposal_text(replace(known, routes=routes))
    read_config_text(file, text)
    file.write_text(text, encoding="utf-8")
    writes = sum(route.effect == "write" for route in routes)
    print(f"wrote {file}: {len(routes)} routes, {writes} of them proposed as write")
    print(f"look at each effect and key, then run `caravan migration check {file}`")


@app.command("check")
def check(file: File) -> None:
    """Check a migration file; each problem with line and column, and what to do. Exit code 2 when something is wrong."""
    config = read_config(file)
    text = file.read_text(encoding="utf-8")
    found, data = positions(text), tomllib.loads(text)
    notes = 0
    for item in advice(config, utc_now().date()):
        notes += 1
        line, column = nearest_position(found, item.place) or (1, 1)
        print(f"{file}:{line}:{column}: note: {'.'.join(named(item.place, data))}: {item.said}")
    print(
        f"{file}: {len(config.routes)} routes, {len(config.units)} units, {len(config.data_sets)} data sets;"
        f" nothing is wrong{f', {notes} notes' if notes else ''}"
    )


@app.command("plan")
def plan(
    file: File,
    unit: Annotated[str | None, typer.Argument(help="Only this unit.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print each unit's ways from where it is, what stands against them, the steps and their inverse. Changes nothing."""
    found = _looked(read_config(file), unit)
    if as_json:
        print(json.dumps([one.as_json() for one in found], indent=1))
        return
    print("\n".join(line for one in found for line in told(one)) or "the file has no units")


@app.command("status")
def status(file: File, as_json: AsJson = False) -> None:
    """Print where each unit is. Changes nothing."""
    found = _looked(read_config(file), None)
    if as_json:
        kept = ("unit", "state", "at", "reads", "writes", "values", "entered_at", "routes", "interrupted")
        print(json.dumps([{key: one.as_json()[key] for key in kept} for one in found], indent=1))
        return
    for one in found:
        since = f"since {one.entered_at:%Y-%m-%d %H:%M} UTC" if one.entered_at else "not begun"
        cut = f"; interrupted: {one.interrupted.edge}" if one.interrupted else ""
        print(f"{one.unit:24} {one.at:14} {len(one.routes):3} routes  {since}{cut}")
    if not found:
        print("the file has no units")


@app.command("measure")
def measure(
    file: File,
    unit: UnitName,
    contract: Annotated[Path | None, typer.Option(help="A contract file: measures `contract`.")] = None,
    kind: Annotated[
        str | None, typer.Option(help="What the figures are of: replay, shadow or canary.")
    ] = None,
    figures: Annotated[Path | None, typer.Option(help="A JSON file with figures of this kind.")] = None,
    by: By = None,
) -> None:
    """Write down what was measured of a unit, for its guard; the journal says by whom."""
    config = read_config(file)
    _declared(config, unit)
    if contract is not None:
        what, found = "contract", contract_figures(config, unit, read_contract(contract))
    elif kind in _KINDS and figures is not None:
        what, found = kind, _figures(figures)
    else:
        raise typer.BadParameter(
            "give --contract FILE, or --kind replay, shadow or canary with --figures FILE"
        )
    who = by or getpass.getuser()
    with (
        _written(config) as (_, connection, scope),
        connection.transaction(),
        connection.cursor() as cursor,
    ):
        record_measurement(connection, scope, unit, what, found, at=utc_now())
        facts = {"name": what, "figures": found}
        append(cursor, scope, at=utc_now(), phase="measured", by=who, facts=facts, unit=unit)
    print(f"{unit}: {what}: {json.dumps(found, ensure_ascii=False)}")


@app.command("advance")
def advance(file: File, unit: UnitName, to: Target, by: By = None) -> None:
    """Move a unit one edge on, when what was measured lets it. Run again, it does nothing, or finishes what was cut short.

    Exit codes: 0 it is there, 2 it cannot be asked, 3 a gate is closed, 1 another error.
    """
    print(_told(_moved(read_config(file), unit, to, by, back=False)))


@app.command("back")
def back(file: File, unit: UnitName, to: Target, by: By = None) -> None:
    """Move a unit one edge back; no gate stands in the way. A transition that was cut short is unwound."""
    print(_told(_moved(read_config(file), unit, to, by, back=True)))


@app.command("journal")
def journal(
    file: File,
    unit: Annotated[str | None, typer.Option(help="Only entries of this unit.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One entry per line, as the hashes cover it.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check the chain of all entries; exit code 1 when it is broken.")
    ] = False,
) -> None:
    """Print what was done to the units, by whom, on which figures."""
    config = read_config(file)
    with _opened(config) as (connection, scope):
        listed = [] if scope is None else list(entries(connection, scope, None if verify else unit))
    if verify:
        broken = verify_chain(entry.as_json() for entry in listed)
        if broken is not None:
            print(f"the journal does not hold: {broken.said}")
            raise typer.Exit(_BROKEN)
        print(
            f"{len(listed)} entries, the chain holds; the last hash is {listed[-1].hash if listed else 'none'}"
        )
        return
    for entry in listed:
        if as_json:
            print(json.dumps(entry.as_json(), ensure_ascii=False, sort_keys=True))
        else:
            about = entry.facts.get("edge") or entry.facts.get("name") or ""
            print(
                f"{entry.number:6} {entry.at:%Y-%m-%d %H:%M:%S} {entry.unit or '-':20} {entry.phase:10} {about}  ({entry.by})"
            )


def _asked(known: Proposal) -> tuple[Proposal, list[Path]]:
    name = typer.prompt("Name of the migration", default=known.name)
    org = typer.prompt("Code of the organisation", default=known.org)
    legacy = typer.prompt("Base URL of the old side (empty for none)", default="") or None
    new = typer.prompt("Base URL of the new side (empty for none)", default=known.new or "") or None
    archive = typer.prompt("HAR file of traffic to the old side (empty for none)", default="")
    return Proposal(name, org, legacy, new), [Path(archive)] if archive else []


def _figures(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{file}: {error}") from None
    if not isinstance(found, dict):
        raise typer.BadParameter(f"{file}: this is no JSON object")
    return found


def _declared(config: MigrationConfig, unit: str) -> None:
    if config.unit(unit) is None:
        known = ", ".join(each.name for each in config.units) or "none"
        raise UnitUnknownError(f"{config.file}: there is no unit {unit!r}; there are {known}.")


def _looked(config: MigrationConfig, unit: str | None) -> list[UnitPlan]:
    if unit is not None:
        _declared(config, unit)
    with _opened(config) as (connection, scope):
        found = plans(connection, scope, config, utc_now())
    return [one for one in found if unit in (None, one.unit)]


@contextmanager
def _opened(config: MigrationConfig) -> Iterator[tuple[psycopg.Connection, Scope | None]]:
    """Open a read-only connection; without a scope where the organisation is not there yet."""
    settings = load_settings()
    with (
        opened_servers(settings, redis=False) as addresses,
        connected(addresses.database, read_only=True) as connection,
    ):
        row = connection.execute(
            "SELECT id FROM organisations WHERE code = %s", (config.migration.org,)
        ).fetchone()
        yield connection, None if row is None else Scope(row[0], config.migration.name)


@contextmanager
def _written(config: MigrationConfig) -> Iterator[tuple[DatabaseAddress, psycopg.Connection, Scope]]:
    """Open a connection to an up-to-date schema, in an organisation that is there."""
    settings = load_settings()
    with opened_servers(settings, redis=False) as addresses:
        migrate(addresses.database)
        org, _ = ensured_tenants(addresses.database, config.migration.org, config.migration.client)
        with connected(addresses.database) as connection:
            yield addresses.database, connection, Scope(org, config.migration.name)


def _moved(config: MigrationConfig, unit: str, to: str, by: str | None, *, back: bool) -> Moved:
    who = by or getpass.getuser()
    with _written(config) as (address, connection, scope), held_lease(connection, scope) as lease:
        register(connection, scope, config, by=who, at=utc_now())
        if not back and config.unit(unit) is not None:
            record_measurement(connection, scope, unit, "sides", look_at_sides(config), at=utc_now())
        coordinator = Coordinator(
            connection, scope, config, GatewayPublisher(address, config, by=who), by=who
        )
        move = coordinator.back if back else coordinator.advance
        result = move(lease, unit, to)
    return replace(result, edge=result.edge or target_text(result.after, config.gates))


def _told(moved: Moved) -> str:
    if moved.did == "nothing":
        return f"{moved.unit} is {moved.edge} already; nothing was done"
    return f"{moved.unit}: {moved.edge}: {moved.did}"
