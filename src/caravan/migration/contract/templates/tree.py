"""The tree of paths that were asked for; typed segments share one branch from the beginning, so ids cost no memory."""

from collections import Counter
from dataclasses import dataclass, field

__all__ = ["End", "Node"]


@dataclass(slots=True)
class End:
    """One method at one path. ``keys`` are the key paths of its good answers, ``lost`` the hashes of its 404 bodies.

    ``alive``: it was answered in a way that an unknown path is not.
    """

    hits: int = 0
    alive: bool = False
    keys: set[str] = field(default_factory=set)
    lost: set[bytes] = field(default_factory=set)

    def merge(self, other: "End") -> None:
        self.hits += other.hits
        self.alive = self.alive or other.alive
        self.keys |= other.keys
        self.lost |= other.lost


@dataclass(slots=True)
class Node:
    """``words`` by segment; ``parameter`` is the branch of all values, ``kinds`` how often each type of value came."""

    words: dict[str, "Node"] = field(default_factory=dict)
    parameter: "Node | None" = None
    kinds: Counter[str] = field(default_factory=Counter)
    ends: dict[str, End] = field(default_factory=dict)

    def merge(self, other: "Node") -> None:
        for word, theirs in other.words.items():
            self.words.setdefault(word, Node()).merge(theirs)
        if other.parameter is not None:
            self.parameter = self.parameter or Node()
            self.parameter.merge(other.parameter)
        self.kinds.update(other.kinds)
        for method, end in other.ends.items():
            self.ends.setdefault(method, End()).merge(end)

    def below(self) -> "list[Node]":
        """Return the next places."""
        return [*self.words.values(), *([] if self.parameter is None else [self.parameter])]

    @property
    def alive(self) -> bool:
        """Tell whether anything at or below this place was ever answered."""
        if any(end.alive for end in self.ends.values()):
            return True
        return any(node.alive for node in self.below())

    @property
    def hits(self) -> int:
        """How often this place and what is below was asked for."""
        return sum(end.hits for end in self.ends.values()) + sum(node.hits for node in self.below())

    def features(self, depth: int = 4) -> set[str]:
        """Return what this place is like: methods, key paths of answers, and what comes below."""
        found = {
            f" {method} {key}" for method, end in self.ends.items() if end.alive for key in ("", *end.keys)
        }
        if depth:
            for word, node in self.words.items():
                found |= {f"/{word}{feature}" for feature in node.features(depth - 1)}
            if self.parameter is not None:
                found |= {f"/{{}}{feature}" for feature in self.parameter.features(depth - 1)}
        return found
