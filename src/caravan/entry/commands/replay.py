"""`caravan migration replay`."""

import asyncio
import getpass
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from caravan.core.clock import utc_now
from caravan.entry.commands.record import recording_at
from caravan.entry.migration_database import note_measurements, written
from caravan.entry.replaying import Replayed, ReplayedSides, Replaying
from caravan.migration.conductor.saving import save_differences
from caravan.migration.config import MigrationConfig, read_config
from caravan.migration.contract.header_options import headers_of
from caravan.migration.exchange import Exchange
from caravan.migration.recording import Readings, Recording
from caravan.migration.shadow import Group, RouteVerdict
from caravan.migration.units import accepted_differences, masks_of_file

__all__ = ["replay"]

_DIFFERS: Final = 1
_NOTHING: Final = 2


def replay(  # noqa: PLR0913, PLR0917 - each is an option of the command line
    file: Annotated[Path, typer.Argument(help="The migration file, with [legacy], [new] and [[routes]].")],
    recordings: Annotated[list[str], typer.Argument(help="Names of recordings, or their folders.")],
    old: Annotated[str | None, typer.Option(help="Base URL of the old side, instead of the file's.")] = None,
    new: Annotated[str | None, typer.Option(help="Base URL of the new side, instead of the file's.")] = None,
    again: Annotated[str | None, typer.Option(help="Base URL of a second copy of the old side.")] = None,
    writes: Annotated[
        bool, typer.Option("--writes", help="Send writes too; all sides have to be copies made for this.")
    ] = False,
    header: Annotated[
        list[str] | None, typer.Option("--header", help="'Name: value', sent with each request.")
    ] = None,
    most: Annotated[int | None, typer.Option(min=1, help="Send at most so many exchanges.")] = None,
    at_once: Annotated[int, typer.Option(min=1, max=64, help="How many are on their way at a time.")] = 8,
    measure: Annotated[
        bool,
        typer.Option("--measure/--tell", help="Write the figures down for the gates, or only tell them."),
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report alone, as JSON.")] = False,
) -> None:
    """Send a recording to both sides and judge the answers, before any client is involved.

    Exit codes: 0 no difference, 1 differences are reported, 2 wrong use or nothing could be judged.
    """
    config = read_config(file)
    sides = _sides(config, old, new, again, header)
    exchanges = islice(Readings([Recording.existing(recording_at(name).folder) for name in recordings]), most)
    replaying = Replaying(config, sides, writes=writes, at_once=at_once)
    done = _measured(config, replaying, exchanges) if measure else _told_only(config, replaying, exchanges)
    if as_json:
        print(json.dumps(_as_json(done), indent=1, default=str))
    else:
        _print(done)
    raise typer.Exit(_DIFFERS if done.groups else 0 if _judged(done) else _NOTHING)


def _judged(done: Replayed) -> int:
    """Count what was judged: the replay itself also counts what the old side did not answer."""
    return sum(verdict.coverage.judged for verdict in done.verdicts)


def _sides(
    config: MigrationConfig, old: str | None, new: str | None, again: str | None, header: list[str] | None
) -> ReplayedSides:
    old = old or (config.legacy.base_url if config.legacy else None)
    new = new or (config.new.base_url if config.new else None)
    if old is None or new is None:
        raise typer.BadParameter(f"{config.file} names no {'[legacy]' if old is None else '[new]'} base_url")
    return ReplayedSides(old, new, again, tuple(headers_of(header or ()).items()))


def _measured(config: MigrationConfig, replaying: Replaying, exchanges: Iterable[Exchange]) -> Replayed:
    """Replay under what is accepted by now, and write figures and differences down."""
    with written(config) as (_, connection, scope):
        accepted = accepted_differences(connection, scope, config, utc_now().date())
        done = asyncio.run(replaying.run(exchanges, accepted, utc_now().date()))
        note_measurements(connection, scope, "replay", done.units, by=getpass.getuser())
        save_differences(connection, scope, done.rows, utc_now())
    return done


def _told_only(config: MigrationConfig, replaying: Replaying, exchanges: Iterable[Exchange]) -> Replayed:
    today = utc_now().date()
    accepted = [one for one in masks_of_file(config) if today <= one.until]
    return asyncio.run(replaying.run(exchanges, accepted, today))


def _print(done: Replayed) -> None:
    if done.bare:
        print(
            f"{done.bare:,} requests went without headers that were redacted; --header gives them back",
            file=sys.stderr,
        )
    for verdict in done.verdicts:
        print(f"{verdict.route}: {verdict.statement}")
        if verdict.weakened:
            kinds = ", ".join(f"{path} ({kind})" for path, kind in sorted(verdict.weakened.items()))
            print(f"  never the same twice on the old side, compared as such: {kinds}")
    for group in done.groups:
        _print_group(group)
    left = ", ".join(f"{count:,} x {why}" for why, count in sorted(done.left_out.items()))
    number = f"{len(done.groups)} difference{'' if len(done.groups) == 1 else 's'}"
    print(f"{_judged(done):,} judged, {number}{f'; left out: {left}' if left else ''}")


def _print_group(group: Group) -> None:
    difference, request = group.example.difference, group.example.request
    print(
        f"DIFFERS {group.cause} ({group.kind}): {', '.join(f'{path} of {route}' for route, path in group.members)}"
    )
    print(f"  {request.method} {request.target}")
    print(f"  old: {difference.old or 'nothing'}")
    print(f"  new: {difference.new or 'nothing'}")


def _as_json(done: Replayed) -> dict[str, Any]:
    return {
        "progress": asdict(done.progress),
        "left_out": dict(done.left_out),
        "without_redacted_headers": done.bare,
        "units": done.units,
        "routes": [_route_json(verdict) for verdict in done.verdicts],
        "differences": [
            {
                "cause": group.cause,
                "kind": group.kind,
                "members": group.members,
                "example": group.example.to_json(),
            }
            for group in done.groups
        ],
    }


def _route_json(verdict: RouteVerdict) -> dict[str, Any]:
    return {**asdict(verdict), "verdict": verdict.verdict.value, "statement": verdict.statement}
