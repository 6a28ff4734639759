"""Which host names this service answers to: a forged Host header must not end up in links."""

from collections.abc import Iterable

__all__ = ["TrustedHosts"]


class TrustedHosts:
    """Names as ``CARAVAN_TRUSTED_HOSTS`` lists them: exact, ``*.example.com`` for every name below, or ``*`` for all."""

    def __init__(self, names: Iterable[str]) -> None:
        wanted = [name.lower() for name in names]
        self._any = "*" in wanted
        self._exact = frozenset(name for name in wanted if not name.startswith("*"))
        self._below = tuple(name[1:] for name in wanted if name.startswith("*."))

    def allow(self, header: str) -> bool:
        """Tell whether a Host header names this service; its port does not matter."""
        if self._any:
            return True
        name = header.lower()
        if not name.endswith("]"):  # an IPv6 address without a port ends so
            name = name.rpartition(":")[0] or name
        return name in self._exact or name.endswith(self._below)
