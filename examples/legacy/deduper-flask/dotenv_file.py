"""The ``.env`` beside the application: read once, what the environment already says stays."""

import os
from pathlib import Path

__all__ = ["load_dotenv_file"]


def load_dotenv_file() -> None:
    path = Path(__file__).with_name(".env")
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            os.environ.setdefault(name.strip(), value.strip().strip("'\""))
