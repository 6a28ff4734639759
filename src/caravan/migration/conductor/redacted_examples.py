"""Examples without secrets: what is written down of an exchange never holds a credential of a client."""

import re
import secrets
from dataclasses import replace
from typing import Any, Final

from caravan.migration.exchange import Exchange
from caravan.migration.recording import Redactor
from caravan.migration.recording.redaction.rules import is_secret_name
from caravan.migration.shadow import Example, Judge

__all__ = ["RedactedExamples"]

_NAME: Final = re.compile(r"[\w-]+")
_HIDDEN: Final = "(secret)"
_MOST: Final = 5_000


class RedactedExamples:
    """Redacts each example once."""

    def __init__(self) -> None:
        self._redactor = Redactor(secrets.token_bytes(32))
        self._known: dict[tuple[str, str, str, str], Example] = {}

    def of(self, example: Example) -> Example:
        """Return the example with placeholders for what is secret."""
        difference = example.difference
        key = str(example.id), example.route, difference.path, difference.kind.value
        if key not in self._known:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[key] = self._redacted(example)
        return self._known[key]

    def document(self, judge: Judge) -> dict[str, Any]:
        """Return the judge's state as JSON values with redacted examples."""
        document = judge.to_json()
        for name, state in judge.routes.items():
            examples = [self.of(example).to_json() for example in state.examples.values()]
            document["routes"][name]["examples"] = examples
        return document

    def _redacted(self, example: Example) -> Example:
        old = self._redactor.redact(Exchange(example.id, example.at, example.request, example.old))
        new = self._redactor.redact(Exchange(example.id, example.at, example.request, example.new))
        difference = example.difference
        names = _NAME.findall(difference.path)
        if names and is_secret_name(names[-1]):
            difference = replace(difference, old=_HIDDEN, new=_HIDDEN)
        return replace(example, request=old.request, old=old.answer, new=new.answer, difference=difference)
