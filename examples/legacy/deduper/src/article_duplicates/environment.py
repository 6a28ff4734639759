"""The program's settings: environment variables, then a ``.env`` beside ``src`` for those that are not set."""

import os
from pathlib import Path
from typing import Final

from .errors import DeduperError

__all__ = ["load_dotenv_file", "required", "setting"]

_ROOT: Final = Path(__file__).parents[2]


def load_dotenv_file(path: Path = _ROOT / ".env") -> None:
    """Set what the file names and the environment does not."""
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            os.environ.setdefault(name.strip(), value.strip().strip("'\""))


def setting(name: str, default: str = "") -> str:
    """Return a variable; blank counts as not set."""
    return os.environ.get(name, "").strip() or default


def required(name: str, purpose: str) -> str:
    """Return a variable, or say what it is for."""
    if value := setting(name):
        return value
    raise DeduperError(f"{name} is not set: {purpose}")
