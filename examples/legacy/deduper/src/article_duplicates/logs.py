"""Where log lines go: stderr while developing and testing, a rotated file while testing and in production."""

import logging
import re
import sys
from datetime import time
from logging.handlers import RotatingFileHandler, TimedRotatingFileHandler
from pathlib import Path
from typing import Final

from .environment import required, setting
from .errors import DeduperError

__all__ = ["LOG", "configure_logs"]

LOG: Final = logging.getLogger("deduper")

_ENVIRONMENTS: Final = ("development", "testing", "production")
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([kmg]?)b", re.IGNORECASE)
_UNITS: Final = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3}
_HOUR: Final = re.compile(r"([01]?\d|2[0-3])(?::([0-5]\d))?")


def configure_logs() -> None:
    """Open the sinks that RUN_ENVIRONMENT asks for; a setting that cannot be used ends the program."""
    environment = setting("RUN_ENVIRONMENT")
    if environment not in _ENVIRONMENTS:
        raise DeduperError(
            f"RUN_ENVIRONMENT is {environment or 'not set'}: set it to development, testing or production"
        )
    handlers: list[logging.Handler] = []
    if environment != "production":
        handlers.append(logging.StreamHandler(sys.stderr))
    if environment != "development":
        handlers.append(_file())
    for handler in handlers:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    LOG.handlers = handlers
    LOG.setLevel(logging.INFO)
    LOG.propagate = False


def _file() -> logging.Handler:
    folder = Path(required("PATH_TO_LOGS", "name the folder for the log file"))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{required('NAME_APP', 'it names the log file')}.log"
    rotation, files = setting("LOG_MAX_SIZE", "5 MB"), setting("LOG_MAX_FILES", "5")
    if not files.isdecimal():
        raise DeduperError(f"LOG_MAX_FILES is {files}: set it to a number of files")
    if size := _SIZE.fullmatch(rotation):
        limit = int(float(size[1]) * _UNITS[size[2].lower()])
        return RotatingFileHandler(path, maxBytes=limit, backupCount=int(files), delay=True)
    if hour := _HOUR.fullmatch(rotation):
        at = time(int(hour[1]), int(hour[2] or 0))
        return TimedRotatingFileHandler(path, "midnight", atTime=at, backupCount=int(files), delay=True)
    raise DeduperError(
        f"LOG_MAX_SIZE is {rotation}: give a size with its unit, such as 10 MB, or a time of day such as 05:00"
    )
