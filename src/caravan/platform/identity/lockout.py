"""Lock-out: after five failed log-ins with one name each further one doubles the wait, whether the name exists or not."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import case, delete, update
from sqlalchemy.dialects.postgresql import insert

from caravan.core.database import AnySession, WriteSession
from caravan.platform.identity.credential_tables import LoginAttempt
from caravan.platform.identity.errors import LoginLockedError
from caravan.platform.identity.opaque_tokens import digest

__all__ = [
    "FREE_FAILURES",
    "check_lock",
    "count_failure",
    "forget_failures",
    "forget_old_failures",
    "lock_duration",
    "subject_of",
]

FREE_FAILURES: Final = 5
_FIRST_LOCK: Final = timedelta(seconds=30)
_LONGEST_LOCK: Final = timedelta(hours=1)
_KEPT: Final = timedelta(days=1)


def lock_duration(failures: int) -> timedelta:
    """Return how long the name is locked after its n-th failure: nothing, then 30 s, 60 s … an hour."""
    if failures < FREE_FAILURES:
        return timedelta(0)
    return min(_LONGEST_LOCK, _FIRST_LOCK * (1 << min(failures - FREE_FAILURES, 10)))


def subject_of(identifier: str) -> bytes:
    """Return the digest under which the failures of a name are counted."""
    return digest(identifier)


async def check_lock(session: AnySession, subject: bytes, now: datetime) -> None:
    """Raise ``LoginLockedError`` while the name is locked."""
    attempt = await session.get(LoginAttempt, subject)
    if attempt is None or attempt.locked_until is None or attempt.locked_until <= now:
        return
    seconds = int((attempt.locked_until - now).total_seconds()) + 1
    raise LoginLockedError(f"Too many failed log-ins. Try again in {seconds} s.", retry_after=seconds)


async def count_failure(session: WriteSession, subject: bytes, now: datetime) -> None:
    """Count one failure; a day without any starts from the beginning."""
    fresh = insert(LoginAttempt).values(subject=subject, failures=1, last_failed_at=now)
    failures = await session.scalar(
        fresh.on_conflict_do_update(
            index_elements=[LoginAttempt.subject],
            set_={
                "failures": case(
                    (LoginAttempt.last_failed_at < now - _KEPT, 1), else_=LoginAttempt.failures + 1
                ),
                "last_failed_at": now,
            },
        ).returning(LoginAttempt.failures)
    )
    duration = lock_duration(failures or 1)
    if duration:
        locked = (
            update(LoginAttempt).where(LoginAttempt.subject == subject).values(locked_until=now + duration)
        )
        await session.execute(locked)


async def forget_failures(session: WriteSession, *subjects: bytes) -> None:
    """Start from the beginning: after a log-in that succeeded, or a password that was reset."""
    await session.execute(delete(LoginAttempt).where(LoginAttempt.subject.in_(subjects)))


async def forget_old_failures(session: WriteSession, now: datetime) -> int:
    """Remove the counts of names without a failure for a day; returns how many."""
    old = (
        delete(LoginAttempt).where(LoginAttempt.last_failed_at < now - _KEPT).returning(LoginAttempt.subject)
    )
    return len((await session.scalars(old)).all())
