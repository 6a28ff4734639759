"""The committed OpenAPI document is what the code serves."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from caravan.core.errors import registered
from tools.openapi import COMMITTED, current


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return current()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


def test_the_committed_document_is_current(document: dict[str, Any]) -> None:
    committed = json.loads(COMMITTED.read_text(encoding="utf-8"))
    assert committed == json.loads(json.dumps(document)), (
        "run `python -m tools.openapi` and read the difference"
    )


def test_it_is_openapi_31(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")


def test_every_operation_has_an_id_of_its_own(document: dict[str, Any]) -> None:
    ids = [operation.get("operationId") for _, _, operation in operations(document)]
    assert all(ids)
    assert len(ids) == len(set(ids))
    assert not [name for name in ids if "_api_v1_" in name], "an id made up from the path is not stable"


def test_guarded_operations_ask_for_a_bearer(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        if path.startswith("/api/v1/") and not path.startswith("/api/v1/auth/"):
            assert operation.get("security") == [{"bearer": []}], (method, path)


def test_every_operation_of_the_api_tells_its_errors(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        if path.startswith("/api/v1/"):
            assert "default" in operation["responses"], (method, path)


def test_who_changes_what_others_change_too_sends_if_match(document: dict[str, Any]) -> None:
    kinds = ("organisations", "clients", "projects", "users", "memberships")
    changes = [
        operation
        for method, path, operation in operations(document)
        if method in {"put", "patch", "delete"}
        and path.startswith(tuple(f"/api/v1/{kind}/" for kind in kinds))
        and path.endswith("}")
    ]
    assert len(changes) == len(kinds) + 1
    for operation in changes:
        wanted = {entry["name"]: entry["required"] for entry in operation["parameters"]}
        assert wanted["If-Match"] is True, operation["operationId"]
        assert {"412", "428"} <= set(operation["responses"])


def test_every_error_code_is_in_the_document(document: dict[str, Any]) -> None:
    codes = document["components"]["schemas"]["ErrorAnswer"]["properties"]["error_code"]["enum"]
    routes = {error.code for error in registered() if error.__module__.startswith("caravan.core.http")}
    assert routes <= set(codes)


def test_nothing_speaks_of_a_page(document: dict[str, Any]) -> None:
    assert not [path for path in document["paths"] if path.startswith(("/console", "/docs"))]
