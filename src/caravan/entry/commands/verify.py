"""`caravan verify`."""

import sys
from getpass import getuser
from pathlib import Path
from typing import Annotated, Final

import typer

from caravan.core.database.migrate import migrate
from caravan.core.settings import load_settings
from caravan.entry.addresses import opened_servers
from caravan.entry.commands.load import load_request
from caravan.entry.default_command import DefaultCommandGroup
from caravan.entry.tenants import ensured_tenants
from caravan.entry.verification import Wish, verify_invariants, verify_pair, verify_records
from caravan.migration.config import read_config
from caravan.migration.load import print_verify_report, progress_for
from caravan.migration.load import verify as verify_load
from caravan.migration.verify.repair import plan_repair
from caravan.migration.verify.repair import repair as repair_now
from caravan.migration.verify.report import VerificationReport
from caravan.migration.verify.report_page import verification_page
from caravan.migration.verify.report_terminal import print_verification

__all__ = ["app", "verify"]

_SHOWN: Final = 20

app = typer.Typer(
    add_completion=False,
    cls=DefaultCommandGroup,
    no_args_is_help=True,
    help="`caravan verify FILE` holds what was loaded against the ledger and the source. `caravan verify records FILE` holds each"
    " record of the sources against the rows it should be now; `caravan verify tables FILE LEFT RIGHT` holds two tables of any two"
    " stores against each other; `caravan verify invariants FILE` holds declared figures of both sides.",
)

File = Annotated[Path, typer.Argument(help="The migration file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the report alone, as JSON.")]
Page = Annotated[
    Path | None,
    typer.Option(help="Write the report as an HTML page here; else below reports/ of the home folder."),
]
Live = Annotated[
    float | None,
    typer.Option(
        min=0,
        help="Both sides are written to: believe a difference that has stayed for so many seconds, not before.",
    ),
]
Afresh = Annotated[
    bool, typer.Option("--afresh", help="Forget what a verification that was cut short has judged.")
]


@app.command("run", help="Compare the target with its source by the ledger. The word `run` may be left out.")
def verify(
    file: File,
    source: Annotated[
        Path | None, typer.Option(help="Read from here instead of the file's source path.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Exit codes: 0 equal, 2 wrong use, 4 something differs."""
    settings = load_settings()
    config = read_config(file)
    with opened_servers(settings, redis=False) as addresses:
        report = verify_load(
            load_request(settings, addresses.database, config, source=source), progress_for()
        )
    if as_json:
        print(report.to_json())
    else:
        print_verify_report(report, sys.stdout)
    raise typer.Exit(report.exit_code)


@app.command()
def records(
    file: File,
    data_sets: Annotated[
        list[str] | None, typer.Argument(help="Of these data sets alone; of all when left out.")
    ] = None,
    live: Live = None,
    afresh: Afresh = False,
    as_json: AsJson = False,
    page: Page = None,
) -> None:
    """Compare each record of the sources with its rows, and the declared invariants. Exit codes: 0 same, 1 different, 2 not judged."""
    settings = load_settings()
    config = read_config(file)
    with opened_servers(settings, redis=False) as addresses:
        org_id, client_id = ensured_tenants(addresses.database, config.migration.org, config.migration.client)
        wish = Wish(config, addresses.database, org_id, client_id, live=live, afresh=afresh)
        report = verify_records(wish, data_sets or [])
    _tell(report, as_json=as_json, page=page or _page_of(settings.home, report))


@app.command()
def invariants(file: File, as_json: AsJson = False, page: Page = None) -> None:
    """Hold the declared figures, the mappings' rules and all references alone. Exit codes: 0 they hold, 1 one does not, 2 not judged."""
    settings = load_settings()
    config = read_config(file)
    with opened_servers(settings, redis=False) as addresses:
        org_id, client_id = ensured_tenants(addresses.database, config.migration.org, config.migration.client)
        report = verify_invariants(Wish(config, addresses.database, org_id, client_id))
    _tell(report, as_json=as_json, page=page or _page_of(settings.home, report))


@app.command()
def tables(  # noqa: PLR0913, PLR0917 - the options of a command
    file: File,
    left: Annotated[
        str, typer.Argument(help="SOURCE:TABLE, or target:TABLE for the platform's own database.")
    ],
    right: Annotated[str, typer.Argument(help="The other side, named alike.")],
    key: Annotated[list[str] | None, typer.Option(help="A column of the key; may be repeated.")] = None,
    columns: Annotated[
        list[str] | None, typer.Option("--column", help="Compare this column; may be repeated.")
    ] = None,
    live: Live = None,
    afresh: Afresh = False,
    connections: Annotated[int, typer.Option(min=1, max=64, help="Connections to each PostgreSQL.")] = 2,
    as_json: AsJson = False,
    page: Page = None,
) -> None:
    """Compare two tables, columns paired by name. Exit codes: 0 same, 1 different, 2 not judged or wrong use."""
    settings = load_settings()
    config = read_config(file)
    with opened_servers(settings, redis=False) as addresses:
        org_id, client_id = ensured_tenants(addresses.database, config.migration.org, config.migration.client)
        wish = Wish(
            config, addresses.database, org_id, client_id, live=live, afresh=afresh, connections=connections
        )
        report = verify_pair(wish, left, right, key=key or [], columns=columns or [])
    _tell(report, as_json=as_json, page=page or _page_of(settings.home, report))


@app.command()
def repair(
    file: File,
    do_it: Annotated[
        bool,
        typer.Option(
            "--do-it", help="Write what the plan says; without it the plan is printed and that is all."
        ),
    ] = False,
) -> None:
    """Write differing records again, from the source, by the load. Exit codes: 0 nothing differs (any more), 1 something does, 2 refused."""
    settings = load_settings()
    config = read_config(file)
    with opened_servers(settings, redis=False) as addresses:
        migrate(addresses.database)
        request = load_request(settings, addresses.database, config)
        plans = plan_repair(request)
        for one in plans:
            print(f"{one.data_set}: {len(one.records)} records in {len(one.chunks)} chunks are written again,"
                  f" {len(one.new)} are new, {len(one.left)} are in the target alone and left")  # fmt: skip
            for kind, keys in (("again", one.records), ("new", one.new), ("left", one.left)):
                for key in keys[:_SHOWN]:
                    print(f"  {kind} {key}")
        if not plans:
            print("nothing differs")
            return
        if not do_it:
            print("nothing was written; --do-it does")
            raise typer.Exit(1)
        outcome = repair_now(request, plans, by=getuser())
    report = VerificationReport(config.migration.name, list(outcome.after))
    print(f"{outcome.loaded:,} records written")
    print_verification(report, sys.stdout)
    raise typer.Exit(report.exit_code)


def _page_of(home: Path, report: VerificationReport) -> Path:
    return home.resolve() / "reports" / f"verify-{report.migration}.html"


def _tell(report: VerificationReport, *, as_json: bool, page: Path) -> None:
    if as_json:
        print(report.to_json())
    else:
        print_verification(report, sys.stdout)
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(verification_page(report), encoding="utf-8")
    print(f"the report as a page: {page}", file=sys.stderr)
    raise typer.Exit(report.exit_code)
