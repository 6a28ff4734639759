"""`caravan cutover`: the switch of a unit with data, there and back."""

import getpass
import json
import math
import sys
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from caravan.entry.commands.observe import app as observe
from caravan.entry.cutovers import opened_cutovers
from caravan.entry.migration_database import opened
from caravan.entry.tenants import ensured_tenants
from caravan.migration.config import MigrationConfig, read_config
from caravan.migration.cutover import (
    Cutovers,
    Drill,
    Moved,
    Probes,
    Use,
    file_certificate,
    planned_cutover,
    release_fences,
    standing_fences,
    units_of_uses,
)
from caravan.migration.cutover.declared_probes import DeclaredProbes
from caravan.migration.cutover.hold_shares import HoldShares, last_hold
from caravan.migration.cutover.observing.table_uses import stored_uses
from caravan.migration.load.planning import plan as planned
from caravan.migration.units import connected
from caravan.migration.units.ways import target_text

__all__ = ["app"]

_UNDONE: Final = 1
_CLOSED: Final = 3

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Switch a unit with its data to the new side, and back; drills; what was cut short is settled by the same command.",
)

app.add_typer(observe, name="observe")

File = Annotated[Path, typer.Argument(help="The migration file.")]
UnitName = Annotated[str, typer.Argument(help="A unit of the file.")]
By = Annotated[str | None, typer.Option(help="Who asks, for the journal; the user's name when left out.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


@app.command("plan")
def plan(file: File, unit: UnitName, as_json: AsJson = False) -> None:
    """Print every step with its inverse, and what stands against the switch now. Changes nothing. Exit code 3: it cannot begin."""
    with _cutovers(file, unit, None) as cutovers:
        found = planned_cutover(cutovers, unit)
    print(json.dumps(found.as_json(), indent=1) if as_json else "\n".join(found.told()))
    if not found.open:
        raise typer.Exit(_CLOSED)


@app.command("verify")
def verify(file: File, unit: UnitName, by: By = None) -> None:
    """Compare all of the unit's data while changes flow, for the guards. Exit code 3: rows differ."""
    with _cutovers(file, unit, by) as cutovers:
        figures = cutovers.verify(unit)
    print(
        f"{unit}: {figures['rows']} rows, {figures['differing']} differ, {figures['not_judged']} still changing"
    )
    if figures["differing"]:
        raise typer.Exit(_CLOSED)


@app.command("switch")
def switch(file: File, unit: UnitName, by: By = None) -> None:
    """Give write authority to the new side. Exit codes: 0 it is there, 1 undone, 2 wrong use, 3 something stands against it."""
    with _cutovers(file, unit, by) as cutovers:
        _tell(cutovers.switch(unit), cutovers)


@app.command("reverse")
def reverse(file: File, unit: UnitName, by: By = None) -> None:
    """Give write authority back to the old side: the same steps, with the roles swapped."""
    with _cutovers(file, unit, by) as cutovers:
        _tell(cutovers.reverse(unit), cutovers)


@app.command("ramp-down")
def ramp_down(file: File, unit: UnitName, by: By = None) -> None:
    """Say that the way back is not expected any more; the old side stays fenced and current."""
    with _cutovers(file, unit, by) as cutovers:
        _tell(cutovers.ramp_down(unit), cutovers)


@app.command("complete")
def complete(
    file: File,
    unit: UnitName,
    yes: Annotated[str, typer.Option(help="Your yes to what cannot be undone, in your words.")] = "",
    by: By = None,
) -> None:
    """End the flow back, for good. Needs the certificate of a drill, and a person's yes."""
    with _cutovers(file, unit, by) as cutovers:
        _tell(cutovers.complete(unit, yes), cutovers)


@app.command("settle")
def settle(file: File, unit: UnitName, by: By = None) -> None:
    """Finish or undo a switch that was cut short, and begin nothing."""
    with _cutovers(file, unit, by) as cutovers:
        settled = cutovers.settle(unit)
        if settled is None:
            print(f"{unit}: nothing was cut short")
        else:
            _tell(settled, cutovers)


@app.command("drill")
def drill(
    file: File,
    unit: UnitName,
    probes: Annotated[
        str,
        typer.Option(
            help="Who writes probes, as package.module:factory, called with the unit's name; else what [[drill.probes]] declares."
        ),
    ] = "",
    out: Annotated[Path, typer.Option(help="Where the certificate is filed.")] = Path("drills"),
    each: Annotated[int, typer.Option(min=1, help="Probes at each of the three moments.")] = 5,
    by: By = None,
) -> None:
    """Switch, write, reverse, look for every probe, and file a certificate. The unit ends where it began. Exit code 3: not passed."""
    with _cutovers(file, unit, by) as cutovers:
        writing = _made(probes, unit) if probes else _declared(cutovers, unit)
        certificate = Drill(cutovers, writing, each=each).run(unit)
    document, page = file_certificate(certificate, out)
    print(f"{'passed' if certificate.passed else 'FAILED'}; filed as {document} and {page.name}")
    for leg in certificate.legs:
        print(f"  {leg.name}: {leg.ended}, {leg.seconds:.2f} s, clients waited {leg.held_seconds:.3f} s")
    for problem in certificate.problems:
        print(f"  {problem}")
    if not certificate.passed:
        raise typer.Exit(_CLOSED)


@app.command("status")
def status(file: File, unit: UnitName, as_json: AsJson = False) -> None:
    """Print the unit's state, its flows, and the fences that stand. Changes nothing."""
    with _cutovers(file, unit, None) as cutovers:
        told = _status(cutovers, unit)
    if as_json:
        print(json.dumps(told, indent=1, default=str))
        return
    print(f"{unit} is {told['at']}" + (f"; cut short: {told['interrupted']}" if told["interrupted"] else ""))
    for name, flow in told["flows"].items():
        behind = "never begun" if flow["seconds"] is None else f"{flow['seconds']:.1f} s behind"
        carried = "carried" if flow["carried"] else "carried by NO process"
        print(f"  flow {name}: at {flow['applied']}, {behind}, {carried}, {flow['foreign']} foreign writes")
    if told["held"] is not None:
        print(
            f"  last switch: {HoldShares(told['held']['seconds'], tuple(told['held']['steps'].items())).told()}"
        )
    for fence in told["fences"]:
        print(
            f"  fence on the {fence['side']} side, {'whole' if fence['whole'] else 'in parts'}: {fence['transition']}"
        )


@app.command("release-fence")
def release_fence(
    file: File,
    unit: UnitName,
    only_print: Annotated[
        bool, typer.Option("--print", help="Only print the statements that do it by hand.")
    ] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Also the old side's while it is passive: its writes reach the new side no more."
        ),
    ] = False,
    by: By = None,
) -> None:
    """Settle what was cut short and take down the fences that stand, or print the statements for doing so by hand."""
    with _cutovers(file, unit, by) as cutovers:
        found = list(standing_fences(cutovers)) if only_print else release_fences(cutovers, unit, force=force)
    for fence in found:
        print(f"-- {fence.store}, transition {fence.transition}{'' if only_print else ': taken down'}")
        if only_print:
            print("\n".join(fence.by_hand))
    if not found:
        print("no fence stands")


@app.command("units")
def units(
    file: File,
    uses: Annotated[
        Path | None,
        typer.Option(
            help="What was observed elsewhere: a JSON object per line with request, route, table and operation;"
            " without it, what `caravan cutover observe` and dry runs have seen."
        ),
    ] = None,
) -> None:
    """Print which routes have to switch together by the tables they write. Exit code 3: declared units split write authority."""
    config = read_config(file)
    found = units_of_uses(config, _seen(config) if uses is None else _read(uses))
    print("\n".join(found.told()) or "nothing was seen writing")
    found.refuse_splits()


def _seen(config: MigrationConfig) -> list[Use]:
    with opened(config) as (connection, scope):
        return [] if scope is None else stored_uses(connection, scope)


def _read(uses: Path) -> list[Use]:
    try:
        text = uses.read_text(encoding="utf-8")
        return [Use.from_json(json.loads(line)) for line in text.splitlines() if line.strip()]
    except (OSError, ValueError, KeyError) as error:
        raise typer.BadParameter(f"{uses}: {error}") from None


def _cutovers(file: Path, unit: str, by: str | None) -> AbstractContextManager[Cutovers]:
    return opened_cutovers(read_config(file), unit, by or getpass.getuser())


def _tell(moved: Moved, cutovers: Cutovers) -> None:
    gates = cutovers.config.gates
    if moved.did == "nothing":
        print(f"{moved.unit} is {target_text(moved.after, gates)} already; nothing was done")
        return
    print(f"{moved.unit}: {moved.edge}: {moved.did}; it is {target_text(moved.after, gates)}")
    if cutovers.carrier.budget.held_for is not None and (held := _held(cutovers, moved.unit)) is not None:
        print(held.told())
    if moved.did == "unwound":
        print("what was cut short is undone; run the command again to begin anew", file=sys.stderr)
        raise typer.Exit(_UNDONE)


def _held(cutovers: Cutovers, unit: str) -> HoldShares | None:
    with connected(cutovers.address, read_only=True) as connection:
        return last_hold(connection, cutovers.scope, unit)


def _status(cutovers: Cutovers, unit: str) -> dict[str, Any]:
    found = planned_cutover(cutovers, unit)
    flows = {"forward": cutovers.parties.forward, "reverse": cutovers.parties.reverse}
    held = _held(cutovers, unit)
    return {
        "at": found.unit.at,
        "interrupted": found.unit.interrupted.edge if found.unit.interrupted else None,
        "flows": {
            name: {
                "applied": applied.number if (applied := flow.applied()) else None,
                "seconds": seconds if math.isfinite(seconds := flow.lag().seconds) else None,
                "carried": flow.carried(),
                "foreign": flow.foreign_writes(),
            }
            for name, flow in flows.items()
        },
        "fences": [
            {"side": one.side, "transition": str(one.transition), "whole": one.whole} for one in found.fences
        ],
        "held": held.as_json() if held is not None else None,
        **cutovers.parties.extra,
    }


def _declared(cutovers: Cutovers, unit: str) -> Probes:
    head = cutovers.config.migration
    tenant = ensured_tenants(cutovers.address, head.org, head.client)
    return DeclaredProbes(cutovers.config, unit, planned(cutovers.config, tenant), cutovers.address)


def _made(name: str, unit: str) -> Probes:
    module, colon, factory = name.partition(":")
    if not colon:
        raise typer.BadParameter(f"{name!r} names no factory; write package.module:factory")
    try:
        probes: Probes = getattr(import_module(module), factory)(unit)
    except (ImportError, AttributeError) as error:
        raise typer.BadParameter(f"{name}: {error}") from None
    return probes
