"""A verification's report for people at a terminal."""

from typing import Final, TextIO

from rich.console import Console

from caravan.migration.verify.report import SubjectReport, VerificationReport

__all__ = ["print_verification"]

_SHOWN: Final = 20
_WIDE: Final = 120


def print_verification(report: VerificationReport, stream: TextIO) -> None:
    """Print verdicts and the first differences; the page and the JSON have them all."""
    width = None if stream.isatty() else _WIDE
    console = Console(file=stream, width=width, highlight=False, markup=False, soft_wrap=True)
    console.print(f"{report.migration}: {report.verdict}")
    for subject in report.subjects:
        _print_subject(console, subject)
    for unit in report.guards:
        console.print(f"the guard `verification` of {unit} was told")
    for one in report.invariants:
        console.print(f"{one.verdict:<10} {one.name}{': ' + one.problem if one.problem else ''}")
        for side, rows in (("left", one.only_left), ("right", one.only_right)):
            for row in rows[:_SHOWN]:
                console.print(
                    f"  only on the {side}: {' | '.join('NULL' if cell is None else cell for cell in row)}"
                )


def _print_subject(console: Console, subject: SubjectReport) -> None:
    rows = (
        f"{subject.left_rows:,} and {subject.right_rows:,} rows" if not subject.problem else subject.problem
    )
    console.print(f"{subject.verdict:<10} {subject.subject}: {rows}, {subject.seconds:.1f} s")
    ours = sorted(name for name, way in subject.ways.items() if way == "python")
    if ours:
        console.print(f"  hashed in Python, not by the stores: {', '.join(ours)}")
    for label, names in (("not compared", subject.unread), ("lost by declaration", subject.lost)):
        if names:
            console.print(f"  {label}: {', '.join(names)}")
    if subject.not_judged:
        console.print(f"  {subject.not_judged} rows were changing and are not judged")
    for kind, count in subject.counts.items():
        console.print(f"  {count:,} {kind}")
    _print_differences(console, subject)


def _print_differences(console: Console, subject: SubjectReport) -> None:
    for one in subject.differences[:_SHOWN]:
        key = ", ".join("NULL" if part is None else part for part in one.key)
        if not one.fields:
            console.print(f"  {key}: {one.kind} ({one.left_rows} rows left, {one.right_rows} right)")
        for column in one.fields:
            console.print(f"  {key}: {column.column} is {column.left!r} left, {column.right!r} right")
    if len(subject.differences) > _SHOWN:
        console.print(f"  … and {len(subject.differences) - _SHOWN} more")
