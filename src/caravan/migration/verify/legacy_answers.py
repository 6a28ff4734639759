"""The old store that a declared invariant asks, whatever its SQL."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from caravan.migration.config import MigrationConfig
from caravan.migration.config.invariants import InvariantPair, Sum
from caravan.migration.verify.answers import Answer, mariadb_answer, postgres_answer, sqlite_answer
from caravan.migration.verify.declared_sums import backticked, double_quoted, sum_query
from caravan.migration.verify.errors import SideLostError

__all__ = ["LegacyStore", "legacy_store"]

_POSTGRES: Final = frozenset({"postgresql", "postgres", "supabase"})
_MARIADB: Final = frozenset({"mysql", "mariadb"})


@dataclass(frozen=True, slots=True)
class LegacyStore:
    """``answer`` asks one query, read-only, and raises ``SideLostError``; ``quoted`` quotes a name as the store does."""

    answer: Callable[[str], Answer]
    quoted: Callable[[str], str]

    def summed(self, declared: Sum) -> Answer:
        """Ask for a declared sum; raises ``SideLostError``."""
        return self.answer(sum_query(declared, self.quoted))


def legacy_store(config: MigrationConfig, pair: InvariantPair) -> LegacyStore:
    """Return the store of the source that a pair names, or of the only one.

    Raises:
        SideLostError: there are several, or it answers no SQL.
    """
    name = pair.source or (next(iter(config.sources)) if len(config.sources) == 1 else None)
    if name is None:
        raise SideLostError(f"the invariant {pair.name} names no source, and there are several; add source")
    source = config.sources[name]
    if source.url is not None:
        kind = urlsplit(source.url).scheme if source.kind == "auto" else source.kind
        if kind in _POSTGRES:
            address = "postgresql://" + source.url.partition("://")[2]
            return LegacyStore(partial(postgres_answer, address), double_quoted)
        if kind in _MARIADB:
            return LegacyStore(partial(mariadb_answer, source.url), backticked)
    path = config.path_of(name)
    if path is not None and path.is_file():
        return LegacyStore(partial(sqlite_answer, path), double_quoted)
    raise SideLostError(f"the source {name} holds no tables that answer SQL")
