"""The last table applied, on disk: what the gateway starts from when the database is down."""

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import orjson
from pydantic import ValidationError

from caravan.migration.gateway.errors import TableUnreadableError
from caravan.migration.gateway.plan import RoutePlan, checksum

__all__ = ["CopiedTable", "TableCopy"]

_FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class CopiedTable:
    """A table with the organisation it belongs to."""

    org: UUID
    version: int
    epoch: int
    plan: RoutePlan


class TableCopy:
    """One file per migration, shared by the processes of a machine; never replaced by an older table."""

    def __init__(self, folder: Path, migration: str) -> None:
        name = "".join(
            letter if letter.isalnum() or letter in "-_" else f"%{ord(letter):x}" for letter in migration
        )
        self.file = folder / f"{name}.json"

    def load(self) -> CopiedTable | None:
        """Return the copy, None when no table was ever applied; raises ``TableUnreadableError``."""
        try:
            document: dict[str, Any] = orjson.loads(self.file.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise TableUnreadableError(f"{self.file}: {error}.") from None
        try:
            if document["format"] != _FORMAT or checksum(document["plan"]) != document["checksum"]:
                raise TableUnreadableError(f"{self.file}: its checksum is not that of its content.")
            plan = RoutePlan.model_validate(document["plan"])
            return CopiedTable(UUID(document["org"]), document["version"], document["epoch"], plan)
        except (KeyError, TypeError, ValueError, ValidationError) as error:
            raise TableUnreadableError(f"{self.file}: {error}.") from None

    def save(self, table: CopiedTable) -> None:
        """Keep this table, safe against a crash at any moment; an older one than the copy's is not kept.

        Raises:
            OSError: it could not be written; the copy before it is whole.
        """
        self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.file.with_suffix(".lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                before = self.load()
            except TableUnreadableError:
                before = None
            if before is None or (before.epoch, before.version) < (table.epoch, table.version):
                self._write(table)

    def _write(self, table: CopiedTable) -> None:
        plan = table.plan.document()
        content = {
            "format": _FORMAT,
            "org": str(table.org),
            "version": table.version,
            "epoch": table.epoch,
            "checksum": checksum(plan),
            "plan": plan,
        }
        temporary = self.file.with_suffix(".new")
        with temporary.open("wb") as opened:
            opened.write(orjson.dumps(content, option=orjson.OPT_INDENT_2))
            opened.flush()
            os.fsync(opened.fileno())
        temporary.replace(self.file)
        folder = os.open(self.file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
