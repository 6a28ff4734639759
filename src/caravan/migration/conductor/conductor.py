"""One conductor of one migration: reads the tap, compares, saves, decides, alarms. Runs beside the gateways, and never in their way."""

import asyncio
import contextlib
import time
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import httpx2
import psycopg
import structlog

from caravan.core.clock import Clock, utc_now
from caravan.core.database import DatabaseAddress, Role
from caravan.core.protocols import Notifier
from caravan.migration.canary.configured import counters_of
from caravan.migration.conductor.alarms import open_members
from caravan.migration.conductor.alerts import (
    AlertTeller,
    OpenAlert,
    tell_written,
    untold_alerts,
)
from caravan.migration.conductor.canaries import Canaries
from caravan.migration.conductor.comparing import Comparer
from caravan.migration.conductor.contracts import contracts_of
from caravan.migration.conductor.counter_queries import counter_queries
from caravan.migration.conductor.dry_runs import DryRuns
from caravan.migration.conductor.errors import ConductorReplacedError
from caravan.migration.conductor.flow_watch import ailing
from caravan.migration.conductor.intake import Intake
from caravan.migration.conductor.keeping import Keeper
from caravan.migration.conductor.looking import Look, look
from caravan.migration.conductor.measurements import AILING, RECORDED, REPORTED, SHARE, STATE
from caravan.migration.conductor.options import ConductorOptions
from caravan.migration.conductor.recorder_figures import recorder_figures
from caravan.migration.conductor.saving import try_lock
from caravan.migration.conductor.settling import Settle, Settling
from caravan.migration.conductor.steering import Steering
from caravan.migration.conductor.traffic import Traffic
from caravan.migration.conductor.unit_judges import UnitJudges
from caravan.migration.config import MigrationConfig
from caravan.migration.gateway.tap_socket import TapReader, TapTakenError
from caravan.migration.shadow import Ask, Asker, asked_at, asking_client, budget_of
from caravan.migration.units import Publisher, Scope, connected, register

__all__ = ["Conductor"]

log = structlog.get_logger(__name__)

_TELL_FOR: Final = timedelta(days=1)
_STANDBY: Final = 0.25
_TAP_PATIENCE: Final = 10.0


class Conductor:
    """Conducts until told to stop; one per migration writes, others stand by.

    ``settle`` settles cutovers that a crash has cut short; without one they wait for a command.
    """

    def __init__(
        self,
        address: DatabaseAddress,
        scope: Scope,
        config: MigrationConfig,
        options: ConductorOptions,
        *,
        publisher: Publisher | None = None,
        notifier: Notifier | None = None,
        settle: Settle | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self._settling = Settling(settle)
        self._address, self._scope, self._config, self._options = address, scope, config, options
        self._clock = clock
        self._client = asking_client(connections=options.askers * 2, timeout=config.shadow.timeout)
        self._own_client = httpx2.AsyncClient(timeout=5.0, trust_env=False)
        self._traffic = Traffic()
        self._judges = UnitJudges(config, contracts_of(config))
        self._budget = budget_of(config)
        steering = Steering(address, scope, config, by="conductor", publisher=publisher, clock=clock)
        self._canaries = Canaries(config, steering, options.promotes)
        old = asked_at(config.legacy.base_url if config.legacy else "", self._client)
        new = asked_at(config.new.base_url if config.new else "", self._client)
        self._comparer = Comparer(
            self._judges,
            self._traffic,
            Asker(old=old, new=new, budget=self._budget),
            old,
            self._budget,
            self._canaries.stage_of,
            self._dry_runs(new),
        )
        self._intake = Intake(
            config, self._comparer, self._traffic, self._budget, self._canaries.stage_of, room=options.waiting
        )
        self._teller = AlertTeller(
            config.alerts,
            config.migration.name,
            self._own_client,
            secret=options.webhook_secret,
            notifier=notifier,
        )
        self._recorded = recorder_figures(options)
        self._keeper = Keeper(
            scope,
            options.name,
            self._intake,
            self._comparer,
            self._canaries,
            clock,
            self._recorded,
            self._settling,
        )
        self._look: Look | None = None
        self.ready = False
        """Whether it reads the tap: set once the state was loaded, off while another conductor runs."""

    async def run(self, stop: asyncio.Event) -> None:
        """Conduct until ``stop``.

        Raises:
            ConductorReplacedError: somebody else has written in our place.
        """
        connection = await self._become_the_one(stop)
        if connection is None:
            return
        working: list[asyncio.Task[None]] = []
        try:
            working.append(asyncio.create_task(self._settling.keep()))
            connection = await self._look_once(connection, stop)
            async with contextlib.AsyncExitStack() as stack:
                exchanges = await self._only_reader(stack, stop)
                self.ready = True
                working += [asyncio.create_task(self._read(exchanges))]
                working += [asyncio.create_task(self._compare()) for _ in range(self._options.askers)]
                working += [asyncio.create_task(self._count()), asyncio.create_task(self._tell())]
                connection = await self._keep_looking(connection, stop, working)
        finally:
            self.ready = False
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)
            await self._canaries.close()
            await self._keeper.replays.close()
            with contextlib.suppress(psycopg.Error, ConductorReplacedError):
                await self._keeper.save(connection, self._look, [])
            await asyncio.to_thread(connection.close)
            await self._client.aclose()
            await self._own_client.aclose()

    async def _only_reader(self, stack: contextlib.AsyncExitStack, stop: asyncio.Event) -> TapReader:
        """Read the tap as soon as whoever read it has ended: a conductor that was replaced takes a moment to notice.

        Raises:
            TapTakenError: somebody else reads it all the time.
        """
        deadline = time.monotonic() + _TAP_PATIENCE
        while True:
            try:
                return await stack.enter_async_context(TapReader(self._options.tap))
            except TapTakenError:
                if time.monotonic() > deadline or stop.is_set():
                    raise
            await _wait(stop, _STANDBY)

    async def _become_the_one(self, stop: asyncio.Event) -> psycopg.Connection | None:
        """Wait until no other conductor runs, then take over what it saved; None when told to stop meanwhile."""
        while not stop.is_set():
            connection = None
            try:
                connection = await asyncio.to_thread(self._open)
                if await asyncio.to_thread(try_lock, connection, self._scope):
                    await asyncio.to_thread(self._register, connection)
                    await self._keeper.take_over(connection)
                    return connection
            except psycopg.OperationalError as error:
                log.warning("conductor.database_away", problem=str(error).strip())
            if connection is not None:
                await asyncio.to_thread(connection.close)
            await _wait(stop, _STANDBY)
        return None

    def _open(self) -> psycopg.Connection:
        return psycopg.connect(
            self._address.libpq(Role.SYSTEM, application="caravan conductor"),
            autocommit=True,
            connect_timeout=5,
        )

    def _register(self, connection: psycopg.Connection) -> None:
        register(connection, self._scope, self._config, by="conductor", at=self._clock())

    async def _read(self, exchanges: TapReader) -> None:
        async for exchange in exchanges:
            self._intake.take(exchange)
            if self._options.recorder is not None:
                self._options.recorder.offer(exchange)

    def _dry_runs(self, new: Ask) -> DryRuns:
        health = self._config.new.health if self._config.new else "/"
        key = self._options.dry_run if self._config.shadow.dry_run_writes else None
        return DryRuns(new, key, health, self._clock)

    async def _compare(self) -> None:
        while True:
            wanted = await self._intake.waiting.get()
            try:
                await self._comparer.compare(wanted)
            except Exception:
                self._comparer.skip("could not be compared")
                log.exception("conductor.not_compared", route=wanted.name)

    async def _count(self) -> None:
        counters = counters_of(self._config, self._own_client, counter_queries(self._config, self._address))
        while counters:
            await self._canaries.read_counters(counters)
            await asyncio.sleep(self._options.counters_every)

    async def _keep_looking(
        self, connection: psycopg.Connection, stop: asyncio.Event, working: list[asyncio.Task[None]]
    ) -> psycopg.Connection:
        while not stop.is_set():
            connection = await self._look_once(connection, stop)
            for task in working:
                if task.done() and (failure := task.exception()) is not None:
                    raise failure
            await _wait(stop, self._options.every)
        return connection

    async def _look_once(self, connection: psycopg.Connection, stop: asyncio.Event) -> psycopg.Connection:
        try:
            await self._tick(connection)
        except psycopg.OperationalError as error:
            log.warning("conductor.database_away", problem=str(error).strip())
            return await self._connect_again(connection, stop)
        return connection

    async def _connect_again(self, connection: psycopg.Connection, stop: asyncio.Event) -> psycopg.Connection:
        """Open the connection anew and take the lock again; whoever took it meanwhile has replaced us."""
        while not stop.is_set():
            await asyncio.to_thread(connection.close)
            try:
                connection = await asyncio.to_thread(self._open)
            except psycopg.OperationalError:
                await _wait(stop, self._options.every)
                continue
            if await asyncio.to_thread(try_lock, connection, self._scope):
                return connection
            await _wait(stop, self._options.every)
        return connection

    async def _tick(self, connection: psycopg.Connection) -> None:
        now = self._clock()
        self._look = seen = await asyncio.to_thread(look, connection, self._scope, self._config, now)
        for unit in seen.anew:
            self._judges.begin_anew(unit)
        self._judges.accept(seen.accepted, now.date())
        left = self._canaries.follow(seen.units)
        self._canaries.decide(now)
        self._canaries.act(seen, now)
        self._keeper.replays.begin(seen.replays)
        self._measure(seen)
        if self._keeper.age >= self._options.save_every or seen.anew or left:
            await self._keeper.save(connection, seen, left)

    def _measure(self, seen: Look) -> None:
        for (source, direction), ill in ailing(seen.flows, self._config, seen.units, self._clock()).items():
            AILING.labels(source, direction).set(ill)
        for name, unit in seen.units.items():
            STATE.labels(name).set(unit.values.state)
            SHARE.labels(name).set(unit.values.share)
        for outcome, count in self._recorded().items():
            if isinstance(count, int):
                RECORDED.labels(outcome).set(count)
        for judged, groups in self._keeper.groups.items():
            REPORTED.labels(judged).set(sum(len(open_members(group, seen)) for group in groups))

    async def _tell(self) -> None:
        """Send alarms that have not arrived; apart from the looking, for a webhook may be slow."""
        while self._teller.channels:
            with contextlib.suppress(psycopg.OperationalError):
                since = self._clock() - _TELL_FOR
                for alert in await asyncio.to_thread(self._untold, since):
                    told = await self._teller.tell(alert, self._clock())
                    if told:
                        await asyncio.to_thread(self._told, alert.id, told)
            await asyncio.sleep(self._options.every)

    def _untold(self, since: datetime) -> list[OpenAlert]:
        with connected(self._address) as connection:
            return list(untold_alerts(connection, self._scope, since, self._teller.channels))

    def _told(self, alert: UUID, told: dict[str, str]) -> None:
        with connected(self._address) as connection:
            tell_written(connection, self._scope, alert, told)


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
