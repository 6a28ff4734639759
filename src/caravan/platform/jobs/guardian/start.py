"""Starts the guardian: ``python -I -S start.py``, its order on standard input."""

import sys
from importlib import import_module
from pathlib import Path

if __name__ == "__main__":
    sys.path.append(str(Path(__file__).parents[1]))  # behind the standard library, which nothing may shadow
    sys.exit(import_module("guardian.watching").main())
