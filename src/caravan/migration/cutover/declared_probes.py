"""Probes of a drill as the migration file declares them: sent through the gateway, found on both sides by a value of their own."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2
import psycopg
from psycopg import sql

from caravan.core.database import DatabaseAddress, Role
from caravan.migration.config import MigrationConfig
from caravan.migration.config.drill import UNIQUE, DrillProbe
from caravan.migration.cutover.errors import DrillRefusedError, ProbeFailedError
from caravan.migration.cutover.roles import SideName
from caravan.migration.load.planning import Plan, PlannedDataSet
from caravan.migration.load.readers import BrokenRecord, RecordUndecodable, decode, open_source
from caravan.migration.load.sources import closing_sources, kind_of

__all__ = ["DeclaredProbes"]

_PATIENCE: Final = 30.0
_REFUSED: Final = 300


class DeclaredProbes:
    """Implements ``Probes`` for one unit, with the probes that the file declares for it, one after the other.

    Raises:
        DrillRefusedError: it declares none, or one of a data set that the unit does not have.
    """

    def __init__(self, config: MigrationConfig, unit: str, plan: Plan, database: DatabaseAddress) -> None:
        self._database = database
        self._declared = [probe for probe in config.drill.probes if probe.unit == unit]
        if not self._declared:
            raise DrillRefusedError(f"{config.file} declares no [[drill.probes]] of the unit {unit!r}.")
        own = config.unit(unit)
        wanted = set(own.data_sets) if own is not None else set()
        self._data_sets = {each.name: each for each in plan.data_sets if each.name in wanted}
        for probe in self._declared:
            if probe.data_set not in self._data_sets:
                raise DrillRefusedError(
                    f"A probe of {unit!r} names the data set {probe.data_set!r}, which is not the unit's."
                )
        self._base = _address(config)
        self._sent: dict[str, DrillProbe] = {}

    def write(self, number: int) -> str:
        """Send the next probe through the gateway; returns its value.

        Raises:
            ProbeFailedError: it was not answered, or with an error.
        """
        probe = self._declared[number % len(self._declared)]
        key = f"drill-{uuid4().hex[:16]}"
        self._send(probe, probe.method, probe.path, key, probe.body)
        self._sent[key] = probe
        return key

    def found(self, side: SideName, keys: Sequence[str]) -> Mapping[str, int]:
        """Count the rows with these values on a side; the old one is read through."""
        counted: Counter[str] = Counter()
        by_probe: dict[int, list[str]] = {}
        for key in keys:
            by_probe.setdefault(self._declared.index(self._sent[key]), []).append(key)
        for number, own in by_probe.items():
            probe = self._declared[number]
            data_set = self._data_sets[probe.data_set]
            counted.update(
                self._of_old(data_set, probe, own) if side == "old" else self._of_new(data_set, probe, own)
            )
        return counted

    def remove(self, keys: Sequence[str]) -> None:
        """Send what the file says removes a probe; those of which it says nothing stay."""
        for key in keys:
            probe = self._sent[key]
            if probe.remove is not None:
                method, _, path = probe.remove.partition(" ")
                self._send(probe, method, path, key, "")

    def _send(self, probe: DrillProbe, method: str, path: str, key: str, body: str) -> None:
        headers = {name: value.replace(UNIQUE, key) for name, value in probe.headers.items()}
        if body and not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = "application/json"
        try:
            answer = httpx2.request(
                method,
                self._base + path.replace(UNIQUE, key),
                headers=headers,
                content=body.replace(UNIQUE, key).encode(),
                timeout=_PATIENCE,
            )
        except httpx2.HTTPError as error:
            raise ProbeFailedError(
                f"{method} {path} was not answered: {type(error).__name__}: {error}"
            ) from error
        if answer.status_code >= _REFUSED:
            raise ProbeFailedError(
                f"{method} {path} was answered with {answer.status_code}: {answer.text[:200]}"
            )

    @staticmethod
    def _of_old(data_set: PlannedDataSet, probe: DrillProbe, keys: Sequence[str]) -> Iterator[str]:
        wanted = set(keys)
        reader = open_source(data_set.place, kind_of(data_set), data_set.rules)
        with closing_sources([reader]):
            for record in reader.read(data_set.collection):
                value = (
                    None
                    if isinstance(record, BrokenRecord)
                    else _field(record.raw, reader.format, probe.field)
                )
                if value in wanted:
                    yield str(value)

    def _of_new(self, data_set: PlannedDataSet, probe: DrillProbe, keys: Sequence[str]) -> Iterator[str]:
        table = data_set.mapping.tables[0].name
        statement = sql.SQL(
            "SELECT {column}::text FROM {table} WHERE org_id = %(org)s AND {column}::text = ANY(%(keys)s)"
        ).format(column=sql.Identifier(probe.column or probe.field), table=sql.Identifier(*table.split(".")))
        with psycopg.connect(self._database.libpq(Role.SYSTEM, application="caravan drill")) as connection:
            for (value,) in connection.execute(statement, {"org": data_set.scope["org"], "keys": list(keys)}):
                yield str(value)


def _field(raw: bytes, record_format: Any, name: str) -> object:  # noqa: ANN401 - the reader's
    try:
        return decode(record_format, raw).get(name)
    except RecordUndecodable:
        return None


def _address(config: MigrationConfig) -> str:
    """Return where the gateway listens, as a client of this machine calls it."""
    listen = config.gateway.listen
    parts = urlsplit(f"//{listen}")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(parts.hostname or "", parts.hostname or "127.0.0.1")  # noqa: S104 - it is replaced
    secure = config.gateway.tls_certificate is not None
    return f"{'https' if secure else 'http'}://{f'[{host}]' if ':' in host else host}:{parts.port}"
