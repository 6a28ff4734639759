"""What was verified last: of each data set, and of each pair of tables, the last verification that ended and the one that runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import psycopg

from caravan.migration.units import Scope

__all__ = ["VerifiedSubject", "data_set_subject", "verified_subjects"]

_SUBJECTS: Final = """
SELECT DISTINCT ON (subject, state = 'running') subject, state, created_at, finished_at, report - 'differences'
FROM engine.verify_runs
WHERE org_id = %(org)s AND migration = %(migration)s AND state <> 'left'
ORDER BY subject, state = 'running', created_at DESC, id DESC
"""


@dataclass(slots=True)
class VerifiedSubject:
    """``state`` is empty where none has ended yet; ``running_since`` is set while one runs, or was cut short and can go on."""

    name: str
    state: str = ""
    at: datetime | None = None
    report: Mapping[str, Any] = field(default_factory=dict)
    running_since: datetime | None = None

    @property
    def rows(self) -> int:
        """Rows of the side that was compared against."""
        return int(self.report.get("left_rows") or 0)

    @property
    def differing(self) -> int:
        return sum(map(int, (self.report.get("counts") or {}).values()))

    @property
    def not_judged(self) -> int:
        """Rows that were still changing."""
        return int(self.report.get("not_judged") or 0)

    @property
    def problem(self) -> str:
        """Why it could not be judged."""
        return str(self.report.get("problem") or "")


def data_set_subject(name: str) -> str:
    """Return the name under which a data set is verified."""
    return f"data set {name}"


def verified_subjects(connection: psycopg.Connection, scope: Scope) -> dict[str, VerifiedSubject]:
    """Return each subject that was ever verified, by its name."""
    found: dict[str, VerifiedSubject] = {}
    for name, state, began, ended, report in connection.execute(_SUBJECTS.encode(), scope.parameters):
        one = found.setdefault(name, VerifiedSubject(name))
        if state == "running":
            one.running_since = began
        else:
            one.state, one.at, one.report = state, ended or began, report or {}
    return found
