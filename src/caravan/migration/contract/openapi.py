"""A contract as OpenAPI 3.1: what was observed, for tools that draw, mock, or make clients."""

import re
from collections import Counter
from http import HTTPStatus
from typing import Any

from caravan.migration.contract.model import AnswerShape, Contract, Route
from caravan.migration.contract.schemas import Schema, json_schema

__all__ = ["openapi_document"]

_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})


def openapi_document(contract: Contract, *, server: str | None = None) -> dict[str, Any]:
    """Return the document. Methods that OpenAPI does not know are left out, and named in the description."""
    paths: dict[str, dict[str, Any]] = {}
    left_out, names = list[str](), Counter[str]()
    for route in contract.routes.values():
        if route.method.lower() not in _METHODS:
            left_out.append(route.key)
            continue
        paths.setdefault(route.template, {})[route.method.lower()] = _operation(route, names)
    told = "Learnt from recorded traffic; what was never seen is not here."
    if left_out:
        told += f" Left out, as OpenAPI has no such methods: {', '.join(left_out)}."
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": contract.name, "version": contract.frozen or "draft", "description": told},
        "paths": paths,
    }
    return {**document, "servers": [{"url": server}]} if server else document


def _operation(route: Route, names: Counter[str]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _operation_id(route, names),
        "parameters": [*_path_parameters(route), *_query_parameters(route)],
        "responses": {str(status): _response(status, answer) for status, answer in route.answers.items()}
        or {"default": {"description": "Never seen."}},
        "x-caravan-effect": route.effect,
        "x-caravan-reviewed": route.reviewed,
    }
    if route.note:
        operation["description"] = route.note
    if route.request_types or route.request is not None:
        operation["requestBody"] = {"content": _content(route.request_types, route.request)}
    return operation


def _operation_id(route: Route, names: Counter[str]) -> str:
    words = re.findall(r"[A-Za-z0-9]+", route.template) or ["root"]
    name = route.method.lower() + "".join(word[:1].upper() + word[1:] for word in words)
    names[name] += 1
    return name if names[name] == 1 else f"{name}{names[name]}"


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": json_schema(schema)}
        for name, schema in route.path.items()
    ]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "query", "required": known.required, "schema": json_schema(known.schema)}
        for name, known in route.query.items()
    ]


def _response(status: int, answer: AnswerShape) -> dict[str, Any]:
    response: dict[str, Any] = {"description": _phrase(status)}
    if answer.types or answer.body is not None:
        response["content"] = _content(answer.types, answer.body)
    headers = {name: _header(value) for name, value in answer.headers.items()}
    if answer.cookies:
        headers["set-cookie"] = {"required": True, "schema": {"type": "string"}}
    return {**response, "headers": headers} if headers else response


def _header(value: str | None) -> dict[str, Any]:
    return {
        "required": True,
        "schema": {"type": "string"} if value is None else {"type": "string", "const": value},
    }


def _content(types: frozenset[str], body: Schema | None) -> dict[str, Any]:
    known = sorted(types) or ["application/json"]
    return {
        kind: {"schema": json_schema(body)} if body is not None and ("json" in kind or "form" in kind) else {}
        for kind in known
    }


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"Status {status}"
