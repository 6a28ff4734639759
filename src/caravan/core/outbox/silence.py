"""Noticing a worker that is connected and consumes nothing (known of Redis as a broker after a reconnect)."""

import socket
from dataclasses import dataclass

import psycopg

from caravan.core.database import DatabaseAddress, Role
from caravan.core.outbox.policy import Policy

__all__ = ["SilenceWatch"]

_ASK = """
    SELECT (SELECT max(seen_at) FROM heartbeats WHERE kind = 'ping' AND name = %(queue)s)
               > now() - make_interval(secs => %(fresh)s),
           (SELECT max(seen_at) FROM heartbeats WHERE kind = 'queue' AND name = %(queue)s AND process = %(process)s)
               > now() - make_interval(secs => %(silence)s)
"""


@dataclass(frozen=True, slots=True)
class SilenceWatch:
    """A worker is silent when heartbeat tasks reach the broker and it has run none for ``policy.silence`` seconds.

    Several workers share a queue, so one of many may rarely get a heartbeat; it records one with its own work too.
    """

    address: DatabaseAddress
    policy: Policy

    def is_silent(self, pid: int, age: float) -> bool:
        """Ask the database; when it is away, nobody is blamed."""
        if age < self.policy.silence:
            return False
        values = {
            "queue": self.policy.queue,
            "process": f"{socket.gethostname()}:{pid}",
            "fresh": self.policy.heartbeat * 3,
            "silence": self.policy.silence,
        }
        try:
            with psycopg.connect(
                self.address.libpq(Role.SYSTEM, application="caravan watch"), connect_timeout=5
            ) as connection:
                row = connection.execute(_ASK.encode(), values).fetchone()
        except psycopg.Error:
            return False
        sent, served = row or (None, None)
        return bool(sent) and not served
