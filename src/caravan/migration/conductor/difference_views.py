"""What an overview shows of differences, and of those that somebody answers for."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

__all__ = ["AcceptedView", "DifferenceMember", "DifferenceView", "ReplayView"]


@dataclass(frozen=True, slots=True)
class DifferenceMember:
    """One place: ``against`` requests speak against new, ``noise`` against old itself; both None where none was counted.

    ``refused`` says why it cannot be accepted, empty where it can.
    """

    route: str
    path: str
    against: int
    noise: int
    reported: bool
    accepted: bool = False
    refused: str = ""


@dataclass(frozen=True, slots=True)
class ReplayView:
    """What came of asking both sides again: ``state`` is wanted or done, ``outcome`` always, sometimes, gone, or why there is none.

    ``old`` and ``new`` are JSON texts of ``root``, empty where nothing was asked.
    """

    state: str
    by: str
    at: datetime
    outcome: str = ""
    said: str = ""
    root: str = ""
    old: str = ""
    new: str = ""


@dataclass(frozen=True, slots=True)
class DifferenceView:
    """Differences of one cause with the smallest pair that shows it. ``old`` and ``new`` are JSON texts of ``root``.

    ``open`` is whether a reported member is neither accepted nor expired; ``request`` is method and target of the example.
    ``maskable`` tells whether accepting a member is possible at all; ``replay`` is None until somebody has it asked again.
    """

    id: str
    unit: str
    cause: str
    kind: str
    reported: bool
    open: bool
    maskable: bool
    members: tuple[DifferenceMember, ...]
    request: str
    root: str
    old: str
    new: str
    first_at: datetime
    last_at: datetime
    replay: ReplayView | None = None


@dataclass(frozen=True, slots=True)
class AcceptedView:
    """A difference somebody answers for. ``id`` is None where it stands in the file; ``expired`` ones hide nothing any more."""

    id: UUID | None
    route: str
    path: str
    kind: str
    owner: str
    reason: str
    until: date
    by: str
    expired: bool
