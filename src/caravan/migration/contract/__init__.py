"""Contracts learnt from recorded traffic, reviewed by people, checked against any server.

``learn`` → ``write_contract`` → people → ``freeze`` → ``check``, ``probe``, ``openapi_document``, ``parity_matrix``.
What it offers is imported when it is asked for: every run of pytest loads the plug-in below, and most need none of it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from caravan.migration.contract.errors import (
        ContractChanged,
        ContractInvalid,
        ContractMissing,
        NothingToLearn,
        ProbeUnavailable,
        SideUnreachable,
    )
    from caravan.migration.contract.evidence_file import (
        RouteSamples,
        evidence_path,
        read_samples,
        write_evidence,
    )
    from caravan.migration.contract.file import contract_text, read_contract, write_contract
    from caravan.migration.contract.freezing import contract_hash, ensure_unchanged, freeze
    from caravan.migration.contract.inventory_lines import Inventory, InventoryLine, inventory
    from caravan.migration.contract.learning import Learnt, learn
    from caravan.migration.contract.model import (
        AnswerShape,
        Contract,
        Effect,
        Route,
        proposed_effect,
        route_key,
    )
    from caravan.migration.contract.review import Change, relearn
    from caravan.migration.contract.templates import Match, Router, Score, score

__all__ = [
    "AnswerShape",
    "Change",
    "Contract",
    "ContractChanged",
    "ContractInvalid",
    "ContractMissing",
    "Effect",
    "Inventory",
    "InventoryLine",
    "Learnt",
    "Match",
    "NothingToLearn",
    "ProbeUnavailable",
    "Route",
    "RouteSamples",
    "Router",
    "Score",
    "SideUnreachable",
    "contract_hash",
    "contract_text",
    "ensure_unchanged",
    "evidence_path",
    "freeze",
    "inventory",
    "learn",
    "proposed_effect",
    "read_contract",
    "read_samples",
    "relearn",
    "route_key",
    "score",
    "write_contract",
    "write_evidence",
]

_PLACES: Final = {
    "AnswerShape": "model",
    "Change": "review",
    "Contract": "model",
    "ContractChanged": "errors",
    "ContractInvalid": "errors",
    "ContractMissing": "errors",
    "Effect": "model",
    "Inventory": "inventory_lines",
    "InventoryLine": "inventory_lines",
    "Learnt": "learning",
    "Match": "templates",
    "NothingToLearn": "errors",
    "ProbeUnavailable": "errors",
    "Route": "model",
    "RouteSamples": "evidence_file",
    "Router": "templates",
    "Score": "templates",
    "SideUnreachable": "errors",
    "contract_hash": "freezing",
    "contract_text": "file",
    "ensure_unchanged": "freezing",
    "evidence_path": "evidence_file",
    "freeze": "freezing",
    "inventory": "inventory_lines",
    "learn": "learning",
    "proposed_effect": "model",
    "read_contract": "file",
    "read_samples": "evidence_file",
    "relearn": "review",
    "route_key": "model",
    "score": "templates",
    "write_contract": "file",
    "write_evidence": "evidence_file",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562: whatever the name stands for
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    globals()[name] = value
    return value
