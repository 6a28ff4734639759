"""Cutover: both halves of a unit, routes and data, change sides in one guarded step that can be taken back. The one door of this room.

What it offers is imported when it is asked for: to check evidence one needs no store.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from caravan.migration.cutover.certificate import Certificate, check_certificate, file_certificate
    from caravan.migration.cutover.drill import Drill, Probes
    from caravan.migration.cutover.migration_parties import parties_of
    from caravan.migration.cutover.observed_units import ObservedUnits, Use, units_of_uses, uses_of
    from caravan.migration.cutover.operating import Cutovers
    from caravan.migration.cutover.parties import (
        DirtyCheck,
        Fence,
        Flow,
        Parties,
        Sequences,
        Store,
        TableSums,
        Verification,
        Verified,
        Writer,
    )
    from caravan.migration.cutover.planned import PlannedCutover, planned_cutover
    from caravan.migration.cutover.recovery import settle_interrupted
    from caravan.migration.cutover.releasing import StandingFence, release_fences, standing_fences
    from caravan.migration.units import Moved

__all__ = [
    "Certificate",
    "Cutovers",
    "DirtyCheck",
    "Drill",
    "Fence",
    "Flow",
    "Moved",
    "ObservedUnits",
    "Parties",
    "PlannedCutover",
    "Probes",
    "Sequences",
    "StandingFence",
    "Store",
    "TableSums",
    "Use",
    "Verification",
    "Verified",
    "Writer",
    "check_certificate",
    "file_certificate",
    "parties_of",
    "planned_cutover",
    "release_fences",
    "settle_interrupted",
    "standing_fences",
    "units_of_uses",
    "uses_of",
]

_PLACES: Final[Mapping[str, str]] = {
    "Certificate": "caravan.migration.cutover.certificate",
    "Cutovers": "caravan.migration.cutover.operating",
    "DirtyCheck": "caravan.migration.cutover.parties",
    "Drill": "caravan.migration.cutover.drill",
    "Fence": "caravan.migration.cutover.parties",
    "Flow": "caravan.migration.cutover.parties",
    "Moved": "caravan.migration.units",
    "ObservedUnits": "caravan.migration.cutover.observed_units",
    "Parties": "caravan.migration.cutover.parties",
    "PlannedCutover": "caravan.migration.cutover.planned",
    "Probes": "caravan.migration.cutover.drill",
    "Sequences": "caravan.migration.cutover.parties",
    "StandingFence": "caravan.migration.cutover.releasing",
    "Store": "caravan.migration.cutover.parties",
    "TableSums": "caravan.migration.cutover.parties",
    "Use": "caravan.migration.cutover.observed_units",
    "Verification": "caravan.migration.cutover.parties",
    "Verified": "caravan.migration.cutover.parties",
    "Writer": "caravan.migration.cutover.parties",
    "check_certificate": "caravan.migration.cutover.certificate",
    "file_certificate": "caravan.migration.cutover.certificate",
    "units_of_uses": "caravan.migration.cutover.observed_units",
    "parties_of": "caravan.migration.cutover.migration_parties",
    "planned_cutover": "caravan.migration.cutover.planned",
    "release_fences": "caravan.migration.cutover.releasing",
    "settle_interrupted": "caravan.migration.cutover.recovery",
    "standing_fences": "caravan.migration.cutover.releasing",
    "uses_of": "caravan.migration.cutover.observed_units",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the door offers
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_PLACES[name]), name)
    globals()[name] = value
    return value
