"""Brings a file of traffic into a recording."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeAlias

from caravan.migration.exchange import Exchange
from caravan.migration.recording.errors import ImportUnreadable
from caravan.migration.recording.imports.access_log import access_log_exchanges
from caravan.migration.recording.imports.har import har_exchanges
from caravan.migration.recording.imports.opened import opened
from caravan.migration.recording.imports.refused import Refused
from caravan.migration.recording.redacting_writer import RedactingWriter

__all__ = ["ImportReport", "Layout", "import_file"]

Layout: TypeAlias = Literal["auto", "har", "access-log"]
_SHOWN: Final = 20


@dataclass(slots=True)
class ImportReport:
    """``first_refused`` holds the first twenty; ``refused`` counts all, by reason."""

    layout: str
    recorded: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    first_refused: list[Refused] = field(default_factory=list)


def import_file(
    path: Path, writer: RedactingWriter, *, layout: Layout = "auto", host: str | None = None
) -> ImportReport:
    """Write what the file holds, redacted, in constant memory; ``host`` leaves out other hosts of a HAR file.

    Raises:
        ImportUnreadable: the file cannot be opened, or is neither HAR nor an access log.
    """
    chosen = _layout(path) if layout == "auto" else layout
    report = ImportReport(chosen)
    read: Iterator[Exchange | Refused] = (
        har_exchanges(path, host=host) if chosen == "har" else access_log_exchanges(path)
    )
    for number, item in enumerate(read, 1):
        refused = item if isinstance(item, Refused) else _written(item, number, writer)
        if refused is None:
            report.recorded += 1
            continue
        report.refused[refused.reason] += 1
        if len(report.first_refused) < _SHOWN:
            report.first_refused.append(refused)
    writer.flush()
    return report


def _written(exchange: Exchange, number: int, writer: RedactingWriter) -> Refused | None:
    """Write one; what cannot be redacted or encoded is not kept, and the rest goes on."""
    try:
        writer.write(exchange)
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it
        return Refused(number, f"it cannot be redacted and stored ({type(error).__name__})")
    return None


def _layout(path: Path) -> Literal["har", "access-log"]:
    try:
        with opened(path) as file:
            head = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    except (OSError, EOFError) as error:
        raise ImportUnreadable(f"{path}: it cannot be read ({type(error).__name__})") from None
    if head.startswith(b"{"):
        return "har"
    if b'] "' in head:
        return "access-log"
    raise ImportUnreadable(f"{path}: this is neither HAR nor an access log")
