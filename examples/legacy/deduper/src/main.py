"""The deduper: ``python src/main.py COMMAND``. The queue starts it by this path, so it imports by being here."""

import sys
from importlib import import_module

if __name__ == "__main__":
    sys.exit(import_module("article_duplicates.command_line").main())
