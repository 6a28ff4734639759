"""A fence of MariaDB and MySQL: triggers that SIGNAL for every row; TRUNCATE and DROP are revoked where rights allow.

Creating a trigger waits for every open transaction that has used the table, so what wrote before has ended when it is there; that wait
is bounded. Each trigger is a statement of its own: a fence is up when all are there. Under somebody's ``LOCK TABLES … READ`` none can
be created, which is said.
"""

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Final, NamedTuple
from uuid import UUID

from caravan.core.kept import Kept
from caravan.migration.cutover.errors import FenceRefusedError
from caravan.migration.cutover.fences.mariadb_drop_right import (
    give_back,
    given_back,
    still_may_drop,
    take_away,
)
from caravan.migration.cutover.fences.mariadb_session import (
    HELD_UP,
    NO_RIGHT,
    MariadbSession,
    open_session,
    quoted,
    text_literal,
)
from caravan.migration.cutover.fences.names import APPLIER_VARIABLE, PREFIX, fence_name, said, transition_of
from caravan.migration.cutover.parties import Writer
from caravan.migration.cutover.store_errors import store_errors

__all__ = ["MariadbFence"]

_EVENTS: Final = ("INSERT", "UPDATE", "DELETE")
_SAID_LENGTH: Final = 128
_TRIGGERS: Final = """
SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE, EVENT_MANIPULATION FROM information_schema.TRIGGERS
WHERE TRIGGER_SCHEMA = DATABASE() AND LEFT(TRIGGER_NAME, %s) = %s
"""
_SESSIONS: Final = """
SELECT USER, SUBSTRING_INDEX(HOST, ':', 1), COUNT(*) FROM information_schema.PROCESSLIST
WHERE DB = DATABASE() AND USER NOT IN ('system user', 'event_scheduler') AND USER <> SUBSTRING_INDEX(CURRENT_USER(), '@', 1)
GROUP BY 1, 2 ORDER BY 1, 2
"""
_TIMED: Final = (
    "SELECT EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE() AND STATUS = 'ENABLED'"
)
_USERS: Final = """
SELECT ID, USER, COALESCE(COMMAND, ''), COALESCE(STATE, ''), COALESCE(LEFT(INFO, 80), '') FROM information_schema.PROCESSLIST
WHERE DB = DATABASE() AND ID <> CONNECTION_ID() ORDER BY TIME DESC LIMIT 5
"""


class _Trigger(NamedTuple):
    name: str
    table: str
    event: str


class MariadbFence:
    """``url`` as the readers take it, of somebody with the right TRIGGER on the tables; ``tables`` without their database."""

    def __init__(self, url: str, tables: Sequence[str]) -> None:
        self._url = url
        self._tables = sorted(tables)
        self._sessions = Kept(lambda: open_session(self._url))

    def kept_open(self) -> AbstractContextManager[None]:
        """Keep one session for all that is asked in the block."""
        return self._sessions.kept_open()

    @property
    def limits(self) -> Sequence[str]:
        with self._sessions.used() as session:
            who = still_may_drop(session, self._tables)
        dropping = (f"TRUNCATE and DROP by {', '.join(who)} are not stopped",) if who else ()
        return (
            *dropping,
            "rows that ON DELETE CASCADE changes fire no trigger: fence the parent tables too",
            "sessions of the engine's own user are not told apart",
        )

    def standing(self) -> Sequence[UUID]:
        with self._sessions.used() as session:
            found = {transition_of(trigger.name) for trigger in self._triggers(session, PREFIX)}
        return sorted(one for one in found if one is not None)

    def is_up(self, transition: UUID) -> bool:
        with self._sessions.used() as session:
            return set(self._wanted(transition)) <= set(self._triggers(session, fence_name(transition)))

    def put_up(self, transition: UUID, *, within: float) -> None:
        deadline = time.monotonic() + within
        with self._sessions.used() as session, self._told(session, within):
            there = set(self._triggers(session, fence_name(transition)))
            for trigger in self._wanted(transition):
                if trigger not in there:
                    session.wait_at_most(deadline - time.monotonic())
                    session.rows(_creating(trigger))
            take_away(session, transition, self._tables)

    def take_down(self, transition: UUID, *, within: float) -> None:
        deadline = time.monotonic() + within
        with self._sessions.used() as session, self._told(session, within):
            for trigger in self._triggers(session, fence_name(transition)):
                session.wait_at_most(deadline - time.monotonic())
                session.rows(f"DROP TRIGGER IF EXISTS {quoted(trigger.name)}")
            session.wait_at_most(within)
            give_back(session, transition)

    def old_transactions(self) -> Sequence[Writer]:
        """Return prepared transactions: all others that used the tables have ended before the triggers were there."""
        with self._sessions.used() as session:
            try:
                rows = session.rows("XA RECOVER")
            except store_errors() as error:
                if error.args[0] in NO_RIGHT:
                    return []
                raise
        return [Writer("a prepared transaction", f"XA {row[3]}") for row in rows]

    def writers(self) -> Sequence[Writer]:
        with self._sessions.used() as session:
            sessions = [
                Writer(f"{user}@{host}", f"{count} sessions") for user, host, count in session.rows(_SESSIONS)
            ]
            events = [
                Writer(f"event:{name}", "runs by the server's own clock") for (name,) in session.rows(_TIMED)
            ]
        return [*sessions, *events]

    def by_hand(self, transition: UUID) -> Sequence[str]:
        with self._sessions.used() as session:
            grants = given_back(session, transition)
        drops = [f"DROP TRIGGER IF EXISTS {quoted(trigger.name)}" for trigger in self._wanted(transition)]
        return [f"{statement};" for statement in (*drops, *grants)]

    def _wanted(self, transition: UUID) -> list[_Trigger]:
        """Return every trigger; their names are unique in a database, so each has a part of its table's hash."""
        return [
            _Trigger(f"{fence_name(transition)}_{_short(table)}_{event[0].lower()}", table, event)
            for table in self._tables
            for event in _EVENTS
        ]

    def _triggers(self, session: MariadbSession, prefix: str) -> list[_Trigger]:
        rows = session.rows(_TRIGGERS, (len(prefix), prefix))
        return [_Trigger(*map(str, row)) for row in rows if row[1] in self._tables]

    @contextmanager
    def _told(self, session: MariadbSession, within: float) -> Iterator[None]:
        """Say who is in the way; what the session waits is bounded only so long."""
        try:
            yield
            session.wait_as_usual()
        except store_errors() as error:
            number = error.args[0] if error.args else None
            if number in HELD_UP:
                users = ", ".join(
                    f"{user} (connection {id_}, {command} {state} {info})".replace("  ", " ")
                    for id_, user, command, state, info in session.rows(_USERS)
                )
                raise FenceRefusedError(
                    f"MariaDB gave no lock on the tables within {within:.2g} s: a transaction or LOCK TABLES is open;"
                    f" connected are {users or 'none that may be seen'}."
                ) from None
            if number in NO_RIGHT:
                raise FenceRefusedError(f"MariaDB: {error.args[1]}.") from None
            raise


def _creating(trigger: _Trigger) -> str:
    told = text_literal(said(trigger.table)[:_SAID_LENGTH])
    return (
        f"CREATE TRIGGER {quoted(trigger.name)} BEFORE {trigger.event} ON {quoted(trigger.table)} FOR EACH ROW BEGIN"
        f" DECLARE told VARCHAR(128) DEFAULT {told};"
        f" IF {APPLIER_VARIABLE} IS NULL THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = told; END IF; END"
    )


def _short(table: str) -> str:
    return hashlib.sha256(table.encode()).hexdigest()[:8]
