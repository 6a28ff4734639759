"""The addresses under which a side knows itself: they may differ between the sides, and nothing else of a URL may."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

__all__ = ["NO_HOSTS", "OwnHosts"]

SELF = "{self}"


@dataclass(frozen=True, slots=True)
class OwnHosts:
    """``names`` are ``host`` or ``host:port`` of one side, in lower case."""

    names: frozenset[str] = field(default=frozenset())

    @classmethod
    def of(cls, addresses: Iterable[str]) -> "OwnHosts":
        """Take host names or base URLs."""
        return cls(
            frozenset(
                (urlsplit(each).netloc if "//" in each else each).lower().strip("/") for each in addresses
            )
        )

    def folded(self, text: str) -> str:
        """Replace scheme and host of a URL of this side by ``{self}``; a path stays a path, anything else stays as it is."""
        if not self.names or "//" not in text:
            return text
        try:
            parts = urlsplit(text)
        except ValueError:
            return text
        if parts.netloc.lower() not in self.names:
            return text
        return SELF + text[text.index("//") + 2 + len(parts.netloc) :]

    def folded_domain(self, domain: str) -> str:
        """Replace a cookie's domain that is of this side."""
        bare = domain.lower().lstrip(".")
        return SELF if any(name.partition(":")[0] == bare for name in self.names) else bare


NO_HOSTS = OwnHosts()
