"""The contract as OpenAPI 3.1 is valid, and says what was seen."""

from typing import Any

import pytest
from hypothesis import given, settings
from openapi_spec_validator import OpenAPIV31SpecValidator

from caravan.migration.contract import AnswerShape, Contract, Route, learn
from caravan.migration.contract.openapi import openapi_document
from caravan.migration.contract.schemas import Field, Schema, String
from tests.unit.migration.contract.schema_strategies import schemas
from tests.unit.migration.contract.traffic import asked, deduper, shop


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    form = (("content-type", "application/x-www-form-urlencoded"),)
    traffic = [
        *deduper(), *shop(),
        asked("/login", {}, method="POST", body=b"user=x", headers=form, more=(("Set-Cookie", "sid=1"), ("Location", "/"))),
        asked("/cache", {}, method="PURGE"),
    ]  # fmt: skip
    learnt = learn(traffic, name="both", declared={"GET /never/{x}": None})
    return openapi_document(learnt.contract, server="http://127.0.0.1:1")


def test_it_is_valid(document: dict[str, Any]) -> None:
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_an_empty_contract_is_valid_too() -> None:
    assert list(OpenAPIV31SpecValidator(openapi_document(Contract("none"))).iter_errors()) == []


@given(schemas, schemas)
@settings(max_examples=25, deadline=None)
def test_any_schema_makes_a_valid_document(asked_for: Schema, answered: Schema) -> None:
    route = Route(
        "POST", "/a/{id}", "write", path={"id": Schema(string=String("uuid"))}, query={"q": Field(asked_for, required=False)},
        request=asked_for, request_types=frozenset({"application/json"}), answers={200: AnswerShape(body=answered)},
    )  # fmt: skip
    document = openapi_document(Contract("any").with_routes({route.key: route}))
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_every_route_is_an_operation_with_an_id_of_its_own(document: dict[str, Any]) -> None:
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    ids = [operation["operationId"] for operation in operations]
    assert len(ids) == len(set(ids)) == 18
    assert "getDeduperJobsReportIdReportidId" in ids or "getDeduperJobsReportIdReportid" in ids


def test_parameters_answers_and_effects_are_there(document: dict[str, Any]) -> None:
    operation = document["paths"]["/api/v2/orders/{order_id}"]["get"]
    assert operation["x-caravan-effect"] == "read"
    (parameter,) = operation["parameters"]
    assert (parameter["name"], parameter["in"], parameter["schema"]["format"]) == ("order_id", "path", "uuid")
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert schema["required"] == ["id", "state", "total"]
    login = document["paths"]["/login"]["post"]
    assert login["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"][
        "properties"
    ].keys() == {"user"}
    assert login["responses"]["200"]["headers"].keys() == {"location", "set-cookie"}


def test_what_openapi_cannot_say_is_named(document: dict[str, Any]) -> None:
    assert "/cache" not in document["paths"]
    assert "PURGE /cache" in document["info"]["description"]


def test_a_route_that_was_never_seen_has_a_default_answer(document: dict[str, Any]) -> None:
    assert document["paths"]["/never/{x}"]["get"]["responses"].keys() == {"default"}
