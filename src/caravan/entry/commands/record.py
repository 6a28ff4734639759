"""`caravan record`."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from caravan.core.settings import load_settings
from caravan.core.telemetry.logs import configure_logs
from caravan.entry.ports import refuse_taken_port
from caravan.entry.recording_proxy import pass_and_record
from caravan.migration.gateway.side_pool import SideAddress
from caravan.migration.gateway.tap_socket import TapReader
from caravan.migration.recording import (
    DEFAULT_RETENTION,
    ImportReport,
    Recorder,
    Recording,
    RedactingWriter,
    RedactionRules,
    Retention,
    import_file,
    record_stream,
)
from caravan.migration.recording.imports.importing import Layout

__all__ = ["app", "recording_at", "recordings_folder"]

_REFUSED: Final = 3
_MIB: Final = 1024 * 1024

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Recorded traffic: what contracts are learnt from. Secrets are taken out before anything is stored.",
)

Name = Annotated[str, typer.Argument(help="Name of the recording, or a folder (a path with a slash).")]
Redact = Annotated[
    list[str] | None,
    typer.Option(
        help="One more thing to redact: header:X, query:x, cookie:x, body:a.b[].c or path:/reset/{token}."
    ),
]


@app.command("import")
def import_command(
    files: Annotated[list[Path], typer.Argument(help="HAR files and access logs, plain or gzipped.")],
    into: Annotated[str, typer.Option(help="Name of the recording, made when there is none.")],
    redact: Redact = None,
    host: Annotated[
        str | None, typer.Option(help="Of HAR files only this host, such as shop.example:8080.")
    ] = None,
    layout: Annotated[
        Layout, typer.Option(help="What the files are; auto tells it from their bytes.")
    ] = "auto",
    days: Annotated[
        int, typer.Option(min=1, help="How long the recording is kept.")
    ] = DEFAULT_RETENTION.age.days,
    mib: Annotated[int, typer.Option(min=1, help="How large it may grow.")] = DEFAULT_RETENTION.size // _MIB,
) -> None:
    """Bring files into a recording. Exit codes: 0 all taken, 2 wrong use, 3 something was refused, with number and reason."""
    recording = recording_at(into)
    rules = RedactionRules.declared(redact or ())
    refused = 0
    with _writing(recording, rules, Retention(timedelta(days=days), mib * _MIB)) as writer:
        for file in files:
            report = import_file(file, writer, layout=layout, host=host)
            refused += report.refused.total()
            _print_import(file, report)
    raise typer.Exit(_REFUSED if refused else 0)


@app.command("tap")
def tap(
    socket: Annotated[Path, typer.Option(help="Unix socket that the gateway writes its copies to.")],
    into: Annotated[str, typer.Option(help="Name of the recording, made when there is none.")],
    redact: Redact = None,
    days: Annotated[
        int, typer.Option(min=1, help="How long the recording is kept.")
    ] = DEFAULT_RETENTION.age.days,
    mib: Annotated[int, typer.Option(min=1, help="How large it may grow.")] = DEFAULT_RETENTION.size // _MIB,
    seconds: Annotated[
        float | None, typer.Option(min=0, help="End after so long; Ctrl-C ends it too.")
    ] = None,
) -> None:
    """Record what the gateway carries. What cannot be written in time is dropped and counted; clients feel nothing."""
    recording, rules = recording_at(into), RedactionRules.declared(redact or ())
    retention = Retention(timedelta(days=days), mib * _MIB)
    with (
        _writing(recording, rules, retention) as writer,
        Recorder(writer) as recorder,
        suppress(KeyboardInterrupt),
    ):
        asyncio.run(_recorded(socket, recorder, seconds))
    _print_counts(recorder)


@app.command("through")
def through(
    side: Annotated[
        str, typer.Argument(help="Base URL of the side that answers, such as http://127.0.0.1:5000.")
    ],
    into: Annotated[str, typer.Option(help="Name of the recording, made when there is none.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8080,
    redact: Redact = None,
    days: Annotated[
        int, typer.Option(min=1, help="How long the recording is kept.")
    ] = DEFAULT_RETENTION.age.days,
    mib: Annotated[int, typer.Option(min=1, help="How large it may grow.")] = DEFAULT_RETENTION.size // _MIB,
    seconds: Annotated[
        float | None, typer.Option(min=0, help="End after so long; Ctrl-C ends it too.")
    ] = None,
) -> None:
    """Stand before a side and record what passes: the gateway without a route table. It needs no database."""
    settings = load_settings()
    configure_logs(level=settings.log_level, style=settings.log_format)
    address = SideAddress.parse("side", side, rewrite_host=settings.gateway_rewrite_host)
    refuse_taken_port(host, port)
    retention = Retention(timedelta(days=days), mib * _MIB)
    with (
        _writing(recording_at(into), RedactionRules.declared(redact or ()), retention) as writer,
        Recorder(writer) as recorder,
    ):
        print(
            f"http://{host}:{port} leads to {side}, and is recorded; Ctrl-C ends it",
            file=sys.stderr,
            flush=True,
        )
        pass_and_record(address, host, port, recorder, seconds=seconds)
    _print_counts(recorder)


@app.command("list")
def list_command() -> None:
    """List the recordings of this home."""
    folder = recordings_folder()
    found = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    for path in found:
        told = Recording(path).summary()
        print(
            f"{path.name:24} {told.exchanges:>10,} exchanges  {told.size / _MIB:>9.1f} MiB  {told.first or '-'}"
        )
    if not found:
        print("no recordings; `caravan record import FILE --into NAME` makes one")


@app.command("show")
def show(
    name: Name,
    limit: Annotated[int, typer.Option(min=0, help="Print so many exchanges, each as a line.")] = 0,
) -> None:
    """Tell what a recording holds, and where it is damaged."""
    recording = Recording.existing(recording_at(name).folder)
    told = recording.summary()
    print(
        f"{told.exchanges:,} exchanges in {told.segments} segments, {told.size:,} bytes, {told.first} to {told.last}"
    )
    for _, exchange in zip(range(limit), recording.read(), strict=False):
        print(
            f"{exchange.at.isoformat()} {exchange.answer.status} {exchange.request.method} {exchange.request.target}"
        )
    for damage in told.damages:
        print(f"damage: {damage}", file=sys.stderr)


@app.command("prune")
def prune(
    name: Name,
    days: Annotated[
        int, typer.Option(min=0, help="Delete what was written longer ago.")
    ] = DEFAULT_RETENTION.age.days,
    mib: Annotated[
        int, typer.Option(min=0, help="Then the oldest, until so much is left.")
    ] = DEFAULT_RETENTION.size // _MIB,
) -> None:
    """Delete what is too old or too much."""
    recording = Recording.existing(recording_at(name).folder)
    gone = recording.prune(Retention(timedelta(days=days), mib * _MIB))
    print(f"{gone.segments} segments deleted, {gone.size:,} bytes")


def recordings_folder() -> Path:
    """Return where recordings lie that are called by name."""
    return load_settings().home.resolve() / "recordings"


def recording_at(name: str) -> Recording:
    """Return the recording of a name, or at a path."""
    return Recording(Path(name) if "/" in name or Path(name).is_dir() else recordings_folder() / name)


def _print_counts(recorder: Recorder) -> None:
    counts = asdict(recorder.counts)
    print("{offered} seen, {recorded} recorded, {dropped} dropped, {failed} failed".format(**counts))


async def _recorded(socket: Path, recorder: Recorder, seconds: float | None) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds), TapReader(socket) as exchanges:
            print(f"recording what comes to {socket}; Ctrl-C ends it", file=sys.stderr, flush=True)
            await record_stream(exchanges, recorder)


@contextmanager
def _writing(recording: Recording, rules: RedactionRules, retention: Retention) -> Iterator[RedactingWriter]:
    writer = RedactingWriter(recording, rules, retention=retention)
    try:
        yield writer
    finally:
        writer.close()


def _print_import(file: Path, report: ImportReport) -> None:
    print(
        f"{file}: {report.layout}, {report.recorded:,} exchanges recorded, {report.refused.total():,} refused"
    )
    unit = "entry" if report.layout == "har" else "line"
    for refused in report.first_refused:
        print(f"  {unit} {refused.number}: {refused.reason}")
    if (more := report.refused.total() - len(report.first_refused)) > 0:
        print(
            f"  and {more:,} more: "
            + ", ".join(f"{count:,} x {reason}" for reason, count in report.refused.most_common())
        )
