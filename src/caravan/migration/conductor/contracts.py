"""The frozen contract as the judge needs it: what there is to see on each route of the file."""

from collections.abc import Mapping

from caravan.migration.conductor.errors import ContractNotFrozenError
from caravan.migration.config import MigrationConfig
from caravan.migration.config import Route as DeclaredRoute
from caravan.migration.contract import Contract as FrozenContract
from caravan.migration.contract import Route, contract_hash, read_contract
from caravan.migration.shadow import Contract, route_names

__all__ = ["contracts_of"]

_SERVER_ERROR = 5


def contracts_of(config: MigrationConfig) -> Mapping[str, Contract]:
    """Return, by route name, what ``[shadow] contract`` and ``roles`` say can occur there; empty when the file names neither.

    Raises:
        ContractNotFrozenError: the contract was changed since it was frozen, or never was.
        CaravanError: it cannot be read.
    """
    known = {_shape(route.key): route for route in _routes(config)}
    if not known and not config.shadow.roles:
        return {}
    return {
        name: _contract(known.get(_shape(name)), config)
        for declared in config.routes
        for name in _read_names(declared)
    }


def _routes(config: MigrationConfig) -> tuple[Route, ...]:
    if config.shadow.contract is None:
        return ()
    file = config.file.parent / config.shadow.contract
    contract = read_contract(file)
    if not _is_frozen(contract):
        raise ContractNotFrozenError(f"{file} is not frozen, or was changed since.")
    return tuple(contract.routes.values())


def _is_frozen(contract: FrozenContract) -> bool:
    return contract.frozen is not None and contract.frozen == contract_hash(contract)


def _read_names(route: DeclaredRoute) -> tuple[str, ...]:
    """Writes are never asked again, so nothing of them can be seen."""
    return route_names(route) if route.effect == "read" else ()


def _contract(route: Route | None, config: MigrationConfig) -> Contract:
    roles = frozenset(config.shadow.roles)
    if route is None:
        return Contract(roles=roles)
    classes = {status // 100 for status in route.answers}
    return Contract(
        frozenset(route.query),
        # Errors of the server's own are nobody's promise: nobody waits for one to be seen.
        frozenset(f"{each}xx" for each in classes if each < _SERVER_ERROR),
        roles,
    )


def _shape(key: str) -> str:
    """Names of parameters do not tell routes apart."""
    return "/".join("{}" if "{" in segment else segment for segment in key.split("/"))
