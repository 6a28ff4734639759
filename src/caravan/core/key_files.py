"""Key files: 0600 in a 0700 folder, whole or absent, made once however many processes start together."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

__all__ = ["create_secret", "kept_secret"]

_OWNER_ONLY: Final = 0o700


def kept_secret(path: Path, make: Callable[[], bytes]) -> bytes:
    """Return what the file holds; where there is none it is made first, and processes that race agree on one."""
    if not path.exists():
        create_secret(path, make())
    return path.read_bytes()


def create_secret(path: Path, content: bytes) -> bool:
    """Write a file that does not exist yet; False when another process was first, whose file stays."""
    folder = _closed(path.parent)
    draft = folder / f".{path.name}.{secrets.token_hex(4)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # unlike a rename, it never replaces the key that another process made
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    _settle(folder)
    return True


def _closed(folder: Path) -> Path:
    """Make the folder for nobody but its owner."""
    folder.mkdir(parents=True, exist_ok=True, mode=_OWNER_ONLY)
    if folder.stat().st_mode & 0o777 != _OWNER_ONLY:
        folder.chmod(_OWNER_ONLY)
    return folder


def _settle(folder: Path) -> None:
    """Have the new name on the disk too: what is sealed with a key that a power cut took stays closed for ever."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
