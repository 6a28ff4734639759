"""`caravan migration`. A command's module is imported when it is asked for: a file is checked without a database's libraries."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup

__all__ = ["app"]

_MODULES: Final[Mapping[str, str]] = {
    "init": "init",
    "check": "check",
    "plan": "units",
    "status": "units",
    "measure": "units",
    "replay": "replay",
    "accept": "accept",
    "advance": "units",
    "back": "units",
    "journal": "units",
    "probe": "probe",
    "operator": "operator",
    "mapping": "mapping",
}


class _Commands(TyperGroup):
    def list_commands(self, _ctx: Any) -> list[str]:  # noqa: ANN401 - Typer keeps its Context private
        return list(_MODULES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401 - as above
        if cmd_name not in _MODULES:
            return None
        module = import_module(f"caravan.entry.commands.{_MODULES[cmd_name]}")
        if not hasattr(module, "app"):  # a module of one function
            alone = typer.Typer(add_completion=False)
            alone.command(cmd_name)(getattr(module, cmd_name))
            return typer.main.get_command(alone)
        group: Any = typer.main.get_command(module.app)
        if cmd_name == _MODULES[cmd_name]:
            group.name = cmd_name
            return group
        return group.get_command(ctx, cmd_name)


app = typer.Typer(
    add_completion=False,
    cls=_Commands,
    no_args_is_help=True,
    help="The migration file, and the way of each unit: `init`, `check`, `plan`, `status`, `measure`,"
    " `replay`, `accept`, `advance`, `back`, `journal`, `probe`, `operator`, `mapping`.",
)


@app.callback()
def _migration() -> None:
    """Keep it a group of commands."""
