"""Finds the template of a path: static segments first, then parameters, going back where that leads nowhere."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from caravan.migration.contract.templates.segments import is_parameter

__all__ = ["Match", "Router"]


@dataclass(frozen=True, slots=True)
class Match:
    """``values`` are the segments at the template's parameters, in order, as they were sent."""

    template: str
    values: tuple[str, ...]


@dataclass(slots=True)
class _Branch:
    static: dict[str, "_Branch"] = field(default_factory=dict)
    parameter: "_Branch | None" = None
    template: str | None = None


class Router:
    """Templates that may be asked which of them a path belongs to. A parameter takes one segment that is not empty."""

    def __init__(self, templates: Iterable[str]) -> None:
        self._root = _Branch()
        for template in sorted(templates):
            branch = self._root
            for segment in template.split("/"):
                if is_parameter(segment):
                    branch.parameter = branch = branch.parameter or _Branch()
                else:
                    branch = branch.static.setdefault(segment, _Branch())
            branch.template = branch.template or template

    def match(self, path: str) -> Match | None:
        """Return the template of a path without its query, or None."""
        return _descend(self._root, path.split("/"), 0, ())


def _descend(branch: _Branch, segments: list[str], place: int, values: tuple[str, ...]) -> Match | None:
    if place == len(segments):
        return None if branch.template is None else Match(branch.template, values)
    segment = segments[place]
    if (static := branch.static.get(segment)) is not None:
        found = _descend(static, segments, place + 1, values)
        if found is not None:
            return found
    if branch.parameter is not None and segment:
        return _descend(branch.parameter, segments, place + 1, (*values, segment))
    return None
