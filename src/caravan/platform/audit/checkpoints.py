"""Checkpoints: signed ends of chains, in a file that no right in the database can reach."""

import fcntl
import json
import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from caravan.core.settings import Settings
from caravan.platform.audit.errors import CheckpointFileError
from caravan.platform.audit.keys import AuditKey

__all__ = ["Checkpoint", "CheckpointFile"]

_DOMAIN: Final = b"caravan audit checkpoint 1\n"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """At ``seq`` the chain of ``org`` had this hash, says who holds the key."""

    org: UUID
    seq: int
    chain_hash: bytes
    made_at: datetime
    key_id: str
    signature: bytes

    @classmethod
    def signed(cls, key: AuditKey, org: UUID, seq: int, chain_hash: bytes, made_at: datetime) -> "Checkpoint":
        """Return a checkpoint with its signature."""
        message = _message(org, seq, chain_hash, made_at)
        return cls(org, seq, chain_hash, made_at, key.id, key.sign(message))

    def is_genuine(self, key: AuditKey) -> bool:
        """Tell whether this key, or the retired one that it names, signed exactly this."""
        message = _message(self.org, self.seq, self.chain_hash, self.made_at)
        return key.verifies(self.signature, message, self.key_id)

    def line(self) -> str:
        """Return the checkpoint as a line of the file."""
        fields = {
            "org": str(self.org),
            "seq": self.seq,
            "chain_hash": self.chain_hash.hex(),
            "made_at": self.made_at.astimezone(UTC).isoformat(timespec="microseconds"),
            "key_id": self.key_id,
            "signature": self.signature.hex(),
        }
        return json.dumps(fields, separators=(",", ":")) + "\n"

    @classmethod
    def parse(cls, line: str) -> "Checkpoint":
        """Return what `line` wrote; raises ``ValueError`` or ``KeyError`` on anything else."""
        fields = json.loads(line)
        return cls(
            org=UUID(fields["org"]),
            seq=int(fields["seq"]),
            chain_hash=bytes.fromhex(fields["chain_hash"]),
            made_at=datetime.fromisoformat(fields["made_at"]),
            key_id=str(fields["key_id"]),
            signature=bytes.fromhex(fields["signature"]),
        )


@dataclass(frozen=True, slots=True)
class CheckpointFile:
    """One line per checkpoint; a torn last line (a crash while writing) is ignored.

    It is appended to, and made anew without what is superseded: both under a lock on the file, of one process at a time.
    """

    path: Path

    @classmethod
    def of(cls, settings: Settings) -> "CheckpointFile":
        """Return the file of this installation: ``<home>/audit/checkpoints.jsonl``."""
        return cls(settings.home / "audit" / "checkpoints.jsonl")

    def append(self, checkpoints: Iterable[Checkpoint]) -> None:
        """Write and sync, in one piece, so that writers of several processes do not mix."""
        text = "".join(checkpoint.line() for checkpoint in checkpoints)
        if not text:
            return
        with self._locked() as descriptor:
            torn = (
                os.lseek(descriptor, 0, os.SEEK_END)
                and os.pread(descriptor, 1, os.fstat(descriptor).st_size - 1) != b"\n"
            )
            os.write(descriptor, (("\n" if torn else "") + text).encode())
            os.fsync(descriptor)

    def drop(self, superseded: Collection[Checkpoint]) -> None:
        """Make the file anew without these checkpoints; whatever else is in it stays. A crash leaves the old file."""
        if not superseded:
            return
        gone = {checkpoint.line() for checkpoint in superseded}
        draft = self.path.with_name(f".{self.path.name}.new")
        with self._locked():
            kept = [
                line
                for line in self.path.read_text(encoding="ascii").splitlines(keepends=True)
                if line not in gone
            ]
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.writelines(kept)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.path)

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """Open the file that is in place, made when absent, and hold its lock."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                if self._is_in_place(descriptor):
                    yield descriptor
                    return
            finally:
                os.close(descriptor)

    def _is_in_place(self, descriptor: int) -> bool:
        """Tell whether the open file was not replaced while its lock was waited for."""
        try:
            return os.path.samestat(os.fstat(descriptor), self.path.stat())
        except FileNotFoundError:
            return False

    def read(self) -> Iterator[Checkpoint]:
        """Yield the checkpoints; none when there is no file.

        Raises:
            CheckpointFileError: naming the line that is none.
        """
        if not self.path.exists():
            return
        with self.path.open(encoding="ascii", errors="replace") as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                try:
                    yield Checkpoint.parse(line)
                except (ValueError, KeyError, TypeError) as error:
                    if not line.endswith("\n"):
                        return
                    raise CheckpointFileError(f"{self.path}, line {number}: {error}") from error

    def newest(self) -> dict[UUID, Checkpoint]:
        """Return the furthest checkpoint of each organisation."""
        found: dict[UUID, Checkpoint] = {}
        for checkpoint in self.read():
            if checkpoint.org not in found or found[checkpoint.org].seq < checkpoint.seq:
                found[checkpoint.org] = checkpoint
        return found


def _message(org: UUID, seq: int, chain_hash: bytes, made_at: datetime) -> bytes:
    moment = made_at.astimezone(UTC).isoformat(timespec="microseconds")
    return _DOMAIN + org.bytes + seq.to_bytes(8) + chain_hash + moment.encode()
