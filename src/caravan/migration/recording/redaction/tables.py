"""Takes secrets out of CSV: the header names the columns."""

import csv
import io
from collections.abc import Callable

from caravan.migration.recording.redaction.placeholders import Placeholders

__all__ = ["redact_table"]


def redact_table(text: str, is_secret: Callable[[str], bool], marks: Placeholders) -> str:
    """Return the table with a mark for each value of a secret column; a table without one stays as it was written."""
    first = text.partition("\n")[0]
    delimiter = max(",;\t|", key=first.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    secret = {number for number, name in enumerate(next(rows, [])) if is_secret(name.strip())}
    if not secret:
        return text
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerow(first.rstrip("\r").split(delimiter))
    for row in rows:
        writer.writerow(
            [
                marks.text("secret", value) if value and number in secret else value
                for number, value in enumerate(row)
            ]
        )
    return out.getvalue()
