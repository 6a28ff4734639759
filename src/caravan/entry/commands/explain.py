"""`caravan explain CODE`."""

import difflib
from importlib import import_module
from pkgutil import walk_packages
from typing import Annotated

import typer

import caravan
from caravan.core.errors import CaravanError, find, registered
from caravan.migration.load.fault_classes import FaultClass, fault_class, fault_classes

__all__ = ["app", "explain", "import_everything"]

app = typer.Typer(add_completion=False)


@app.command()
def explain(
    code: Annotated[
        str | None,
        typer.Argument(
            help="An error code such as not_found, or a class of a load such as key.repeated; none lists all."
        ),
    ] = None,
) -> None:
    """Explain an error code or a class of findings and quarantine. Exit code 2 for a code nobody knows."""
    import_everything()
    if code is None:
        _list()
        return
    error, found = find(code), fault_class(code)
    if error is not None:
        _tell_error(error)
    if found is not None:
        print("" if error is None else "\nIn a load:\n\n", end="")
        _tell_class(found)
    if error is None and found is None:
        _nobody_knows(code)


def _nobody_knows(code: str) -> None:
    codes = [error.code for error in registered()] + [one.name for one in fault_classes()]
    near = difflib.get_close_matches(code, codes, n=3)
    hint = f" Did you mean {', '.join(near)}?" if near else " `caravan explain` lists all codes."
    typer.echo(f"There is no error code {code!r}.{hint}", err=True)
    raise typer.Exit(2)


def _list() -> None:
    for error in registered():
        print(f"{error.code:32} {error.status}  {error.title}")
    for one in fault_classes():
        print(f"{one.name:32} load {one.found}")


def _tell_error(error: type[CaravanError]) -> None:
    print(f"{error.code}: {error.title}\nHTTP status: {error.status}")
    if error.__doc__:
        print(f"\n{error.__doc__.strip()}")
    print(f"\nWhat to do: {error.fix}")


def _tell_class(known: FaultClass) -> None:
    print(f"{known.name}: a class of findings or of quarantine of a load")
    print(f"\nFound: {known.found}\nWhere it comes from: {known.cause}\n\nWhat to do: {known.fix}")


def import_everything() -> None:
    """Import every module: errors stand where they are raised, and each enters the registry with its module."""
    for module in walk_packages(caravan.__path__, "caravan."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
