"""What a job may have left without saying so: the program ends with 0 also after errors that it only logs."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from dotenv import dotenv_values

from caravan.legacy.deduper.environment import DEDUPER, LegacyEnvironment

__all__ = ["empty_table_doubt"]

_TABLE: Final = "ArticleDuplicateAnalyses"
_ANY_ROW: Final = f"SELECT EXISTS (SELECT 1 FROM {_TABLE})"  # noqa: S608 - our own name
_PATIENCE: Final = 1.0


def empty_table_doubt(environment: LegacyEnvironment) -> str | None:
    """Return what to tell when the shared table is empty; None when it is not, or cannot be looked into."""
    if (file := _database(environment)) is None:
        return None
    try:
        # Read-only: a file that is not there is not made.
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=_PATIENCE)) as connection:
            (filled,) = connection.execute(_ANY_ROW).fetchone()
    except (sqlite3.Error, ValueError):
        return None
    if filled:
        return None
    return (
        f"The job ended with 0 and left {_TABLE} empty: no pair was compared. The program logs such errors and goes on;"
        " look into its log for the reason (no approved articles, no articles of this report, an error of the database)."
    )


def _database(environment: LegacyEnvironment) -> Path | None:
    """Return the shared file as the program finds it: by its environment, else by its own ``.env``."""
    given = {**_of_program(environment.get(DEDUPER, "")), **environment}
    folder, name = given.get("PATH_TO_DATABASE"), given.get("NAME_DB")
    return (Path(folder) / name).absolute() if folder and name else None


def _of_program(folder: str) -> dict[str, str]:
    if not folder:
        return {}
    found = dotenv_values(Path(folder) / ".env")
    return {name: value for name, value in found.items() if value is not None}
