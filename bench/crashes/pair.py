"""An old store and ours with a migration between them: loaded, followed, switched, compared, as one organisation of its own."""

import os
import threading
import time
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from bench.crashes.stores import Store, differences
from caravan.core.database import DatabaseAddress
from caravan.migration.config import MigrationConfig, read_config
from caravan.migration.load import LoadRequest, chunks, data_set_pass, run_load, text_chunks
from caravan.migration.load.planning import Plan, plan
from caravan.migration.sync import FlowOptions, FlowRunner, FlowSetting, beside_flows, flow_settings
from caravan.migration.sync.flows import Direction
from caravan.migration.verify.mapped.data_sets import DataSetRequest, verify_data_set

__all__ = ["Pair", "carry", "carry_both", "carry_there", "load", "load_alone", "made_pair", "verified"]

_FILE: Final = """
[migration]
name = "{name}"
org = "{org}"
[sources.shop]
{source}
[[data_sets]]
name = "customers"
source = "shop"
collection = "customers"
mapping = "bench.crashes.mapping:customer"
[[data_sets]]
name = "orders"
source = "shop"
collection = "orders"
mapping = "bench.crashes.mapping:order"
"""
_CHUNK: Final = 60


@dataclass(frozen=True, slots=True)
class Pair:
    """All that a process needs to know to take part; it goes through pipes. ``old`` is the legacy store, ``database`` has ours."""

    old: Store
    database: DatabaseAddress
    org: UUID
    file: Path

    @property
    def new(self) -> Store:
        return Store("postgresql", self.database.libpq(None, application="shop"), self.org)

    @property
    def home(self) -> Path:
        return self.file.parent / "home"

    def config(self) -> MigrationConfig:
        return read_config(self.file)

    def plan(self) -> Plan:
        return plan(self.config(), (self.org, None))

    def setting(self, direction: Direction) -> FlowSetting:
        return flow_settings(self.config(), self.plan(), self.database, direction, home=self.home)["shop"]

    def request(self, workers: int = 0) -> LoadRequest:
        return LoadRequest(
            config=self.config(),
            database=self.database,
            tenants=lambda _org, _client: (self.org, None),
            home=self.home,
            workers=workers,
        )

    def differences(self) -> list[str]:
        """Return every row that is not the same on both sides."""
        return differences(self.old, self.new)


def made_pair(
    old: Store,
    database: DatabaseAddress,
    folder: Path,
    *,
    org: UUID | None = None,
    more: str = "",
    code: str = "",
) -> Pair:
    """Write the migration file of a pair in a folder; the organisation is a new one unless it is named, by ``code`` in the file."""
    org_id = org or uuid.uuid4()
    folder.mkdir(parents=True, exist_ok=True)
    if old.kind == "sqlite":
        source = f'kind = "sqlite"\npath = "{old.place}"\ncolumns = {{ "orders.total" = "decimal" }}'
    else:
        source = f'kind = "{old.kind}"\nurl = "{old.place}"'
    file = folder / "migration.toml"
    name = f"c{uuid.uuid4().hex[:10]}"
    file.write_text(_FILE.format(name=name, org=code or name, source=source) + more)
    return Pair(old, database, org_id, file)


def load(pair: Pair, workers: int = 0, *, beside: bool = True) -> int:
    """Load in small chunks, beside the flow unless there is none; returns the exit code."""
    _cut_small()
    request = pair.request(workers)
    if beside:
        request = replace(request, beside=beside_flows(pair.database, pair.config()))
    report = run_load(request)
    if report.exit_code:
        print(report.to_json())
        raise RuntimeError(f"the load ended with {report.exit_code}")
    return report.exit_code


def _cut_small() -> None:
    """Have many chunks of few rows, that there is more to be cut off at."""
    for module in (chunks, data_set_pass, text_chunks):
        for name in ("CHUNK_ROWS", "TEXT_ROWS"):
            if hasattr(module, name):
                setattr(module, name, _CHUNK)


def load_alone(pair: Pair) -> int:
    """Load from a store that nobody follows."""
    return load(pair, beside=False)


def carry(pair: Pair, direction: Direction) -> None:
    """Carry a flow until nothing is left, a few changes at a time."""
    pair.setting(direction).runner(threading.Event(), FlowOptions(batch=5)).run(until_caught_up=True)


def carry_there(pair: Pair) -> None:
    """Carry the flow from the old store until this process is ended."""
    pair.setting("forward").runner(threading.Event(), FlowOptions(batch=5)).run()


def carry_both(pair: Pair) -> None:
    """Carry both flows until this process is ended."""
    runners: list[FlowRunner] = [
        pair.setting(direction).runner(threading.Event(), FlowOptions(wait=0.02))
        for direction in ("forward", "reverse")
    ]
    threads = [threading.Thread(target=runner.run, daemon=True) for runner in runners]
    for thread in threads:
        thread.start()
    while all(thread.is_alive() for thread in threads):
        time.sleep(0.1)
    os._exit(1)  # a flow that ends by itself was not asked to


def verified(pair: Pair) -> dict[str, Any]:
    """Have the product's own verifier compare both data sets; returns its verdicts, and what differs."""
    told: dict[str, Any] = {}
    for data_set in pair.plan().data_sets:
        report = verify_data_set(DataSetRequest(pair.config(), pair.database, data_set, afresh=True))
        told[data_set.name] = [report.verdict, [[one.kind, *one.key] for one in report.differences]]
    return told
