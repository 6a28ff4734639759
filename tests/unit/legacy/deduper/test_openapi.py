"""The worker's own OpenAPI document: nine endpoints, and no key that may be null."""

import json
from typing import Any

import pytest

from caravan.core.settings import Settings
from caravan.entry.addresses import Addresses
from caravan.entry.deduper_api import create_app
from tests.unit.legacy.deduper.conftest import NOWHERE


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    app, _ = create_app(
        Settings(environment="test", home=tmp_path_factory.mktemp("home")), Addresses(NOWHERE, None, None)
    )
    return app.openapi()


def test_the_nine_endpoints_are_described(document: dict[str, Any]) -> None:
    found = {
        (method.upper(), path)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if "deduper" in operation.get("tags", ())
    }
    assert found == {
        ("GET", "/"),
        ("GET", "/test"),
        ("POST", "/test"),
        ("GET", "/deduper/jobs"),
        ("GET", "/deduper/jobs/list"),
        ("GET", "/deduper/jobs/reportId/{reportId}"),
        ("GET", "/deduper/jobs/{id}"),
        ("POST", "/deduper/jobs/{id}/cancel"),
        ("GET", "/deduper/health"),
        ("DELETE", "/deduper/clear-db-table"),
    }


def test_a_key_that_may_be_missing_is_never_null(document: dict[str, Any]) -> None:
    schemas = {
        name: schema
        for name, schema in document["components"]["schemas"].items()
        if name.startswith("Deduper")
    }
    assert len(schemas) > 10
    assert "null" not in json.dumps(schemas)
    job = schemas["DeduperJobDetail"]
    assert set(job["required"]) == {"jobId", "status", "createdAt"}
    assert job["properties"]["reportId"]["type"] == "integer"
    assert job["additionalProperties"] is False


def test_nobody_logs_in(document: dict[str, Any]) -> None:
    described = [item for path, item in document["paths"].items() if path.startswith("/deduper")]
    assert not [operation for item in described for operation in item.values() if "security" in operation]
