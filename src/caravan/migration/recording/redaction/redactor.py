"""Takes secrets and who asked out of an exchange, before anything is stored."""

from dataclasses import replace
from urllib.parse import quote, unquote

from caravan.migration.exchange import Answer, Exchange, Request, first_header
from caravan.migration.recording.redaction.bodies import BodyRedactor
from caravan.migration.recording.redaction.forms import redact_pairs
from caravan.migration.recording.redaction.headers import HeaderRedactor
from caravan.migration.recording.redaction.placeholders import Placeholders
from caravan.migration.recording.redaction.rules import RedactionRules
from caravan.migration.recording.redaction.text import TextRedactor

__all__ = ["Redactor"]


class Redactor:
    """One recording's redaction: equal values get equal marks everywhere in it."""

    def __init__(self, key: bytes, rules: RedactionRules | None = None) -> None:
        self._rules = rules or RedactionRules()
        self._marks = Placeholders(key)
        self._free = TextRedactor(self._marks)
        self._headers = HeaderRedactor(self._rules, self._marks, self._free)
        self._bodies = BodyRedactor(self._rules, self._marks, self._free)

    def redact(self, exchange: Exchange) -> Exchange:
        """Return the exchange to store."""
        failure = exchange.answer.failure
        return replace(
            exchange,
            request=self._request(exchange.request),
            answer=replace(
                self._answer(exchange.answer), failure=None if failure is None else self._free.redact(failure)
            ),
            client=self._marks.text("client", exchange.client)
            if exchange.client and self._rules.clients
            else exchange.client,
        )

    def target(self, target: str) -> str:
        """Return a request target to store: declared path segments, secret parameters and shapes are marks."""
        path, mark, query = target.partition("?")
        query = redact_pairs(query, self._rules.is_secret_query, self._marks, self._free)
        return self._path(path) + mark + query

    def _request(self, request: Request) -> Request:
        body = self._bodies.redact(request.body, request.headers)
        inflated = _was_inflated(request, body.content is not None)
        return Request(
            request.method,
            self.target(request.target),
            self._headers.redact(request.headers, inflated=inflated),
            body,
        )

    def _answer(self, answer: Answer) -> Answer:
        body = self._bodies.redact(answer.body, answer.headers)
        inflated = _was_inflated(answer, body.content is not None)
        return replace(answer, headers=self._headers.redact(answer.headers, inflated=inflated), body=body)

    def _path(self, path: str) -> str:
        segments = path.split("/")
        for template in self._rules.paths:
            for position in template.secret_positions(segments):
                segments[position] = self._marks.text("declared", segments[position])
        return "/".join(self._segment(segment) for segment in segments)

    def _segment(self, segment: str) -> str:
        plain = unquote(segment)
        kept = self._free.redact(plain)
        return segment if kept == plain else quote(kept, safe="~.")


def _was_inflated(message: Request | Answer, kept: bool) -> bool:
    return (
        kept and bool(message.body.content) and first_header(message.headers, "content-encoding") is not None
    )
