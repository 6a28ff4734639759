"""What was promised, what was measured, and whether it holds."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

__all__ = ["Promises"]


@dataclass
class Promises:
    """``say`` prints a line at once; ``stay`` is called at the end of a part, while all of it runs.

    It gets the console's line and the gateway's port. Parts run side by side: each tells its lines under its name.
    """

    say: Callable[[str], None]
    stay: Callable[[str, int], None] = lambda _console, _port: None
    name: str = ""
    kept: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    ended: float = 0.0
    """When all was shown, on the monotonic clock; 0 before."""

    def of(self, name: str) -> "Promises":
        """Return those of a part, counted here too."""
        return replace(self, name=name)

    def told(self, promise: str, figure: str, *, holds: bool) -> None:
        """Print one promise with its figure."""
        self.say(f"{'ok    ' if holds else 'BROKEN'} {self.name:8} {promise}: {figure}")
        if holds:
            self.kept.append(promise)
        else:
            self.broken.append(promise)

    @property
    def passed(self) -> bool:
        """Whether all were kept, and there were any."""
        return bool(self.kept) and not self.broken
