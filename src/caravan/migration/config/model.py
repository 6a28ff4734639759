"""What a migration file may say. Unknown keys are errors; what parts of it must agree on is checked in ``agreements``."""

from datetime import date
from pathlib import Path
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, field_validator, model_validator

from caravan.migration.config.capture import Capture
from caravan.migration.config.compare import Compare
from caravan.migration.config.drill import Drill
from caravan.migration.config.gates import Canary, Gates, Shadow
from caravan.migration.config.invariants import InvariantPair
from caravan.migration.config.operation import Alerts, Gateway, Operator
from caravan.migration.config.routes import Route, Unit
from caravan.migration.config.table import HttpUrl, Name, Table, matching

__all__ = ["DataSet", "MigrationConfig", "MigrationHead", "Side", "Source", "Target", "Waiver"]


WAIVABLE_GUARDS: Final = ("contract", "replay", "shadow", "effects")


class MigrationHead(Table):
    """``name`` identifies the migration for ever: its ledger, keys and quarantine carry it."""

    name: Name
    org: Name
    client: Name | None = None


class Source(Table):
    """Where the legacy data is: a ``path`` relative to the file, or a ``url``.

    What only its owner can judge is refused unless a rule says otherwise: ``zero_dates`` (MariaDB, MySQL),
    ``infinite_dates`` (PostgreSQL), text in another character set than declared (``invalid_text``), empty fields of CSV;
    ``columns`` says by ``table.column`` what values of SQLite and CSV mean. ``pause_above`` bounds figures of a running source: a load
    waits while one is above. ``capture`` says how its changes are followed.
    """

    kind: Name = "auto"
    path: Path | None = None
    url: str | None = None
    timezone: str = "UTC"
    zero_dates: Literal["refuse", "null"] = "refuse"
    infinite_dates: Literal["refuse", "null"] = "refuse"
    invalid_text: Literal["refuse", "bytes"] = "refuse"
    empty_is_null: bool = False
    columns: dict[
        str,
        Literal["boolean", "decimal", "integer", "float", "iso", "unix", "unix_ms", "julian", "json", "uuid"],
    ] = Field(default_factory=dict)
    pause_above: dict[Literal["threads_running", "replication_lag"], float] = Field(default_factory=dict)
    capture: Capture = Capture()

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(
                "is no time zone of the IANA list; write one such as UTC or Europe/Berlin"
            ) from None
        return value

    @model_validator(mode="after")
    def _one_place(self) -> "Source":
        if (self.path is None) == (self.url is None):
            raise ValueError("needs either path or url")
        return self


class DataSet(Table):
    """A collection of a source and the mapping (``package.module:entity``) that loads it."""

    name: Name
    source: Name
    collection: Name
    mapping: Annotated[
        str,
        AfterValidator(
            matching(
                r"[A-Za-z_][\w.]*:[A-Za-z_]\w*",
                "names no mapping; write package.module:entity, such as caravan.legacy.rps.mapping:orders",
            )
        ),
    ]
    after: tuple[Name, ...] = ()


class Waiver(Table):
    """Something that somebody answers for, by its class; it does not count after ``until``.

    A class of quarantined records, ``writer:NAME`` who writes past the gateway, or ``guard:NAME``: a guard that a unit passes
    unmeasured. Only what compares answers can be waived so, never what keeps data or clients safe.
    """

    class_: Name = Field(alias="class")
    owner: Name
    reason: Name
    until: date | None = None

    @field_validator("class_")
    @classmethod
    def _waivable(cls, value: str) -> str:
        kind, _, name = value.partition(":")
        if kind == "guard" and name not in WAIVABLE_GUARDS:
            known = ", ".join(f"guard:{each}" for each in WAIVABLE_GUARDS)
            raise ValueError(f"names a guard that cannot be waived; those that can are {known}")
        return value

    def holds(self, today: date) -> bool:
        """Tell whether the waiver counts on this day, its last day included."""
        return self.until is None or today <= self.until


class Target(Table):
    url: str | None = None


class Side(Table):
    """One of the two sides. ``hosts`` are other names of it in its answers, ``health`` a path that answers when it is well."""

    base_url: HttpUrl
    hosts: tuple[Name, ...] = ()
    health: Annotated[str, AfterValidator(matching(r"/\S*", "is no path; write one such as /healthz"))] = "/"


class MigrationConfig(Table):
    """One migration. ``file`` is where it was read from; relative paths hang on its folder."""

    file: Path
    migration: MigrationHead
    sources: dict[str, Source] = Field(default_factory=dict)
    data_sets: tuple[DataSet, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    invariants: tuple[InvariantPair, ...] = ()
    target: Target | None = None
    legacy: Side | None = None
    new: Side | None = None
    units: tuple[Unit, ...] = ()
    routes: tuple[Route, ...] = ()
    compare: Compare = Compare()
    gates: Gates = Gates()
    shadow: Shadow = Shadow()
    canary: Canary = Canary()
    gateway: Gateway = Gateway()
    alerts: Alerts = Alerts()
    drill: Drill = Drill()
    operators: dict[str, Operator] = Field(default_factory=dict)

    def unit(self, name: str) -> Unit | None:
        """Return the unit of this name."""
        return next((unit for unit in self.units if unit.name == name), None)

    def routes_of(self, unit: str) -> tuple[Route, ...]:
        """Return the routes of a unit."""
        return tuple(route for route in self.routes if route.unit == unit)

    def sample_of(self, route: Route) -> float:
        """Return the share of a route's exchanges that is compared."""
        return self.shadow.sample if route.shadow is None else route.shadow

    def path_of(self, source: str) -> Path | None:
        """Return the absolute path of a source, None where it has a URL."""
        path = self.sources[source].path
        return None if path is None else (self.file.parent / path).resolve()

    def waived_guards(self, today: date) -> dict[str, Waiver]:
        """Return the waivers of guards that count on this day, by guard."""
        found = {}
        for waiver in self.waivers:
            kind, _, name = waiver.class_.partition(":")
            if kind == "guard" and waiver.holds(today):
                found[name] = waiver
        return found

    def waived(self, reason: str, today: date) -> bool:
        """Tell whether a quarantine class is waived on this day."""
        return any(waiver.class_ == reason and waiver.holds(today) for waiver in self.waivers)
