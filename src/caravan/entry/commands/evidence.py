"""`caravan evidence`: what proves a migration, written into a folder and checked anywhere."""

from pathlib import Path
from typing import Annotated, Final

import typer

from caravan.core.clock import utc_now
from caravan.entry.migration_database import opened
from caravan.migration.config import read_config
from caravan.migration.cutover.evidence import export_evidence, verify_evidence

__all__ = ["app"]

_BROKEN: Final = 1
_NOT_BEGUN: Final = 2

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Journal, inputs, decisions, accepted differences and certificates of a migration: `export`, and `verify` without a database.",
)


@app.command("export")
def export(
    file: Annotated[Path, typer.Argument(help="The migration file.")],
    out: Annotated[Path, typer.Option(help="The folder to write; it must not be there yet.")] = Path(
        "evidence"
    ),
    inputs: Annotated[
        list[Path] | None,
        typer.Option("--input", help="A file that decisions rest on, such as a contract; may be repeated."),
    ] = None,
) -> None:
    """Write the evidence, and print the SHA-256 of its manifest: keep that elsewhere."""
    config = read_config(file)
    if out.exists():
        raise typer.BadParameter(f"{out} is there already; nothing was written")
    with opened(config) as (connection, scope):
        if scope is None:
            print(f"{file}: the migration {config.migration.name} was never begun")
            raise typer.Exit(_NOT_BEGUN)
        stamp = export_evidence(connection, scope, config, out, at=utc_now(), inputs=inputs or ())
    print(f"wrote {out}; the SHA-256 of its manifest is {stamp}")


@app.command("verify")
def verify(
    folder: Annotated[Path, typer.Argument(help="The folder that `export` wrote.")],
    manifest: Annotated[
        str | None, typer.Option(help="The SHA-256 that the export printed: shows a cut tail too.")
    ] = None,
) -> None:
    """Check every byte, the chain of the journal and what must agree with it; needs no database. Exit code 1: it does not hold."""
    proven = verify_evidence(folder, manifest=manifest)
    for problem in proven.problems:
        print(f"{problem.file}: {problem.said}")
    if proven.problems:
        print(f"the evidence of {proven.migration} does not hold")
        raise typer.Exit(_BROKEN)
    print(
        f"{proven.migration}: {proven.entries} entries and {proven.certificates} certificates, all of it holds"
    )
    print(f"the last hash is {proven.last_hash or 'none'}, the SHA-256 of the manifest {proven.manifest}")
