"""Mappings that raise, loop or return the wrong type: each costs its records, is named, and spoils nothing else."""

import json
import sys
import uuid
from collections.abc import Callable, Iterator
from importlib import invalidate_caches
from pathlib import Path
from typing import Any

import pytest

from caravan.migration.load import overrun
from tests.fixtures.toy.shop import Shop, customers, oid
from tests.integration.entry.conftest import Caravan

_MODULE = """
from caravan.migration.mapping.codecs import Text, Through
from caravan.migration.mapping.entity import Entity
from caravan.migration.mapping.fields import Field, Main

def forward(value):
    if value == "bad":
        {does}
    return value

name = Through(f"{{__name__}}:forward", "", "text", loss="all of it")
customer = Entity("customer", Main("toy_customers", (Field("name", "name", name),), client=False))
"""

Write = Callable[[str], None]


@pytest.fixture
def write(shop: Shop, tmp_path: Path) -> Iterator[Write]:
    """Writes the migration file and a mapping whose function does this with the third of five customers."""
    module = f"bad_{uuid.uuid4().hex}"

    def write(does: str) -> None:
        (tmp_path / f"{module}.py").write_text(_MODULE.format(does=does))
        invalidate_caches()
        people = customers(5)
        people[2]["name"] = "bad"
        shop.dump("customers", [{"_id": each["_id"], "name": each["name"]} for each in people])
        text, _, _ = shop.file.read_text().partition('[[data_sets]]\nname = "orders"')
        shop.file.write_text(text.replace("tests.fixtures.toy.mapping:", f"{module}:"))

    sys.path.insert(0, str(tmp_path))
    yield write
    sys.path.remove(str(tmp_path))
    sys.modules.pop(module, None)


@pytest.mark.parametrize(
    ("does", "kind", "said"),
    [
        ("raise ZeroDivisionError('by nothing')", "value.refused", "ZeroDivisionError: by nothing"),
        ("raise SystemExit(7)", "mapping.failed", "SystemExit: 7"),
        ("return ['no', 'text']", "mapping.failed", "TypeError"),
        ("return 5", "mapping.failed", ""),
        ("return float('nan')", "mapping.failed", ""),
        ("return object()", "mapping.failed", ""),
    ],
)
def test_a_function_that_raises_or_returns_the_wrong_type_costs_its_record(
    caravan: Caravan, shop: Shop, write: Write, does: str, kind: str, said: str
) -> None:
    write(does)
    done = caravan("load", shop.file, "--workers", 0, "--json")
    assert done.code == 3, done.out + done.err
    report: dict[str, Any] = json.loads(done.out)
    (refused,) = report["quarantine"]
    assert (refused["class"], refused["key"], said in refused["reason"]) == (kind, str(oid(2)), True), refused
    assert shop.value("SELECT count(*) FROM toy_customers") == 4
    assert all(check["ok"] for check in report["checks"].values())


@pytest.mark.parametrize(
    "does",
    [
        "while True: pass",
        "import re; re.match('(a*)*b', 'a' * 60)",
        "while True:\n            try:\n                [].pop()\n            except Exception:\n                pass",
    ],
    ids=["a loop", "a pattern that tries everything", "a loop that catches all errors"],
)
def test_a_function_that_does_not_come_back_costs_its_record(
    caravan: Caravan, shop: Shop, write: Write, does: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overrun, "_LOOK_EVERY", 0.2)
    write(does)
    done = caravan("load", shop.file, "--workers", 0, "--json")
    assert done.code == 3, done.out + done.err
    (refused,) = json.loads(done.out)["quarantine"]
    assert (refused["class"], refused["key"]) == ("mapping.failed", str(oid(2)))
    assert "did not come back within 0.2 seconds of processor time" in refused["reason"]
    assert shop.value("SELECT count(*) FROM toy_customers") == 4


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("nowhere.at_all", "nowhere"),
        ("tests.fixtures.toy.mapping:nobody", "nobody"),
        ("json:dumps", "json:dumps"),
    ],
)
def test_a_mapping_that_is_none_is_wrong_use(caravan: Caravan, shop: Shop, module: str, said: str) -> None:
    shop.file.write_text(shop.file.read_text().replace("tests.fixtures.toy.mapping:customer", module))
    done = caravan("load", shop.file, "--workers", 0)
    assert (done.code, said in done.err, "what to do: " in done.err) == (2, True, True), done.err
    assert "Traceback" not in done.err
    assert shop.value("SELECT count(*) FROM engine.load_runs") == 0
