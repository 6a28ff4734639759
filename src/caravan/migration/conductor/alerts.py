"""Alarms: one per cause for as long as the cause lasts, told by webhook and e-mail until somebody has taken them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

import httpx2
import orjson
import psycopg
import structlog

from caravan.core.ids import uuid7
from caravan.core.protocols import Notifier
from caravan.migration.conductor.stored_json import stored
from caravan.migration.conductor.webhook import signed_headers
from caravan.migration.config import Alerts
from caravan.migration.units import Scope

__all__ = ["Alarm", "AlertTeller", "OpenAlert", "settle_alerts", "tell_written", "untold_alerts"]

log = structlog.get_logger(__name__)

Severity: TypeAlias = Literal["info", "warning", "critical"]

_OPEN: Final = """
INSERT INTO engine.migration_alerts (org_id, id, migration, cause, unit, severity, said, facts, began_at)
VALUES (%(org)s, %(id)s, %(migration)s, %(cause)s, %(unit)s, %(severity)s, %(said)s, %(facts)s, %(at)s)
ON CONFLICT (org_id, migration, cause) WHERE ended_at IS NULL DO NOTHING
"""
_END: Final = """
UPDATE engine.migration_alerts SET ended_at = %(at)s
WHERE org_id = %(org)s AND migration = %(migration)s AND ended_at IS NULL AND NOT cause = ANY(%(causes)s)
"""
_UNTOLD: Final = """
SELECT id, cause, unit, severity, said, facts, began_at, told FROM engine.migration_alerts
WHERE org_id = %(org)s AND migration = %(migration)s AND began_at > %(since)s ORDER BY began_at
"""
_TOLD: Final = """
UPDATE engine.migration_alerts SET told = told || %(told)s WHERE org_id = %(org)s AND id = %(id)s
"""
_WEBHOOK: Final = "webhook"


@dataclass(frozen=True, slots=True)
class Alarm:
    """What is wrong now. ``cause`` names it as long as it lasts; ``said`` is for people, ``facts`` for machines."""

    cause: str
    severity: Severity
    said: str
    unit: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """An alarm as it is stored; ``told`` says where it has arrived."""

    id: UUID
    cause: str
    unit: str | None
    severity: str
    said: str
    facts: Mapping[str, Any]
    began_at: datetime
    told: Mapping[str, Any]


def settle_alerts(
    connection: psycopg.Connection, scope: Scope, alarms: Iterable[Alarm], at: datetime
) -> None:
    """Open what is new, end what is over, and leave what lasts alone."""
    present = list(alarms)
    with connection.transaction(), connection.cursor() as cursor:
        here = {**scope.parameters, "at": at}
        cursor.execute(_END.encode(), {**here, "causes": [alarm.cause for alarm in present]})
        for alarm in present:
            cursor.execute(
                _OPEN.encode(),
                {
                    **here,
                    "id": uuid7(),
                    "cause": alarm.cause,
                    "unit": alarm.unit,
                    "severity": alarm.severity,
                    "said": alarm.said,
                    "facts": stored(dict(alarm.facts)),
                },
            )


def untold_alerts(
    connection: psycopg.Connection, scope: Scope, since: datetime, channels: Iterable[str]
) -> list[OpenAlert]:
    """Return alarms that have not arrived at all channels."""
    wanted = set(channels)
    rows = connection.execute(_UNTOLD.encode(), {**scope.parameters, "since": since})
    return [alert for alert in (OpenAlert(*row) for row in rows) if wanted - set(alert.told)]


def tell_written(connection: psycopg.Connection, scope: Scope, alert: UUID, told: Mapping[str, str]) -> None:
    """Note where an alarm has arrived."""
    connection.execute(_TOLD.encode(), {**scope.parameters, "id": alert, "told": stored(dict(told))})


class AlertTeller:
    """Sends alarms. ``secret`` signs webhooks; without one they go unsigned, and the log says so once."""

    def __init__(
        self,
        declared: Alerts,
        migration: str,
        client: httpx2.AsyncClient,
        *,
        secret: str | None = None,
        notifier: Notifier | None = None,
    ) -> None:
        self._declared = declared
        self._migration = migration
        self._client = client
        self._secret = secret
        self._notifier = notifier
        if declared.webhook and not secret:
            log.warning("conductor.webhook_unsigned", set="CARAVAN_ALERT_WEBHOOK_SECRET")

    @property
    def channels(self) -> tuple[str, ...]:
        """Where alarms go."""
        mails = tuple(f"email {to}" for to in self._declared.email) if self._notifier else ()
        return ((_WEBHOOK,) if self._declared.webhook else ()) + mails

    async def tell(self, alert: OpenAlert, now: datetime) -> dict[str, str]:
        """Send it wherever it has not arrived; returns where it has now."""
        told = {}
        for channel in self.channels:
            if channel in alert.told:
                continue
            try:
                await (self._post(alert, now) if channel == _WEBHOOK else self._mail(alert, channel))
            except Exception as error:  # noqa: BLE001 - whatever a provider raises; it is tried again
                log.warning(
                    "conductor.alert_not_sent", channel=channel, alert=str(alert.id), problem=str(error)
                )
                continue
            told[channel] = now.isoformat()
        return told

    async def _post(self, alert: OpenAlert, now: datetime) -> None:
        body = orjson.dumps(
            {"type": f"migration.{alert.severity}", "timestamp": now, "data": self._data(alert)}
        )
        headers = {"content-type": "application/json"}
        if self._secret:
            headers |= signed_headers(self._secret, str(alert.id), now, body)
        answer = await self._client.post(
            str(self._declared.webhook), content=body, headers=headers, timeout=5.0
        )
        answer.raise_for_status()

    async def _mail(self, alert: OpenAlert, channel: str) -> None:
        to = channel.removeprefix("email ")
        assert self._notifier is not None  # noqa: S101 - else there is no such channel
        await self._notifier.send(
            channel="email",
            to=to,
            template="migration_alert",
            variables=self._data(alert),
            idempotency_key=f"{alert.id}/{to}",
        )

    def _data(self, alert: OpenAlert) -> dict[str, Any]:
        return {
            "migration": self._migration,
            "id": str(alert.id),
            "cause": alert.cause,
            "unit": alert.unit,
            "severity": alert.severity,
            "said": alert.said,
            "began_at": alert.began_at.isoformat(),
            "facts": dict(alert.facts),
        }
