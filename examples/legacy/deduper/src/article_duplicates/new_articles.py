"""Which articles are new: those of a report, or those a CSV file lists."""

import csv
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from .environment import required
from .errors import DeduperError
from .logs import LOG

__all__ = ["ids_of_csv", "ids_of_report"]

_DELIMITERS: Final = ",;\t|"
_ID_COLUMNS: Final = ("articleId", "article_id", "id", "ArticleId", "ID")


def ids_of_report(connection: sqlite3.Connection, report: int) -> list[int]:
    """Return the report's articles, each once, in order."""
    found = connection.execute(
        "SELECT DISTINCT articleId FROM ArticleReportContracts"
        " WHERE reportId = ? AND articleId IS NOT NULL ORDER BY articleId",
        (report,),
    )
    return [number for (number,) in found]


def ids_of_csv() -> list[int]:
    """Return the ids in the file PATH_TO_CSV, each once, in order of the file; none when it cannot be read."""
    try:
        path = Path(required("PATH_TO_CSV", "name the CSV file with the new articles, or give --report-id"))
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError, DeduperError) as error:
        LOG.error("load: %s", error)
        return []
    rows = [row for row in csv.reader(text.splitlines(), delimiter=_delimiter(text)) if any(row)]
    if not rows:
        return []
    column = 0
    if _integer(rows[0][0]) is None:
        header = [cell.strip() for cell in rows.pop(0)]
        column = next((header.index(name) for name in _ID_COLUMNS if name in header), 0)
    return _each_once(rows, column)


def _each_once(rows: Iterable[list[str]], column: int) -> list[int]:
    found: dict[int, None] = {}
    for line, row in enumerate(rows, start=1):
        number = _integer(row[column]) if column < len(row) else None
        if number is None:
            LOG.warning("load: row %d of the CSV file has no article id, left out", line)
        else:
            found[number] = None
    return list(found)


def _delimiter(text: str) -> str:
    """Return the delimiter that the first line has most of."""
    first = text.partition("\n")[0]
    return max(_DELIMITERS, key=first.count)


def _integer(cell: str) -> int | None:
    try:
        return int(cell)
    except ValueError:
        return None
