"""Carrying committed events to the broker: in batches, in order where they have a key, again when nobody finished."""

import asyncio
import os
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Final, Protocol

import structlog
from sqlalchemy import text

from caravan.core.database import Database, WriteSession
from caravan.core.ids import uuid7
from caravan.core.outbox.events import EventRef
from caravan.core.outbox.heartbeats import beat, server_time
from caravan.core.outbox.holding import hold
from caravan.core.outbox.listening import Doorbell
from caravan.core.outbox.policy import Policy
from caravan.core.outbox.trouble import TROUBLE, BrokerError, in_short

__all__ = ["Relay", "Sender"]

log = structlog.get_logger(__name__)

_FULL_WINDOW_PAUSE: Final = 0.05

_IN_FLIGHT = text("SELECT count(*) FROM outbox WHERE state = 'relayed'")
# A heartbeat that was sent later and has come through tells a lost event from one that waits in a slow queue.
_OVERDUE = text(
    "SELECT org_id, id, name, relays >= :most AS hopeless FROM outbox WHERE state = 'relayed' AND due_at <= now()"
    " AND relayed_at <= (SELECT max(seen_at) FROM heartbeats WHERE kind = 'passed' AND name = :queue)"
    " ORDER BY due_at LIMIT :room FOR NO KEY UPDATE SKIP LOCKED"
)
_NEW = text(
    "SELECT org_id, id, name, relays >= :most AS hopeless FROM outbox o WHERE state = 'new' AND due_at < 'infinity'"
    " AND due_at <= now() AND (key IS NULL OR NOT EXISTS (SELECT FROM outbox p WHERE p.org_id = o.org_id AND p.key = o.key"
    " AND p.key IS NOT NULL AND p.state IN ('new', 'relayed', 'parked') AND p.seq < o.seq))"
    " ORDER BY seq LIMIT :room FOR NO KEY UPDATE OF o SKIP LOCKED"
)
_RELAYED = text(
    "UPDATE outbox SET state = 'relayed', relays = relays + 1, relayed_at = clock_timestamp(),"
    " due_at = clock_timestamp() + make_interval(secs => :visibility) WHERE id = ANY(:ids)"
)
_PARKED = text("UPDATE outbox SET state = 'parked', reason = :reason WHERE id = ANY(:ids)")


class Sender(Protocol):
    """The broker. Both calls block, and raise when it did not take what was sent."""

    def send(self, refs: Sequence[EventRef]) -> None: ...

    def ping(self, sent: datetime) -> None:
        """Send a task that records the queue's heartbeat, and that what was sent at this moment has come through."""


class Relay:
    """One of any number of relays; ``database`` is in the system's role, as a relay serves all tenants."""

    def __init__(self, database: Database, sender: Sender, policy: Policy) -> None:
        self._database = database
        self._sender = sender
        self._policy = policy
        self._name = f"{socket.gethostname()}:{os.getpid()}:{uuid7().hex[-6:]}"
        self._asleep = self._window_is_full = False
        self._beaten = self._pinged = self._held = float("-inf")
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="relay")
        self._doorbell = Doorbell(database)

    async def run(self, stop: asyncio.Event) -> None:
        """Relay until told to stop; a lost database or broker is waited for."""
        troubles = 0
        try:
            while not stop.is_set():
                try:
                    await self._turn(stop)
                    troubles = 0
                except TROUBLE as error:
                    troubles += 1
                    log.warning("relay.trouble", reason=in_short(error), times=troubles)
                    await _first(asyncio.sleep(min(0.2 * 2**troubles, 5)), stop.wait())
        finally:
            await self._doorbell.close()
            self._thread.shutdown(wait=False, cancel_futures=True)

    async def relay_batch(self) -> int:
        """Send one batch; returns how many rows were sent or parked.

        The rows stay locked from choosing to marking, so two relays never send one row at the same time; when this
        process dies between sending and marking, they are sent again, and the inbox sees to it that nothing doubles.
        """
        policy = self._policy
        async with self._database.write() as session:
            in_flight = await session.scalar(_IN_FLIGHT) or 0
            values = {"most": policy.max_relays, "room": policy.batch, "queue": policy.queue}
            rows = (await session.execute(_OVERDUE, values)).all()
            room = min(policy.batch - len(rows), policy.window - in_flight)
            if room > 0:
                rows = [*rows, *(await session.execute(_NEW, values | {"room": room})).all()]
            refs = [EventRef(row.org_id, row.id, row.name) for row in rows if not row.hopeless]
            await self._park(session, [row.id for row in rows if row.hopeless])
            if refs:
                await self._send(refs)
                marks = {"ids": [ref.id for ref in refs], "visibility": policy.visibility}
                await session.execute(_RELAYED, marks)
        self._window_is_full = in_flight >= policy.window
        return len(rows)

    async def _turn(self, stop: asyncio.Event) -> None:
        await self._show_life()
        sent = await self.relay_batch()
        if sent:
            if sent >= self._policy.batch:
                await self._sleeps(asleep=False)
            return
        if self._window_is_full:
            await _first(asyncio.sleep(_FULL_WINDOW_PAUSE), stop.wait())
            return
        if not self._asleep:
            await self._doorbell.listen()
            await self._sleeps(asleep=True)
            return  # look once more: what was written before the flag was seen rang no bell
        await _first(self._doorbell.rung(self._policy.poll), stop.wait())

    async def _park(self, session: WriteSession, ids: Sequence[object]) -> None:
        if ids:
            reason = (
                f"Sent {self._policy.max_relays} times and never finished: its worker dies or hangs in it."
            )
            await session.execute(_PARKED, {"ids": list(ids), "reason": reason})
            log.error("event.parked", ids=[str(each) for each in ids], reason=reason)

    async def _send(self, refs: Sequence[EventRef]) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._thread, self._sender.send, refs)
        except Exception as error:
            raise BrokerError(f"the broker did not take {len(refs)} events: {error}") from error

    async def _sleeps(self, *, asleep: bool) -> None:
        if self._asleep is not asleep:
            self._asleep = asleep
            await self._beat()

    async def _show_life(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._pinged >= self._policy.heartbeat:
            self._pinged = now
            await self._ping()
        if now - self._beaten >= self._policy.heartbeat:
            await self._beat()
        if now - self._held >= self._policy.poll:
            await self._hold()

    async def _beat(self) -> None:
        self._beaten = asyncio.get_running_loop().time()
        async with self._database.write() as session:
            await beat(session, "relay", "relay", self._name, sleeping=self._asleep)

    async def _hold(self) -> None:
        self._held = asyncio.get_running_loop().time()
        async with self._database.write() as session:
            await hold(session)

    async def _ping(self) -> None:
        async with self._database.read() as session:
            sent = await server_time(session)
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._sender.ping, sent)
        except Exception as error:
            raise BrokerError(f"the broker did not take a heartbeat: {error}") from error
        async with self._database.write() as session:
            await beat(session, "ping", self._policy.queue, self._name)


async def _first(*awaitables: object) -> None:
    tasks = [asyncio.ensure_future(each) for each in awaitables]  # type: ignore[call-overload]  # coroutines of any result
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
