"""What jobs print, kept in the database: the beginning and the end of it, read while they run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from caravan.core.database import Database
from caravan.platform.jobs.output_files import Piece

__all__ = ["KeptOutput", "OutputKeeper"]

_LONGEST: Final = 65_536

_KEEP: Final = """
WITH kept AS (
    INSERT INTO job_output (org_id, job_id, position, stream, content)
    SELECT $1, $2, t.p, t.s, t.c FROM unnest($3::bigint[], $4::text[], $5::bytea[]) AS t (p, s, c)
    ON CONFLICT DO NOTHING
), gone AS (
    DELETE FROM job_output WHERE org_id = $1 AND job_id = $2
    AND position >= $6 AND position + octet_length(content) <= $7
) SELECT 1
"""
_BEHIND: Final = "SELECT coalesce(max(position), -1) FROM job_output WHERE org_id = $1 AND job_id = $2"


@dataclass(frozen=True, slots=True)
class KeptOutput:
    """A piece of a log as it was kept; what lies between it and the piece before was dropped."""

    position: int
    stream: str
    content: bytes


class OutputKeeper:
    """Keeps ``limit`` bytes of each job; ``database`` is in the system's role."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, org: UUID, job: UUID, fresh: Sequence[Piece], limit: int) -> None:
        """Add pieces in their order, and let go of what then lies between the beginning and the end."""
        if not fresh:
            return
        half = max(limit // 2, 1)
        end = fresh[-1].position + len(fresh[-1].content) - half
        pieces = [
            piece
            for piece in _joined(fresh)
            if piece.position < half or piece.position + len(piece.content) > end
        ]
        await self._database.fetch_value(
            _KEEP,
            org,
            job,
            [piece.position for piece in pieces],
            [piece.stream for piece in pieces],
            [piece.content for piece in pieces],
            half,
            end,
        )

    async def behind(self, org: UUID, job: UUID) -> int:
        """Return the position of the last piece kept, -1 when there is none."""
        position: int = await self._database.fetch_value(_BEHIND, org, job)
        return position


def _joined(pieces: Sequence[Piece]) -> list[Piece]:
    """Join neighbours of one stream into bigger pieces."""
    found: list[Piece] = []
    for piece in pieces:
        last = found[-1] if found else None
        if (
            last is not None
            and last.stream == piece.stream
            and last.position + len(last.content) == piece.position
            and len(last.content) + len(piece.content) <= _LONGEST
        ):
            found[-1] = Piece(last.position, last.stream, last.content + piece.content)
        else:
            found.append(piece)
    return found
