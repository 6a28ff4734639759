"""`caravan contract`."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import typer

from caravan.entry.commands.record import recording_at
from caravan.migration.config import read_config
from caravan.migration.contract import (
    Contract,
    Effect,
    Inventory,
    ensure_unchanged,
    evidence_path,
    freeze,
    inventory,
    learn,
    read_contract,
    read_samples,
    relearn,
    write_contract,
    write_evidence,
)
from caravan.migration.contract.checking import (
    CheckReport,
    CheckResult,
    cases_of,
    check,
    http_asker,
    junit_xml,
)
from caravan.migration.contract.header_options import headers_of
from caravan.migration.contract.matrix import parity_matrix
from caravan.migration.contract.openapi import openapi_document
from caravan.migration.contract.probing import ProbeLimits, ProbeReport, probe
from caravan.migration.recording import Readings, Recording

__all__ = ["app"]

_DEFAULT: Final = Path("contract.toml")

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="What each route takes and answers: learnt from recorded traffic, reviewed, checked against any server.",
)

File = Annotated[Path, typer.Option("--file", "-f", help="The contract file.")]
Headers = Annotated[list[str] | None, typer.Option("--header", help="'Name: value', sent with each request.")]
Routes = Annotated[
    list[str] | None, typer.Option("--route", help="Only routes like this, such as 'GET /orders*'.")
]
Writes = Annotated[bool, typer.Option("--writes", help="Ask routes that write, too.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the report alone, as JSON.")]
Timeout = Annotated[float, typer.Option(min=0.1, help="Seconds to wait for an answer.")]


@app.command("learn")
def learn_command(
    recordings: Annotated[list[str], typer.Argument(help="Names of recordings, or their folders.")],
    file: File = _DEFAULT,
    migration: Annotated[
        Path | None, typer.Option(help="migration.toml: its [[routes]] win, with their effects.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would change, write nothing.")
    ] = False,
) -> None:
    """Learn a contract, or learn again onto one: reviewed routes stay as they are, and every change is told."""
    found = [Recording.existing(recording_at(name).folder) for name in recordings]
    readings = Readings(found)
    known = read_contract(file) if file.exists() else None
    name = known.name if known else found[0].folder.name
    learnt = learn(readings, name=name, declared=_declared(known, migration))
    for damage in readings.damages:
        _tell(f"damage: {damage}")
    contract = learnt.contract
    if known is not None:
        contract, changes = relearn(known, learnt.contract)
        for change in changes:
            print(change)
        print(f"{len(changes)} changes")
    if not dry_run:
        write_contract(file, contract)
        write_evidence(evidence_path(file), learnt, contract)
        _tell(f"written: {file} to review, and {evidence_path(file)} with counts and samples")
    _print_inventory(inventory(learnt, contract))


@app.command("freeze")
def freeze_command(file: File = _DEFAULT) -> None:
    """Mark the contract with the hash of what it says: from then on a change is noticed."""
    contract = freeze(read_contract(file))
    write_contract(file, contract)
    unreviewed = [key for key, route in contract.routes.items() if not route.reviewed]
    print(f"{file}: frozen as {contract.frozen}, {len(contract.routes)} routes")
    if unreviewed:
        _tell(f"{len(unreviewed)} routes are not reviewed: {', '.join(unreviewed)}")


@app.command("show")
def show(file: File = _DEFAULT) -> None:
    """List the routes with their effect, statuses and number of samples."""
    contract, samples = read_contract(file), read_samples(evidence_path(file))
    for key, route in contract.routes.items():
        known = sum(len(kept) for kept in samples[key].by_status.values()) if key in samples else 0
        statuses = " ".join(map(str, route.answers)) or "never seen"
        print(
            f"{route.effect:5} {'reviewed' if route.reviewed else '-':8} {key:60} {statuses:20} {known} samples"
        )
    print(f"{'frozen ' + contract.frozen if contract.frozen else 'not frozen'}")


@app.command("check")
def check_command(  # noqa: PLR0913, PLR0917 - each is an option of the command line
    url: Annotated[str, typer.Argument(help="Base URL of the server to check.")],
    file: File = _DEFAULT,
    header: Headers = None,
    route: Routes = None,
    writes: Writes = False,
    strict: Annotated[bool, typer.Option("--strict", help="Unknown keys are breaches.")] = False,
    per_status: Annotated[int, typer.Option(min=1, help="Samples per route and status.")] = 3,
    timeout: Timeout = 10.0,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML here.")] = None,
    as_json: AsJson = False,
) -> None:
    """Ask what was recorded and compare. Exit codes: 0 the contract is kept, 1 it is not, 2 wrong use or nothing was asked."""
    tell = (lambda _: None) if as_json else _print_result
    report = _checked(
        _trusted(file), file, url, header, (route, writes, per_status), timeout, strict=strict, tell=tell
    )
    if junit is not None:
        junit.write_text(junit_xml(report), encoding="utf-8")
    if as_json:
        print(report.to_json())
    else:
        print("{passed} passed, {failed} failed, {skipped} skipped".format(**report.counts))
    raise typer.Exit(report.exit_code)


@app.command("openapi")
def openapi(
    file: File = _DEFAULT,
    server: Annotated[str | None, typer.Option(help="Base URL to name in the document.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write here instead of standard output.")] = None,
) -> None:
    """Print the contract as OpenAPI 3.1."""
    document = openapi_document(read_contract(file), server=server)
    _write(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode(), out)


@app.command("matrix")
def matrix(  # noqa: PLR0913, PLR0917 - as above
    old: Annotated[str, typer.Option(help="Base URL of the old side.")],
    new: Annotated[str, typer.Option(help="Base URL of the new side.")],
    file: File = _DEFAULT,
    header: Headers = None,
    route: Routes = None,
    writes: Writes = False,
    probes: Annotated[int, typer.Option(min=0, help="Also probe with so many requests per route.")] = 0,
    timeout: Timeout = 10.0,
    out: Annotated[Path | None, typer.Option(help="Write here instead of standard output.")] = None,
) -> None:
    """Print the parity matrix in Markdown. Exit codes as of check, over both sides."""
    contract = _trusted(file)
    sides = {
        name: _checked(contract, file, url, header, (route, writes, 3), timeout)
        for name, url in (("old", old), ("new", new))
    }
    limits = ProbeLimits(routes=route or (), examples=probes)
    probed = _probed(contract, file, (old, new), header, timeout, limits) if probes else None
    _write(parity_matrix(contract, sides, probed), out)
    codes = [report.exit_code for report in sides.values()] + ([] if probed is None else [probed.exit_code])
    raise typer.Exit(1 if 1 in codes else max(codes))


@app.command("probe")
def probe_command(  # noqa: PLR0913, PLR0917 - as above
    old: Annotated[str, typer.Option(help="Base URL of the old side.")],
    new: Annotated[str, typer.Option(help="Base URL of the new side.")],
    file: File = _DEFAULT,
    header: Headers = None,
    route: Routes = None,
    examples: Annotated[int, typer.Option(min=1, help="Requests per route, at most.")] = 50,
    seconds: Annotated[float, typer.Option(min=1, help="Time in all, at most.")] = 60,
    per_second: Annotated[
        float, typer.Option(min=0.1, help="Requests per second to each side, at most.")
    ] = 20,
    seed: Annotated[int, typer.Option(help="The same seed asks the same.")] = 0,
    timeout: Timeout = 10.0,
    as_json: AsJson = False,
) -> None:
    """Ask both sides made-up requests; only routes that read. Exit codes: 0 no difference, 1 one found, 2 nothing was asked."""
    contract = _trusted(file)
    limits = ProbeLimits(route or (), examples, seconds, per_second, seed)
    report = _probed(contract, file, (old, new), header, timeout, limits)
    if as_json:
        print(report.to_json())
    else:
        _print_probe(report)
    raise typer.Exit(report.exit_code)


def _declared(known: Contract | None, migration: Path | None) -> dict[str, Effect | None]:
    """Return the routes that people have named: those of the contract as it is, then those of the migration file."""
    declared: dict[str, Effect | None] = (
        {key: route.effect if route.reviewed else None for key, route in known.routes.items()}
        if known
        else {}
    )
    if migration is not None:
        for route in read_config(migration).routes:
            declared |= {f"{method.upper()} {route.template}": route.effect for method in route.methods}
    return declared


def _trusted(file: Path) -> Contract:
    contract = read_contract(file)
    ensure_unchanged(contract)
    return contract


def _checked(
    contract: Contract,
    file: Path,
    url: str,
    header: list[str] | None,
    chosen: tuple[list[str] | None, bool, int],
    timeout: float,
    *,
    strict: bool = False,
    tell: Callable[[CheckResult], Any] = lambda _: None,
) -> CheckReport:
    routes, writes, per_status = chosen
    cases = cases_of(
        contract, read_samples(evidence_path(file)), writes=writes, routes=routes or (), per_status=per_status
    )
    with http_asker(url, headers=headers_of(header or ()), timeout=timeout) as ask:
        return check(contract, cases, ask, side=url, closed=strict, tell=tell)


def _probed(
    contract: Contract,
    file: Path,
    urls: tuple[str, str],
    header: list[str] | None,
    timeout: float,
    limits: ProbeLimits,
) -> ProbeReport:
    headers = headers_of(header or ())
    with (
        http_asker(urls[0], headers=headers, timeout=timeout) as old,
        http_asker(urls[1], headers=headers, timeout=timeout) as new,
    ):
        return probe(contract, read_samples(evidence_path(file)), old, new, limits=limits)


def _print_result(result: CheckResult) -> None:
    if result.outcome == "skipped":
        print(f"skipped  {result.case.name}: {result.case.skip}")
    elif result.outcome == "passed":
        print(f"passed   {result.case.name}: {result.target}")
    for message in result.messages():
        print(f"FAILED   {message}")


def _print_probe(report: ProbeReport) -> None:
    for line in report.routes:
        state = "FAILED" if line.finding else "passed"
        print(f"{state:8} {line.route}: {line.asked} requests{', time ran out' if line.stopped else ''}")
    for message in report.messages():
        print(f"  {message}")
    for key in report.skipped:
        print(f"skipped  {key}: a route that writes")


def _print_inventory(told: Inventory) -> None:
    for line in told.lines:
        clients = "many" if line.clients is None else line.clients
        p95 = "-" if line.p95_seconds is None else f"{line.p95_seconds * 1000:.0f} ms"
        statuses = " ".join(f"{status}:{count}" for status, count in line.statuses.items())
        print(f"{line.count:>8} {line.effect:5} {line.route:60} clients {clients}, p95 {p95}, {statuses}")
    for key in told.dead:
        print(f"{0:>8} {'dead':5} {key}")
    if told.unknown:
        print(
            f"{sum(told.unknown.values()):>8} requests belong to no route: {dict(sorted(told.unknown.items()))}"
        )
    if told.failed:
        print(f"{told.failed:>8} requests got no answer")


def _write(text: str, out: Path | None) -> None:
    if out is None:
        print(text)
    else:
        out.write_text(f"{text}\n", encoding="utf-8")


def _tell(line: str) -> None:
    print(line, file=sys.stderr)
