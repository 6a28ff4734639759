"""What the drill did and saw: steps with figures, filed as JSON and Markdown."""

import json
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

__all__ = ["DrillError", "Record", "Step"]

_VERSIONS: Final = ("caravan-migrate", "fastapi", "uvicorn", "flask", "werkzeug")


class DrillError(Exception):
    """A step did not end as it has to; the message says what was seen."""


@dataclass
class Step:
    """One step: what is expected, what was found, and how long it took, in seconds."""

    name: str
    expected: str
    found: str = ""
    passed: bool = False
    seconds: float = 0.0


@dataclass
class Record:
    """The steps so far; ``figures`` are what a reader compares between drills."""

    tell: Callable[[str], None]
    begun: datetime = field(default_factory=lambda: datetime.now(UTC))
    steps: list[Step] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether there were steps, and all of them passed."""
        return bool(self.steps) and all(step.passed for step in self.steps)

    @contextmanager
    def step(self, name: str, expected: str) -> Iterator[Step]:
        """Run a step; it passes when the block ends without an error, and the block says what was found."""
        step = Step(name, expected)
        self.steps.append(step)
        began = time.monotonic()
        try:
            yield step
            step.passed = True
        except (DrillError, KeyboardInterrupt) as error:
            step.found = str(error) or "interrupted"
            raise
        finally:
            step.seconds = round(time.monotonic() - began, 3)
            self.tell(f"{'ok  ' if step.passed else 'FAIL'} {step.seconds:6.2f} s  {name}: {step.found}")

    def file(self, folder: Path) -> tuple[Path, Path]:
        """Write the record into the folder, named after the moment it began; returns the JSON and the Markdown file."""
        folder.mkdir(parents=True, exist_ok=True)
        stem = f"{self.begun:%Y-%m-%dT%H-%M-%SZ}-deduper-drill"
        content = {
            "drill": "deduper",
            "begun": self.begun.isoformat(timespec="seconds"),
            "passed": self.passed,
            "seconds": round(sum(step.seconds for step in self.steps), 2),
            "figures": self.figures,
            "steps": [asdict(step) for step in self.steps],
            "versions": {"python": platform.python_version(), **{name: version(name) for name in _VERSIONS}},
        }
        as_json, as_text = folder / f"{stem}.json", folder / f"{stem}.md"
        as_json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        as_text.write_text(_markdown(content), encoding="utf-8")
        return as_json, as_text


def _markdown(content: Mapping[str, Any]) -> str:
    lines = [
        f"# Drill of the deduper queue, {content['begun']}",
        "",
        f"**{'Passed' if content['passed'] else 'FAILED'}** in {content['seconds']:g} s.",
        "",
        "| figure | |",
        "|---|---|",
        *(f"| {name.replace('_', ' ')} | {value} |" for name, value in content["figures"].items()),
        *(f"| {name} | {value} |" for name, value in content["versions"].items()),
        "",
        "| | step | expected | found | s |",
        "|---|---|---|---|---|",
        *(
            f"| {'✓' if step['passed'] else '✗'} | {step['name']} | {step['expected']} |"
            f" {_cell(step['found'])} | {step['seconds']:.2f} |"
            for step in content["steps"]
        ),
        "",
    ]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", r"\|").split())
