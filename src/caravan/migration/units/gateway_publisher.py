"""Publishes a unit's values to the gateways through the route table in PostgreSQL, and waits until all have confirmed."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from sqlalchemy import text

from caravan.core.database import Database, DatabaseAddress, Role, WriteSession
from caravan.core.kept import Kept
from caravan.migration.config import MigrationConfig
from caravan.migration.gateway.confirming import wait_until_confirmed
from caravan.migration.gateway.plan import RoutePlan
from caravan.migration.gateway.publishing import Published, current_table, publish_table
from caravan.migration.units.errors import LeaseLostError
from caravan.migration.units.publishing import Publication
from caravan.migration.units.route_plan import route_plan
from caravan.migration.units.scope import Scope, connected
from caravan.migration.units.store import stored_units
from caravan.migration.units.values import UnitValues

__all__ = ["GatewayPublisher"]


_PATIENCE: Final = 10.0
_TRANSITION: Final = text(
    "SELECT done_steps, steps FROM engine.unit_transitions WHERE org_id = :org AND id = :id"
    " AND phase IN ('acting', 'unwinding') FOR UPDATE"
)
_CURRENT: Final = """
SELECT t.document FROM engine.route_tables t JOIN engine.route_pointers p USING (org_id, migration, version)
WHERE t.org_id = %(org)s AND t.migration = %(migration)s
"""


class GatewayPublisher:
    """Implements ``Publisher``; called outside of any event loop. ``seconds`` is how long processes may take to confirm.

    Steps under which writes are held have ``[gateway] hold_seconds`` at most.
    """

    def __init__(
        self, address: DatabaseAddress, config: MigrationConfig, *, by: str, seconds: float = _PATIENCE
    ) -> None:
        self._address = address
        self._config = config
        self._by = by
        self._seconds = seconds
        self._kept: tuple[asyncio.Runner, Database] | None = None
        self._connections = Kept(lambda: _reading(address))

    def publish(self, publication: Publication) -> Mapping[str, Any]:
        """Publish the whole table with the unit's new values, unless it stands so already, and wait.

        Raises:
            NotConfirmedError: a process does not follow, or still has writes of a held unit on their way.
            LeaseLostError: the transition has gone on, or has ended, without whoever asks.
        """
        with self._connections.used() as connection:
            units = {name: unit.values for name, unit in stored_units(connection, publication.scope).items()}
        if self._kept is not None:
            runner, system = self._kept
            return runner.run(self._publish(system, publication, units))
        with self.kept_open():
            return self.publish(publication)

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """Keep loop and connections for all that is published in the block: a switch publishes several times while clients wait."""
        system = Database(
            self._address, role=Role.SYSTEM, pool=1, read_pool=1, application="caravan migration"
        )
        with self._connections.kept_open(), asyncio.Runner() as runner:
            self._kept = (runner, system)
            try:
                yield
            finally:
                self._kept = None
                runner.run(system.close())

    def in_force(self, scope: Scope, unit: str) -> UnitValues | None:
        """Return the unit's part of the current table."""
        with connected(self._address, read_only=True) as connection:
            row = connection.execute(_CURRENT.encode(), scope.parameters).fetchone()
        planned = RoutePlan.model_validate(row[0]).unit(unit) if row else None
        if planned is None:
            return None
        return UnitValues(
            state=planned.state,
            share=planned.share,
            salt=planned.salt,
            armed=planned.armed,
            held=planned.held,
        )

    async def _publish(
        self, system: Database, publication: Publication, units: Mapping[str, UnitValues]
    ) -> dict[str, Any]:
        scope, values = publication.scope, publication.step.values
        wanted = route_plan(self._config, {**units, publication.unit: values})
        async with system.write() as session:
            await _refuse_the_past(session, publication)
            published = await current_table(session, scope.org_id, scope.migration)
            if published.version == 0 or published.plan != wanted:
                published = await publish_table(
                    session,
                    scope.org_id,
                    scope.migration,
                    wanted,
                    expected=published.version,
                    by=self._by,
                    reason=f"{publication.step.name} {publication.transition}",
                )
        return await self._confirmed(system, publication, published)

    async def _confirmed(
        self, system: Database, publication: Publication, published: Published
    ) -> dict[str, Any]:
        scope, held = publication.scope, publication.step.values.held
        # Clients wait as long as writes are held: beyond their budget the step has failed.
        seconds = min(self._seconds, self._config.gateway.hold_seconds) if held else self._seconds
        processes = await wait_until_confirmed(
            system,
            scope.org_id,
            scope.migration,
            published,
            seconds=seconds,
            unit=publication.unit if held else None,
        )
        return {
            "step": publication.step.name,
            "version": published.version,
            "epoch": published.epoch,
            "gateways": [process.name for process in processes],
        }


def _reading(address: DatabaseAddress) -> psycopg.Connection:
    connection = psycopg.connect(address.libpq(Role.SYSTEM, application="caravan migration"), autocommit=True)
    connection.read_only = True
    return connection


async def _refuse_the_past(session: WriteSession, publication: Publication) -> None:
    """Let only the step that is next in its transition through: somebody who was away for long may ask for an old one."""
    found = await session.execute(
        _TRANSITION, {"org": publication.scope.org_id, "id": publication.transition}
    )
    row = found.one_or_none()
    wanted = publication.step.as_json()
    if row is None or row.done_steps != publication.number or row.steps[publication.number] != wanted:
        raise LeaseLostError(
            f"The transition of {publication.unit!r} is not at the step {publication.step.name!r} any more."
        )
