"""`caravan migration plan`, `status`, `measure`, `advance`, `back` and `journal`: units on their way."""

import getpass
import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from caravan.core.clock import utc_now
from caravan.entry.cutovers import opened_cutovers
from caravan.entry.migration_database import note_measurements, opened, written
from caravan.migration.conductor.steering import Movement, Steering
from caravan.migration.config import MigrationConfig, read_config
from caravan.migration.contract import read_contract
from caravan.migration.units import (
    Moved,
    UnitPlan,
    entries,
    plans,
    told,
    verify_chain,
)
from caravan.migration.units.contract_figures import contract_figures
from caravan.migration.units.errors import UnitUnknownError
from caravan.migration.units.states import STATES, SYNCED
from caravan.migration.units.ways import target_text

__all__ = ["app"]

_BROKEN: Final = 1
_KINDS: Final = ("replay", "shadow", "canary")

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Where units are, and their way.")

File = Annotated[Path, typer.Argument(help="The migration file, such as examples/rps/migration.toml.")]
UnitName = Annotated[str, typer.Argument(help="A unit of the file.")]
Target = Annotated[
    str, typer.Argument(help="A state, such as contracted, or a canary's stage, such as canary:5.")
]
By = Annotated[str | None, typer.Option(help="Who asks, for the journal; the user's name when left out.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


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
    with written(config) as (_, connection, scope):
        note_measurements(connection, scope, what, {unit: found}, by=by or getpass.getuser())
    print(f"{unit}: {what}: {json.dumps(found, ensure_ascii=False)}")


@app.command("advance")
def advance(file: File, unit: UnitName, to: Target, by: By = None) -> None:
    """Move a unit one edge on, when what was measured lets it and nobody holds it where it is. Run again, it does nothing, or finishes what was cut short.

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
    with opened(config) as (connection, scope):
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
    with opened(config) as (connection, scope):
        found = plans(connection, scope, config, utc_now())
    return [one for one in found if unit in (None, one.unit)]


def _moved(config: MigrationConfig, unit: str, to: str, by: str | None, *, back: bool) -> Moved:
    who = by or getpass.getuser()
    declared = config.unit(unit)
    if not back and declared is not None and declared.has_data and to == STATES[SYNCED].name:
        with opened_cutovers(config, unit, who) as cutovers:
            result = cutovers.advance(unit, to)
        return replace(result, edge=result.edge or target_text(result.after, config.gates))
    with written(config) as (address, _, scope):
        steering = Steering(address, scope, config, by=who, patience=0)
        wanted = Movement(unit, to, "asked for on the command line", back=back)
        result = steering.back(wanted) if back else steering.advance(wanted)
    return replace(result, edge=result.edge or target_text(result.after, config.gates))


def _told(moved: Moved) -> str:
    if moved.did == "nothing":
        return f"{moved.unit} is {moved.edge} already; nothing was done"
    return f"{moved.unit}: {moved.edge}: {moved.did}"
