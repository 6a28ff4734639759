"""Sealing: committed entries are linked into their organisation's chain, and the chain's end is signed."""

import asyncio
import os
import socket
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import Row, insert, text

from caravan.core.clock import Clock, utc_now
from caravan.core.database import Database, ReadSession, WriteSession
from caravan.core.outbox import TROUBLE, beat, in_short
from caravan.core.settings import Settings
from caravan.platform.audit.checkpoints import Checkpoint, CheckpointFile
from caravan.platform.audit.content import FIRST_PREVIOUS, chain_hash
from caravan.platform.audit.errors import AuditKeyError
from caravan.platform.audit.keys import AuditKey
from caravan.platform.audit.models import AuditCheckpoint, AuditSeal

__all__ = ["Sealer", "run_sealer"]

log = structlog.get_logger(__name__)

_PAUSE: Final = 0.5
_BATCH: Final = 1000
_BEAT_EVERY: Final = 10.0
_COMPACT_EVERY: Final = 3600.0

_ALONE = text("SELECT pg_try_advisory_xact_lock(1635083369)")

# What is not visible yet was written by a transaction at or above `low`, so whoever starts again from there skips
# nothing; and a transaction that stays open for hours holds up nobody's seals but its own. A horizon that lies ahead
# comes from another server, by way of a dump: then everything is looked at once.
_READY = text(
    "WITH moment AS (SELECT (pg_snapshot_xmin(s)::text)::bigint AS low, (pg_snapshot_xmax(s)::text)::bigint AS high"
    " FROM pg_current_snapshot() AS s)"
    " SELECT low, e.* FROM moment LEFT JOIN LATERAL"
    " (SELECT org_id, id, content_hash, xid FROM audit_entries"
    " WHERE xid >= CASE WHEN CAST(:horizon AS bigint) < high THEN CAST(:horizon AS bigint) ELSE 0 END"
    " AND NOT EXISTS (SELECT FROM audit_seals s WHERE s.org_id = audit_entries.org_id AND s.entry_id = audit_entries.id)"
    " ORDER BY xid, org_id, id LIMIT :batch) AS e ON true"
)
_HORIZON = text("SELECT horizon FROM audit_checkpoints ORDER BY made_at DESC LIMIT 1")
_ENDS = text(
    "SELECT o.id AS org, s.seq, s.chain_hash FROM unnest(CAST(:orgs AS uuid[])) AS o(id) CROSS JOIN LATERAL"
    " (SELECT seq, chain_hash FROM audit_seals WHERE org_id = o.id ORDER BY seq DESC LIMIT 1) s"
)
_SEALED = text(
    "SELECT s.org_id, s.seq, s.chain_hash FROM unnest(CAST(:orgs AS uuid[]), CAST(:seqs AS bigint[])) AS p(org, seq)"
    " JOIN audit_seals s ON s.org_id = p.org AND s.seq = p.seq"
)
_LAST_CHECKPOINTS = text(
    "SELECT DISTINCT ON (org_id) org_id, seq, chain_hash, made_at, key_id, signature FROM audit_checkpoints"
    " ORDER BY org_id, seq DESC"
)


class Sealer:
    """``database`` is in the system's role. Several sealers may run: one seals, the others find nothing to do."""

    def __init__(
        self,
        database: Database,
        key: AuditKey,
        file: CheckpointFile,
        *,
        clock: Clock = utc_now,
        batch: int = _BATCH,
        keys_folder: Path | None = None,
    ) -> None:
        self._database = database
        self._key = key
        self._file = file
        self._clock = clock
        self._batch = batch
        self._keys_folder = keys_folder
        self._horizon = 0
        self._process = f"{socket.gethostname()}:{os.getpid()}"

    async def run(self, stop: asyncio.Event) -> None:
        """Seal twice a second until told to stop; a lost database is waited for."""
        loop = asyncio.get_running_loop()
        caught_up, beaten, compacted = False, float("-inf"), loop.time()
        while not stop.is_set():
            sealed = 0
            try:
                if not caught_up:
                    await self.catch_up()
                    await self.compact()
                    caught_up, compacted = True, loop.time()
                sealed = await self.seal_batch()
                if loop.time() - beaten > _BEAT_EVERY:
                    beaten = loop.time()
                    await self._beat()
                    await self._look_for_a_new_key()
                if loop.time() - compacted > _COMPACT_EVERY:
                    compacted = loop.time()
                    await self.compact()
            except TROUBLE as error:
                log.warning("sealer.trouble", reason=in_short(error))
            if sealed < self._batch:
                await _pause(stop)

    async def seal_batch(self) -> int:
        """Seal what is ready, at most one batch; returns how many entries. Then write the checkpoints to the file."""
        async with self._database.write() as session:
            if not await session.scalar(_ALONE):
                return 0
            stored = await session.scalar(_HORIZON) or 0
            values = {"horizon": max(stored, self._horizon), "batch": self._batch}
            found = (await session.execute(_READY, values)).all()
            rows = [row for row in found if row.id is not None]
            horizon = found[0].low if len(rows) < self._batch else min(found[0].low, rows[-1].xid)
            checkpoints = await self._link(session, rows, horizon) if rows else []
        self._horizon = horizon
        # After the commit: a checkpoint of what was rolled back would cry wolf, and a lost one is written at the start.
        await asyncio.to_thread(self._file.append, checkpoints)
        return len(rows)

    async def catch_up(self) -> None:
        """Write to the file what a crash between commit and file left out; only what our key has signed."""
        async with self._database.read() as session:
            rows = (await session.execute(_LAST_CHECKPOINTS)).all()
        known = await asyncio.to_thread(self._file.newest)
        missing = [
            found
            for found in (Checkpoint(*row) for row in rows)
            if found.is_genuine(self._key) and (found.org not in known or known[found.org].seq < found.seq)
        ]
        await asyncio.to_thread(self._file.append, missing)

    async def compact(self) -> None:
        """Take out of the file what a later checkpoint makes needless.

        Of each organisation and key the newest stays: it vouches for all before it, for each seal holds the hash of the
        one before. One that differs from the chain, or whose newest does, stays too: it is evidence.
        """
        held = await asyncio.to_thread(lambda: list(self._file.read()))
        newest: dict[tuple[UUID, str], Checkpoint] = {}
        for each in held:
            known = newest.get((each.org, each.key_id))
            if known is None or known.seq < each.seq:
                newest[each.org, each.key_id] = each
        if len(held) == len(newest):
            return
        async with self._database.read() as session:
            true = {each for each in held if each.is_genuine(self._key)} & await _as_sealed(session, held)
        superseded = {
            each for each in true if (last := newest[each.org, each.key_id]) in true and last != each
        }
        await asyncio.to_thread(self._file.drop, superseded)

    async def _look_for_a_new_key(self) -> None:
        if self._keys_folder is None:
            return
        try:
            self._key = await asyncio.to_thread(AuditKey.load, self._keys_folder, make=False)
        except AuditKeyError as error:
            log.warning("sealer.key_lost", reason=error.message)  # the one in hand signs on

    async def _link(self, session: WriteSession, rows: Sequence[Row[Any]], horizon: int) -> list[Checkpoint]:
        now = self._clock()
        ends = await _ends(session, sorted({row.org_id for row in rows}))
        seals = []
        for row in rows:
            seq, previous = ends.get(row.org_id, (0, FIRST_PREVIOUS))
            link = chain_hash(previous, row.org_id, seq + 1, row.id, row.content_hash)
            seals.append(_seal(row, seq + 1, previous, link, now))
            ends[row.org_id] = (seq + 1, link)
        checkpoints = [Checkpoint.signed(self._key, org, seq, link, now) for org, (seq, link) in ends.items()]
        await session.execute(insert(AuditSeal), seals)
        await session.execute(insert(AuditCheckpoint), [_row(each, horizon) for each in checkpoints])
        return checkpoints

    async def _beat(self) -> None:
        async with self._database.write() as session:
            await beat(session, "sealer", "sealer", self._process)


async def run_sealer(database: Database, settings: Settings, stop: asyncio.Event) -> None:
    """Seal until told to stop: a companion of the worker's relay."""
    key = AuditKey.load(settings.keys_folder)
    file = CheckpointFile.of(settings)
    await Sealer(database, key, file, keys_folder=settings.keys_folder).run(stop)


async def _ends(session: WriteSession, orgs: Sequence[UUID]) -> dict[UUID, tuple[int, bytes]]:
    rows = await session.execute(_ENDS, {"orgs": orgs})
    return {row.org: (row.seq, row.chain_hash) for row in rows}


async def _as_sealed(session: ReadSession, checkpoints: Sequence[Checkpoint]) -> set[Checkpoint]:
    """Return those that say of their place what the chain says."""
    found: set[Checkpoint] = set()
    for start in range(0, len(checkpoints), _BATCH):
        part = checkpoints[start : start + _BATCH]
        places = {"orgs": [each.org for each in part], "seqs": [each.seq for each in part]}
        chain = {(row.org_id, row.seq): row.chain_hash for row in await session.execute(_SEALED, places)}
        found.update(each for each in part if chain.get((each.org, each.seq)) == each.chain_hash)
    return found


def _seal(row: Row[Any], seq: int, previous: bytes, link: bytes, now: datetime) -> dict[str, Any]:
    return {
        "org_id": row.org_id,
        "seq": seq,
        "entry_id": row.id,
        "previous_hash": previous,
        "chain_hash": link,
        "sealed_at": now,
    }


def _row(checkpoint: Checkpoint, horizon: int) -> dict[str, Any]:
    return {
        "org_id": checkpoint.org,
        "seq": checkpoint.seq,
        "chain_hash": checkpoint.chain_hash,
        "key_id": checkpoint.key_id,
        "signature": checkpoint.signature,
        "made_at": checkpoint.made_at,
        "horizon": horizon,
    }


async def _pause(stop: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(_PAUSE):
            await stop.wait()
    except TimeoutError:
        return
