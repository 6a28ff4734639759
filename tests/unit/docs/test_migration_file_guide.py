"""The guide of the migration file tells every key of the model with its default, and no other."""

import json
import re

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from caravan.migration.config import (
    Alerts,
    Canary,
    Canonical,
    Capture,
    Compare,
    Counter,
    DataSet,
    Gates,
    Gateway,
    Mask,
    MigrationConfig,
    MigrationHead,
    Operator,
    Override,
    Route,
    Shadow,
    Side,
    Source,
    Target,
    Unit,
    Unordered,
    Waiver,
)
from caravan.migration.config.drill import DrillProbe
from caravan.migration.config.invariants import InvariantPair, Sum
from caravan.migration.units import STATES
from tests.unit.docs.markdown import ROOT, table, tables

GUIDE = (ROOT / "docs/guide/migration-file.md").read_text(encoding="utf-8")
TABLES: dict[str, type[BaseModel]] = {
    "[migration]": MigrationHead,
    "[sources.NAME]": Source,
    "[sources.NAME.capture]": Capture,
    "[target]": Target,
    "[legacy] and [new]": Side,
    "[[data_sets]]": DataSet,
    "[[waivers]]": Waiver,
    "[[invariants]]": InvariantPair,
    "[invariants.legacy_sum] and its kin": Sum,
    "[[drill.probes]]": DrillProbe,
    "[[units]]": Unit,
    "[[routes]]": Route,
    "[compare] and [routes.compare]": Compare,
    "[[routes.compare.masks]]": Mask,
    "[[routes.compare.canonical]]": Canonical,
    "[[routes.compare.unordered]]": Unordered,
    "[gates]": Gates,
    "[shadow]": Shadow,
    "[canary]": Canary,
    "[[canary.counters]]": Counter,
    "[gateway]": Gateway,
    "[gateway.override]": Override,
    "[alerts]": Alerts,
    "[operators.NAME]": Operator,
}


def part(heading: str) -> str:
    found = re.search(rf"^### {re.escape(heading)}\n(.*?)(?=^##|\Z)", GUIDE, re.MULTILINE | re.DOTALL)
    assert found is not None, heading
    return found.group(1)


def written(field: FieldInfo) -> str:
    """Return a default as the guide writes it, which is how the file would."""
    if field.is_required():
        return "needed"
    if field.default is None or isinstance(field.default, BaseModel):
        return "\N{EN DASH}"
    if field.default_factory is dict:
        return "`{}`"
    plain = list(field.default) if isinstance(field.default, tuple) else field.default
    return f"`{json.dumps(plain)}`"


@pytest.mark.parametrize("heading", TABLES)
def test_every_key_stands_there_with_its_default(heading: str) -> None:
    (rows,) = tables(part(heading))
    fields = TABLES[heading].model_fields
    assert [(row["key"].strip("`"), row["default"]) for row in rows] == [
        (field.alias or name, written(field)) for name, field in fields.items()
    ]
    assert all(row["what it says"] for row in rows)


def test_no_table_of_the_file_is_left_out() -> None:
    told = " ".join(TABLES)
    for name in MigrationConfig.model_fields:
        assert name == "file" or re.search(rf"\[{name}\b", told), name


def test_the_states_are_those_of_the_engine() -> None:
    rows = table(GUIDE, "#", "state", "reads", "writes", "enter when")
    assert [tuple(row.values()) for row in rows] == [
        (str(state.number), state.name, state.reads, state.writes, state.enter) for state in STATES
    ]
