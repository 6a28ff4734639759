"""The command line: one stage each, or all in a row.

Exit code 0 also when a stage found nothing to do or the database refused it: the log says so. 1 when the database is not
there, the logs cannot be written, the table cannot be cleared or the sentence model is missing. 2 for wrong arguments.
"""

import argparse
import sqlite3
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, TypeAlias

from .clear_table import clear_table
from .content_hash import compare_contents
from .database import opened
from .embedding import compare_meanings
from .environment import load_dotenv_file
from .errors import DeduperError
from .load import load
from .logs import LOG, configure_logs
from .states import compare_states
from .url_check import check_urls

__all__ = ["main"]

Stage: TypeAlias = Callable[[sqlite3.Connection], None]

STAGES: Final[Mapping[str, Stage]] = {
    "states": compare_states,
    "url_check": check_urls,
    "content_hash": compare_contents,
    "embedding": compare_meanings,
}
_ANALYSES: Final[Mapping[str, Sequence[str]]] = {
    "analyze": ("states", "url_check", "content_hash", "embedding"),
    "analyze_fast": ("states", "url_check", "embedding"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return the exit code."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if chosen.command is None:
        parser.print_help(sys.stderr)
        return 1
    try:
        load_dotenv_file()
        configure_logs()
    except (DeduperError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    try:
        with opened() as connection:
            return _run(chosen, connection)
    except DeduperError as error:
        LOG.error("%s", error)
    except Exception:  # noqa: BLE001 - any other end is exit code 1 too, with its stack trace in the log
        LOG.exception("the command %s failed", chosen.command)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="main.py", description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command")
    for name in ("load", *_ANALYSES):
        told = "pair new with approved articles" if name == "load" else "clear the table, then run all stages"
        command = commands.add_parser(name, help=told)
        command.add_argument(
            "--report-id", type=int, help="articles of this report; else those in PATH_TO_CSV"
        )
    for name, stage in STAGES.items():
        commands.add_parser(name, help=(stage.__module__).rpartition(".")[2])
    clear = commands.add_parser("clear_table", help="delete all pairs")
    clear.add_argument("-y", "--yes", action="store_true", help="do not ask")
    return parser


def _run(chosen: argparse.Namespace, connection: sqlite3.Connection) -> int:
    if chosen.command == "clear_table":
        return _clear(connection, asked=not chosen.yes)
    if chosen.command in _ANALYSES:
        clear_table(connection)
    if chosen.command in {"load", *_ANALYSES}:
        _staged("load", partial(load, connection, chosen.report_id))
    for name in _ANALYSES.get(chosen.command, [chosen.command] if chosen.command in STAGES else []):
        _staged(name, partial(STAGES[name], connection))
    LOG.info("%s: done", chosen.command)
    return 0


def _staged(name: str, stage: Callable[[], None]) -> None:
    """Run a stage; what the database refuses is logged, and the next stage runs all the same."""
    LOG.info("%s: begins", name)
    try:
        stage()
    except sqlite3.Error:
        LOG.exception("%s: the database refused", name)


def _clear(connection: sqlite3.Connection, *, asked: bool) -> int:
    if asked:
        print("Delete all rows of ArticleDuplicateAnalyses? [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
            print("Nothing was deleted.", file=sys.stderr)
            return 0
    clear_table(connection)
    return 0
