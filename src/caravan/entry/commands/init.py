"""`caravan migration init`."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from caravan.entry.commands.record import recording_at
from caravan.migration.config import read_config_text
from caravan.migration.proposal import (
    NothingToProposeError,
    Proposal,
    host_of,
    merged,
    proposal_text,
    routes_of_exchanges,
    routes_of_har,
    routes_of_side,
)
from caravan.migration.recording import Readings, Recording

__all__ = ["init"]


def init(
    file: Annotated[Path, typer.Argument(help="The file to write.")] = Path("migration.toml"),
    har: Annotated[
        list[Path] | None, typer.Option(help="A HAR file to learn the routes from; may be repeated.")
    ] = None,
    recording: Annotated[
        list[str] | None, typer.Option(help="A recording to learn the routes from; may be repeated.")
    ] = None,
    legacy: Annotated[str | None, typer.Option(help="Base URL of the running old side.")] = None,
    new: Annotated[str | None, typer.Option(help="Base URL of the new side.")] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the migration; the folder's when left out.")
    ] = None,
    org: Annotated[str | None, typer.Option(help="Code of the organisation.")] = None,
) -> None:
    """Write a first migration file: asks on a terminal, or infers from traffic and a running old side. Writes over nothing."""
    if file.exists():
        print(f"{file} is there already; nothing was written")
        return
    known = Proposal(name or file.resolve().parent.name, org or "demo", legacy, new)
    archives, recordings = har or [], recording or []
    if sys.stdin.isatty() and not archives and not recordings and legacy is None:
        known, archives, recordings = _asked(known)
    seen = routes_of_har(archives, host=host_of(known.legacy) if known.legacy else None) if archives else []
    if recordings:
        found = [Recording.existing(recording_at(each).folder) for each in recordings]
        seen = merged(seen, routes_of_exchanges(Readings(found)))
    routes = merged(seen, routes_of_side(known.legacy) if known.legacy else [])
    if not routes:
        raise NothingToProposeError(
            "No traffic was given that shows a route, and no old side told its routes."
            if known.legacy is None
            else f"{known.legacy} serves no OpenAPI document, and no traffic was given that shows a route."
        )
    text = proposal_text(replace(known, routes=routes))
    read_config_text(file, text)
    file.write_text(text, encoding="utf-8")
    writes = sum(route.effect == "write" for route in routes)
    print(f"wrote {file}: {len(routes)} routes, {writes} of them proposed as write")
    print(f"look at each effect and key, then run `caravan migration check {file}`")


def _asked(known: Proposal) -> tuple[Proposal, list[Path], list[str]]:
    name = typer.prompt("Name of the migration", default=known.name)
    org = typer.prompt("Code of the organisation", default=known.org)
    legacy = typer.prompt("Base URL of the old side (empty for none)", default="") or None
    new = typer.prompt("Base URL of the new side (empty for none)", default=known.new or "") or None
    archive = typer.prompt("HAR file of traffic to the old side (empty for none)", default="")
    recording = typer.prompt("Recording of traffic to the old side (empty for none)", default="")
    known = Proposal(name, org, legacy, new)
    return known, [Path(archive)] if archive else [], [recording] if recording else []
