"""Operators of an engine that runs alone: named in the migration file, each with the digest of a token."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from uuid import UUID, uuid5

import structlog

from caravan.core.errors import CaravanError
from caravan.core.principal import Principal, PrincipalKind
from caravan.migration.config import MigrationConfig, Operator, read_config
from caravan.migration.units import Scope

__all__ = ["Operators", "new_token", "operator_principal", "token_digest"]

log = structlog.get_logger(__name__)

_PREFIX: Final = "crv_"
_BYTES: Final = 32
_SCOPES: Final[Mapping[str, frozenset[str]]] = {
    "view": frozenset({"view_migrations", "view_usage"}),
    "accept": frozenset({"accept_differences"}),
    "switch": frozenset({"switch_traffic"}),
}


def new_token() -> str:
    """Return a token that nobody can guess: 256 random bits."""
    return _PREFIX + secrets.token_urlsafe(_BYTES)


def token_digest(token: str) -> str:
    """Return what the file keeps of a token: SHA-256 in hex. A random token needs no slow hash, and no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


class Operators:
    """Reads them from the file, again whenever it has changed; while it is wrong those of before stay in force.

    ``more`` are operators beside the file's, such as the one of a run whose file has none.
    """

    def __init__(self, config: MigrationConfig, more: Mapping[str, Operator] | None = None) -> None:
        self._file = config.file
        self._more = dict(more or {})
        self._known = dict(config.operators)
        self._read_at = _stamp(config.file)

    def named(self, name: str) -> Operator | None:
        """Return the operator of this name, as the file says now."""
        self._read_again()
        return self._known.get(name) or self._more.get(name)

    def holding(self, name: str, token: str) -> Operator | None:
        """Return the operator whose token this is; the time it takes tells nothing."""
        found = self.named(name)
        given = token_digest(token)
        same = hmac.compare_digest(given, found.token if found else token_digest(given))
        return found if same else None

    def _read_again(self) -> None:
        stamp = _stamp(self._file)
        if stamp == self._read_at:
            return
        self._read_at = stamp
        try:
            self._known = dict(read_config(self._file).operators)
        except CaravanError as error:
            log.warning("console.operators_not_read", file=str(self._file), problem=error.message)


def operator_principal(scope: Scope, name: str, operator: Operator, session: UUID) -> Principal:
    """Return who acts: the same id for the same name of a migration, so that nobody is a second person to themselves."""
    scopes = frozenset[str]().union(_SCOPES["view"], *(_SCOPES[right] for right in operator.may))
    identity = uuid5(scope.org_id, f"operator:{scope.migration}:{name}")
    return Principal(
        PrincipalKind.USER, identity, org=scope.org_id, scopes=scopes, name=name, session=session
    )


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
