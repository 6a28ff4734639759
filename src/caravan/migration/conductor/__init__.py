"""The conductor: compares what the tap shows, decides about canaries, alarms, and tells people. The one door of this room."""

from caravan.migration.conductor.by_hand import ADVANCE, BACK, ByHand, Outcome
from caravan.migration.conductor.conductor import Conductor
from caravan.migration.conductor.contracts import contracts_of
from caravan.migration.conductor.errors import (
    ConductorReplacedError,
    ContractNotFrozenError,
    NothingToPromoteError,
    OtherPersonNeededError,
    OvertakenError,
    RequestUnknownError,
    TapMissingError,
    UnitHeldError,
)
from caravan.migration.conductor.options import ConductorOptions
from caravan.migration.conductor.overview import Overview, overview

__all__ = [
    "ADVANCE",
    "BACK",
    "ByHand",
    "Conductor",
    "ConductorOptions",
    "ConductorReplacedError",
    "ContractNotFrozenError",
    "NothingToPromoteError",
    "OtherPersonNeededError",
    "Outcome",
    "OvertakenError",
    "Overview",
    "RequestUnknownError",
    "TapMissingError",
    "UnitHeldError",
    "contracts_of",
    "overview",
]
