"""A group of commands whose first one may be left out: ``load FILE`` beside ``load undo FILE``."""

from typing import Any, Final

from typer.core import TyperGroup

__all__ = ["DefaultCommandGroup"]

_DEFAULT: Final = "run"


class DefaultCommandGroup(TyperGroup):
    """Takes ``run`` where no other command is named."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - Typer keeps its Context private
        """Put the default command before arguments that name none."""
        if args and args[0] not in self.commands and args[0] not in {"--help", "-h"}:
            args = [_DEFAULT, *args]
        return super().parse_args(ctx, args)

    def format_usage(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - as above
        """Show that the command may be left out."""
        formatter.write_usage(ctx.command_path, "[COMMAND] FILE [OPTIONS]")
