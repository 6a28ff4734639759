"""`caravan migration accept`."""

import getpass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal
from uuid import NAMESPACE_URL, uuid5

import typer

from caravan.core.principal import Principal, PrincipalKind
from caravan.core.settings import load_settings
from caravan.entry.migration_database import written
from caravan.migration.conductor import ADVANCE, ByHand
from caravan.migration.config import read_config

__all__ = ["accept"]


def accept(
    file: Annotated[Path, typer.Argument(help="The migration file, such as examples/rps/migration.toml.")],
    route: Annotated[str, typer.Argument(help="The route, as reports name it: 'GET /orders/{id}'.")],
    path: Annotated[str, typer.Argument(help="The place, as reports print it: '$.servedBy'.")],
    owner: Annotated[str, typer.Option(help="Who answers for it.")],
    reason: Annotated[str, typer.Option(help="Why it may differ.")],
    until: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], help="Its last day, at most 180 days away.")
    ],
    kind: Annotated[
        Literal["value", "missing", "extra", "type"],
        typer.Option(help="In which way it differs. What is no value has to have been found first."),
    ] = "value",
    by: Annotated[
        str | None, typer.Option(help="Who accepts, for the journal; the user's name when left out.")
    ] = None,
) -> None:
    """Answer for a difference of one route, path and kind until a day. With four eyes a second person has to agree."""
    config = read_config(file)
    who = by or getpass.getuser()
    person = Principal(
        PrincipalKind.USER, uuid5(NAMESPACE_URL, f"caravan:{who}"), name=who, scopes=frozenset((ADVANCE,))
    )
    with written(config) as (address, _, scope):
        acts = ByHand(address, scope, config, person, four_eyes=load_settings().conductor_four_eyes)
        outcome = acts.accept(route, path, owner=owner, reason=reason, until=until.date(), kind=kind)
    print(f"{route}: {path} ({kind}): {outcome.said}")
