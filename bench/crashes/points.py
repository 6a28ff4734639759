"""Where a process dies: a passing of a function of the product, before or after it, counted. Only this bench knows of them."""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from importlib import import_module
from typing import Any, Final, Literal, TypeAlias

__all__ = ["Point", "When", "arm", "owner_of"]

When: TypeAlias = Literal["before", "after"]
_PACKAGE: Final = "caravan.migration."


@dataclass(frozen=True, slots=True)
class Point:
    """One place in the product's life. ``place`` is ``module:Class.method`` or ``module:function`` below ``caravan.migration``.

    ``only`` counts the passings whose step of a cutover has this name. ``most`` is how many passings are surely there.
    """

    name: str
    says: str
    place: str
    when: When = "after"
    only: str = ""
    most: int = 1

    @property
    def area(self) -> str:
        return self.name.partition(".")[0]


def owner_of(point: Point) -> tuple[Any, str]:
    """Return the module or class that has the function, and the function's name there.

    Raises:
        AttributeError, ModuleNotFoundError: the product has no such function any more.
    """
    module, _, path = point.place.partition(":")
    owner: Any = import_module(_PACKAGE + module)
    *classes, name = path.split(".")
    for each in classes:
        owner = getattr(owner, each)
    getattr(owner, name)
    return owner, name


def arm(point: Point, passing: int) -> None:
    """Have this process die by SIGKILL at that passing of the point; there is no way back."""
    owner, name = owner_of(point)
    real: Callable[..., Any] = getattr(owner, name)
    left = passing

    def pass_by() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    @wraps(real)
    def passing_by(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - of any function
        counts = not point.only or point.only in map(_step_name, arguments)
        if counts and point.when == "before":
            pass_by()
        told = real(*arguments, **named)
        if counts and point.when == "after":
            pass_by()
        return told

    setattr(owner, name, passing_by)


def _step_name(argument: object) -> str:
    """Return the name of the step that an argument is, or is about."""
    step = getattr(argument, "step", argument)
    return str(getattr(step, "name", "")) if hasattr(step, "effect") else ""
