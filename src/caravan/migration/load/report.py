"""What a load or a verification found, as one value that prints as JSON, terminal text or a page."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

__all__ = [
    "DataSetReport",
    "Difference",
    "ExitCode",
    "LoadReport",
    "ReportedFinding",
    "ReportedRefusal",
    "ReportedWaiver",
    "Stop",
    "VerifyReport",
]

ExitCode: TypeAlias = Literal[0, 3, 4]


@dataclass(frozen=True, slots=True)
class DataSetReport:
    """``loaded`` was written by this run, ``unchanged`` was there: loaded + unchanged + quarantined = read."""

    read: int = 0
    loaded: int = 0
    unchanged: int = 0
    quarantined: int = 0
    findings: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    sums: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    rate: float = 0.0


@dataclass(frozen=True, slots=True, order=True)
class ReportedFinding:
    kind: str
    data_set: str
    key: str
    field: str

    def as_json(self) -> dict[str, str]:
        return {"class": self.kind, "data_set": self.data_set, "key": self.key, "field": self.field}


@dataclass(frozen=True, slots=True)
class ReportedRefusal:
    """A quarantined record; ``reason`` says in words what the class means here."""

    kind: str
    data_set: str
    key: str | None
    field: str
    file: str
    offset: int
    reason: str
    waived: bool

    def as_json(self) -> dict[str, Any]:
        values = asdict(self)
        return {"class": values.pop("kind"), **values}


@dataclass(frozen=True, slots=True)
class ReportedWaiver:
    """A waiver of the migration file and how many quarantined records it is about; ``until`` is an ISO date or None."""

    kind: str
    owner: str
    reason: str
    until: str | None
    count: int
    holds: bool

    def as_json(self) -> dict[str, Any]:
        values = asdict(self)
        return {"class": values.pop("kind"), **values}


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a load did not end."""

    code: str
    message: str
    fix: str


@dataclass(slots=True)
class LoadReport:
    """``exit_code``: 0 all loaded or waived, 3 something quarantined without a waiver, 4 stopped or a check failed."""

    migration: str
    dry_run: bool = False
    data_sets: dict[str, DataSetReport] = field(default_factory=dict)
    findings: list[ReportedFinding] = field(default_factory=list)
    quarantine: list[ReportedRefusal] = field(default_factory=list)
    waivers: list[ReportedWaiver] = field(default_factory=list)
    checks: dict[str, dict[str, Any]] = field(default_factory=dict)
    checksums: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    stopped: list[Stop] = field(default_factory=list)

    @property
    def exit_code(self) -> ExitCode:
        if self.stopped or not all(check["ok"] for check in self.checks.values()):
            return 4
        return 3 if any(not item.waived for item in self.quarantine) else 0

    @property
    def status(self) -> str:
        """``complete``, ``quarantined``, ``stopped`` or ``failed``."""
        if self.stopped:
            return "stopped"
        return {0: "complete", 3: "quarantined", 4: "failed"}[self.exit_code]

    def as_json(self) -> dict[str, Any]:
        return {
            "migration": self.migration,
            "status": self.status,
            "dry_run": self.dry_run,
            "seconds": round(self.seconds, 3),
            "data_sets": {name: asdict(item) for name, item in self.data_sets.items()},
            "findings": [item.as_json() for item in self.findings],
            "quarantine": [item.as_json() for item in self.quarantine],
            "waivers": [item.as_json() for item in self.waivers],
            "checks": self.checks,
            "checksums": self.checksums,
            "stopped": [asdict(item) for item in self.stopped],
        }

    def to_json(self) -> str:
        """The report as JSON text; amounts are strings."""
        return json.dumps(self.as_json(), ensure_ascii=False, indent=1)


@dataclass(frozen=True, slots=True)
class Difference:
    """One value, or with ``column`` None one whole row, that is not what the source says."""

    table: str
    id: str
    key: str
    column: str | None
    expected: str | None
    found: str | None


@dataclass(slots=True)
class VerifyReport:
    """``extra`` lists records that the source has lost: (data set, legacy key). ``exit_code`` 4 when anything differs."""

    migration: str
    checks: dict[str, dict[str, Any]] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    extra: list[tuple[str, str]] = field(default_factory=list)
    checksums: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return not self.differences and all(check["ok"] for check in self.checks.values())

    @property
    def exit_code(self) -> ExitCode:
        return 0 if self.ok else 4

    def as_json(self) -> dict[str, Any]:
        return {
            "migration": self.migration,
            "ok": self.ok,
            "seconds": round(self.seconds, 3),
            "checks": self.checks,
            "differences": [asdict(item) for item in self.differences],
            "extra": [{"data_set": data_set, "key": key} for data_set, key in self.extra],
            "checksums": self.checksums,
        }

    def to_json(self) -> str:
        """The report as JSON text."""
        return json.dumps(self.as_json(), ensure_ascii=False, indent=1)
