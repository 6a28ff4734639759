"""Where a walk notes what it has judged, so that the next one goes on behind it."""

from collections.abc import Mapping
from typing import Any, Literal, Protocol, TypeAlias

__all__ = ["Forgetful", "Notebook", "Noted", "Verdict"]

Verdict: TypeAlias = Literal["planned", "same", "different"]
Noted: TypeAlias = tuple[Verdict, Mapping[str, Any]]


class Notebook(Protocol):
    """The nodes of one run by name. Notes are durable when ``note`` returns, or soon after; a lost one is judged again."""

    def noted(self) -> Mapping[str, Noted]: ...

    def note(self, node: str, verdict: Verdict, facts: Mapping[str, Any]) -> None: ...


class Forgetful:
    """Notes for this process alone."""

    def __init__(self) -> None:
        self._notes: dict[str, Noted] = {}

    def noted(self) -> Mapping[str, Noted]:
        return dict(self._notes)

    def note(self, node: str, verdict: Verdict, facts: Mapping[str, Any]) -> None:
        self._notes[node] = (verdict, facts)
