"""``python -m tools.error_reference`` writes docs/reference/errors.md from the registry of errors."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from caravan.core.errors import CaravanError, registered
from caravan.entry.commands.explain import import_everything

__all__ = ["PAGE", "reference"]

PAGE: Final = Path(__file__).resolve().parents[1] / "docs/reference/errors.md"

_HEAD: Final = """\
# Errors

Every error has a stable code. Over HTTP it is `error_code` in the envelope, and the end of `type` in a problem document
([Using the API](../guide/api.md#answers)); on the command line it stands in brackets behind the message. `caravan explain CODE`
tells the same. A command that ends with an error has the exit code of the last column.

Made by `python -m tools.error_reference`; a test fails when the page and the code differ. Classes of findings and of quarantine are in
[Loading data](../guide/load.md#what-each-class-means).

| code | status | situation | what to do | exit code |
|---|---|---|---|---|
"""


def reference() -> str:
    """Return the page."""
    import_everything()
    return _HEAD + "".join(_rows(registered()))


def _rows(errors: Iterator[type[CaravanError]]) -> Iterator[str]:
    for error in errors:
        cells = (f"`{error.code}`", str(error.status), error.title, error.fix, str(error.exit_code))
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def main() -> int:
    """Write the page."""
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(reference(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
