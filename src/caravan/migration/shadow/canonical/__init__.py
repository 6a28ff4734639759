"""Weakens equality where the old side differs from itself, and only as far as it does."""

from caravan.migration.shadow.canonical.kinds import (
    AnyId,
    Canonicaliser,
    Counter,
    Near,
    Timestamp,
    Token,
    Url,
    Uuid,
    canonicaliser_from_json,
    canonicaliser_to_json,
)
from caravan.migration.shadow.canonical.learning import Learner
from caravan.migration.shadow.canonical.moments import Moment, read_moment
from caravan.migration.shadow.canonical.references import Flows, IdPair

__all__ = [
    "AnyId",
    "Canonicaliser",
    "Counter",
    "Flows",
    "IdPair",
    "Learner",
    "Moment",
    "Near",
    "Timestamp",
    "Token",
    "Url",
    "Uuid",
    "canonicaliser_from_json",
    "canonicaliser_to_json",
    "read_moment",
]
