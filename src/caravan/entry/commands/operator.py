"""`caravan migration operator`: somebody who may come into the console of an engine that runs alone."""

from typing import Annotated, Final

import typer

from caravan.migration.console import new_token, token_digest

__all__ = ["operator"]

_RIGHTS: Final = ("view", "accept", "switch")


def operator(
    name: Annotated[str, typer.Argument(help="As the journal will name them, such as mira.")],
    may: Annotated[
        list[str] | None,
        typer.Option(help="view, accept (answer for differences) or switch (move units); may be repeated."),
    ] = None,
) -> None:
    """Make a token for an operator, and print it once with what the migration file keeps of it. Writes nothing."""
    rights = may or ["view"]
    if wrong := [right for right in rights if right not in _RIGHTS]:
        raise typer.BadParameter(f"{', '.join(wrong)}: an operator may {', '.join(_RIGHTS)}")
    token = new_token()
    listed = ", ".join(f'"{right}"' for right in dict.fromkeys(rights))
    quoted = name if name.isascii() and name.replace("-", "").replace("_", "").isalnum() else f'"{name}"'
    typer.echo(f"token for {name}, shown this once: {token}", err=True)
    typer.echo(f'[operators.{quoted}]\ntoken = "{token_digest(token)}"\nmay = [{listed}]')
