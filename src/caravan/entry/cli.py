"""The one command line. A command's module is imported when it is asked for: the others cost nothing."""

import signal
import sys
from collections.abc import Mapping
from importlib import import_module
from types import FrameType
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from caravan import __version__
from caravan.core.errors import CaravanError
from caravan.entry.failures import in_our_words

__all__ = ["main"]

_COMMANDS: Final[Mapping[str, str]] = {
    "up": "Start everything: servers, schema, sample, API, worker, console.",
    "api": "Serve the API and the console.",
    "worker": "Run background work.",
    "gateway": "Carry the traffic to the old or the new side, by the route table.",
    "run": "Run a migration: gateway and conductor, which compares, decides about canaries and alarms.",
    "migration": "The migration file and its units: init, check, plan, status, measure, advance, back, journal.",
    "cutover": "Switch a unit with its data, and back: plan, switch, reverse, drill, status, release-fence, complete.",
    "evidence": "What proves a migration: export it, verify it without a database.",
    "jobs": "Run jobs: programs, one after another per queue, supervised.",
    "load": "Load data sets; `load undo FILE` takes out what loads brought.",
    "sync": "Follow the changes of the old store, both ways: run, status, stop, release.",
    "record": "Recorded traffic: import it, look at it, keep it within limits.",
    "contract": "Learn what routes take and answer, check it against any server.",
    "verify": "Compare what was loaded with its source, down to row and field.",
    "quarantine": "Records that could not be imported.",
    "db": "Roles and schema of the database.",
    "user": "People who may log in.",
    "keys": "Keys that sign tokens and seal secrets.",
    "audit": "The sealed record of who did what.",
    "status": "What runs, what was loaded, what waits.",
    "doctor": "Check settings, servers and versions, and say what to do.",
    "explain": "Explain an error code, or a class of findings and quarantine.",
}
_MODULES: Final[Mapping[str, str]] = {"db": "database"}


class _Commands(TyperGroup):
    def list_commands(self, _ctx: Any) -> list[str]:  # noqa: ANN401 - Typer keeps its Context private
        return list(_COMMANDS)

    def get_command(self, _ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401 - as above
        """Return what a list of the commands shows of one."""
        if cmd_name not in _COMMANDS:
            return None
        return TyperCommand(cmd_name, short_help=_COMMANDS[cmd_name])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - as above
        """Import the one command that was asked for."""
        name, _, rest = super().resolve_command(ctx, args)
        cmd_name = str(name)  # click raises when nothing is found
        module = import_module(f"caravan.entry.commands.{_MODULES.get(cmd_name, cmd_name)}")
        command = typer.main.get_command(module.app)
        command.name = cmd_name
        command.short_help = _COMMANDS[cmd_name]
        return cmd_name, command, rest


app = typer.Typer(
    name="caravan",
    cls=_Commands,
    help="Moves a running legacy backend onto FastAPI and PostgreSQL, with proof at every step and a way back.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        print(f"caravan {__version__}")
        raise typer.Exit


@app.callback()
def _caravan(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Take the options that come before any command."""


def main() -> None:
    """Run the command line; an error is told in the user's words, never as a stack trace."""
    signal.signal(signal.SIGTERM, _end_in_order)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
        signal.signal(signal.SIGHUP, _end_in_order)
    try:
        app()
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
    except Exception as error:
        told = in_our_words(error)
        if told is None:
            raise
        _tell(told)
        sys.exit(told.exit_code)


def _end_in_order(_number: int, _frame: FrameType | None) -> None:
    """End as Ctrl-C does: whatever was opened is closed on the way, embedded servers among it."""
    raise KeyboardInterrupt


def _tell(error: CaravanError) -> None:
    print(f"error: {error.message}", file=sys.stderr)
    if error.fix:
        print(f"what to do: {error.fix}", file=sys.stderr)
    print(f"(code {error.code}; `caravan explain {error.code}` tells more)", file=sys.stderr)


if __name__ == "__main__":
    main()
