"""`caravan db`."""

from typing import Annotated

import typer

from caravan.core.database.migrate import current_revision, head_revision, migrate, preparation
from caravan.core.settings import load_settings
from caravan.entry.addresses import opened_servers

__all__ = ["app"]

app = typer.Typer(add_completion=False, help="Roles and schema of the database.", no_args_is_help=True)


@app.command("migrate")
def migrate_command() -> None:
    """Bring roles and schema to the version of this code. Safe to run again, and beside a running service."""
    with opened_servers(load_settings(), redis=False, report=_tell) as addresses:
        applied = migrate(addresses.database)
    print("\n".join(f"applied {revision}" for revision in applied) or "nothing to do: the schema is current")


@app.command("status")
def status_command() -> None:
    """Tell the revision of the database and of this code; exit code 1 when they differ."""
    with opened_servers(load_settings(), redis=False, report=_tell) as addresses:
        found = current_revision(addresses.database)
    print(f"database {found or 'empty'}, code {head_revision()}")
    if found != head_revision():
        raise typer.Exit(1)


@app.command("roles")
def roles_command(
    database: Annotated[str, typer.Argument(help="Name of the database.")] = "caravan",
    user: Annotated[str, typer.Option(help="The user of DATABASE_URL, who takes the roles.")] = "caravan",
) -> None:
    """Print the statements that make the three roles, for an administrator who wants to run them."""
    print("\n".join(f"{statement};" for statement in preparation(database, user)))


def _tell(line: str) -> None:
    typer.echo(line, err=True)
