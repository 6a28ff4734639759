"""A frozen contract carries the hash of what it says; comments may change, promises may not."""

import hashlib
from dataclasses import replace

from caravan.migration.contract.errors import ContractChanged
from caravan.migration.contract.file import contract_text
from caravan.migration.contract.model import Contract

__all__ = ["contract_hash", "ensure_unchanged", "freeze"]


def contract_hash(contract: Contract) -> str:
    """Return the hash of everything the contract says, without its comments and its own mark."""
    text = contract_text(replace(contract, frozen=None))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def freeze(contract: Contract) -> Contract:
    """Return the contract, marked."""
    return replace(contract, frozen=contract_hash(contract))


def ensure_unchanged(contract: Contract) -> None:
    """Refuse a frozen contract that says something else than when it was frozen.

    Raises:
        ContractChanged: it does.
    """
    if contract.frozen is not None and contract.frozen != contract_hash(contract):
        raise ContractChanged(f"{contract.name}: the contract is not what it was when it was frozen")
