"""A report for people at a terminal."""

from collections import Counter
from typing import TextIO

from rich.console import Console
from rich.table import Table

from caravan.migration.load.report import LoadReport, VerifyReport

__all__ = ["print_load_report", "print_verify_report"]

_SHOWN = 20
_WIDE = 120


def _console(stream: TextIO) -> Console:
    """A terminal has its own width; a file or pipe gets room for every column."""
    width = None if stream.isatty() else _WIDE
    return Console(file=stream, width=width, highlight=False, markup=False, soft_wrap=True)


def print_load_report(report: LoadReport, stream: TextIO) -> None:
    """Print figures, faults and checks; of long lists the beginning, the page and the JSON have them all."""
    console = _console(stream)
    table = Table(title=f"{report.migration}: {report.status}{' (dry run)' if report.dry_run else ''}")
    table.add_column("data set")
    for name in ("read", "loaded", "unchanged", "quarantined", "findings", "seconds", "records/s"):
        table.add_column(name, justify="right")
    for name, item in report.data_sets.items():
        figures = (item.read, item.loaded, item.unchanged, item.quarantined, item.findings)
        table.add_row(
            name, *(f"{figure:,}" for figure in figures), f"{item.seconds:.1f}", f"{item.rate:,.0f}"
        )
    console.print(table)
    for name, item in report.data_sets.items():
        for label, value in item.sums.items():
            console.print(f"{name}: {label} = {value}")
    _print_faults(console, report)
    _print_checks(console, report.checks)
    for stop in report.stopped:
        console.print(f"stopped ({stop.code}): {stop.message}\n  {stop.fix}")


def print_verify_report(report: VerifyReport, stream: TextIO) -> None:
    """Print the checks and the first differences."""
    console = _console(stream)
    console.print(f"{report.migration}: {'all as in the source' if report.ok else 'differences found'}")
    _print_checks(console, report.checks)
    for item in report.differences[:_SHOWN]:
        column = f".{item.column}" if item.column else ""
        console.print(
            f"  {item.table}{column} of {item.id} (legacy key {item.key}): expected {item.expected!r}, found {item.found!r}"
        )
    if len(report.differences) > _SHOWN:
        console.print(f"  … and {len(report.differences) - _SHOWN} more")
    if report.extra:
        console.print(f"{len(report.extra)} records that the source no longer has are still here")


def _print_faults(console: Console, report: LoadReport) -> None:
    for (data_set, kind), count in sorted(
        Counter((item.data_set, item.kind) for item in report.findings).items()
    ):
        console.print(f"finding    {data_set}: {kind}: {count}")
    refused = Counter((item.data_set, item.kind, item.waived) for item in report.quarantine)
    for (data_set, kind, waived), count in sorted(refused.items()):
        console.print(f"quarantine {data_set}: {kind}: {count}{' (waived)' if waived else ''}")
    for waiver in report.waivers:
        ends = f"until {waiver.until}" if waiver.until else "without end"
        over = "" if waiver.holds else ", OVER: it counts no more"
        console.print(
            f"waiver     {waiver.kind}: {waiver.count}, {ends}{over}; {waiver.owner}: {waiver.reason}"
        )


def _print_checks(console: Console, checks: dict[str, dict[str, object]]) -> None:
    for name, check in checks.items():
        console.print(f"{'ok    ' if check['ok'] else 'FAILED'} {name}")
