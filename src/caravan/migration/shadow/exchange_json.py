"""Requests and answers as plain JSON values and back; bodies in base64."""

from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Any

from caravan.migration.exchange import Answer, Body, Headers, Request

__all__ = ["answer_from_json", "answer_to_json", "request_from_json", "request_to_json"]


def request_to_json(request: Request) -> dict[str, Any]:
    return {
        "method": request.method,
        "target": request.target,
        "headers": [list(each) for each in request.headers],
        "body": _body_to_json(request.body),
    }


def request_from_json(given: dict[str, Any]) -> Request:
    return Request(
        given["method"], given["target"], _headers(given["headers"]), _body_from_json(given["body"])
    )


def answer_to_json(answer: Answer) -> dict[str, Any]:
    return {
        "status": answer.status,
        "headers": [list(each) for each in answer.headers],
        "body": _body_to_json(answer.body),
        "seconds": answer.seconds,
        "failure": answer.failure,
    }


def answer_from_json(given: dict[str, Any]) -> Answer:
    return Answer(
        given["status"],
        _headers(given["headers"]),
        _body_from_json(given["body"]),
        given["seconds"],
        given["failure"],
    )


def _headers(pairs: Iterable[Iterable[str]]) -> Headers:
    return tuple((name, value) for name, value in pairs)


def _body_to_json(body: Body) -> dict[str, Any]:
    content = None if body.content is None else b64encode(body.content).decode()
    return {"content": content, "length": body.length, "sha256": body.sha256.hex()}


def _body_from_json(given: dict[str, Any]) -> Body:
    content = None if given["content"] is None else b64decode(given["content"])
    return Body(content, given["length"], bytes.fromhex(given["sha256"]))
