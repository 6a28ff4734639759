"""What was promised, what was measured, and whether it holds."""

from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["Promises"]


@dataclass
class Promises:
    """``say`` prints a line at once; ``stay`` is called at the end of each part, while all of it runs.

    It gets the console's line and the gateway's port.
    """

    say: Callable[[str], None]
    stay: Callable[[str, int], None] = lambda _console, _port: None
    kept: int = 0
    broken: list[str] = field(default_factory=list)
    ended: float = 0.0
    """When all was shown, on the monotonic clock; 0 before."""

    def part(self, name: str) -> None:
        """Begin a part."""
        self.say(f"\n{name}")

    def told(self, promise: str, figure: str, *, holds: bool) -> None:
        """Print one promise with its figure."""
        self.say(f"  {'ok    ' if holds else 'BROKEN'} {promise}: {figure}")
        if holds:
            self.kept += 1
        else:
            self.broken.append(promise)

    @property
    def passed(self) -> bool:
        """Whether all were kept, and there were any."""
        return self.kept > 0 and not self.broken
