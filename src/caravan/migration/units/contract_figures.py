"""What a contract file says of a unit, as the guard of ``contracted`` reads it."""

from typing import Any

from caravan.migration.config import MigrationConfig
from caravan.migration.contract import Contract, contract_hash, route_key

__all__ = ["contract_figures"]


def contract_figures(config: MigrationConfig, unit: str, contract: Contract) -> dict[str, Any]:
    """Return the figures: ``coverage`` is the share of the unit's routes that the contract has answers of, with their effect.

    Names of parameters do not tell routes apart. ``unseen`` and ``effects_differ`` list the others.
    """
    known = {_shape(route.key): route for route in contract.routes.values()}
    declared = {
        route_key(method, route.template): route.effect
        for route in config.routes_of(unit)
        for method in route.methods
    }
    unseen = [key for key in declared if not (found := known.get(_shape(key))) or not found.answers]
    differ = [
        key
        for key, effect in declared.items()
        if (found := known.get(_shape(key))) is not None and found.effect != effect
    ]
    missed = {*unseen, *differ}
    return {
        "frozen": contract.frozen is not None and contract.frozen == contract_hash(contract),
        "coverage": 1 - len(missed) / len(declared) if declared else 0.0,
        "version": contract_hash(contract),
        "unseen": unseen,
        "effects_differ": differ,
    }


def _shape(key: str) -> str:
    return "/".join("{}" if "{" in segment else segment for segment in key.split("/"))
