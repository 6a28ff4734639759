"""``docs/mappings/deduper.md``, from the data: ``python -m caravan.legacy.deduper.mapping_document > docs/mappings/deduper.md``."""

import sys
from collections.abc import Iterator
from typing import Final

from caravan.legacy.deduper.accepted_differences import ACCEPTED
from caravan.legacy.deduper.mapping_text import CONTRACT, ENDPOINTS, INTRODUCTION, VARIABLES
from caravan.legacy.deduper.probes import PROBES, Answer, Probe, Situation
from caravan.migration.mapping.document import table

__all__ = ["rendered"]

_LONGEST: Final = 48

_MATRIX: Final = """## Parity matrix

Every question, what the legacy answers and what the worker answers; `=` is the same. Questions and answers are data,
`caravan.legacy.deduper.probes`: the tests ask them of the worker, the contract tests of both sides. *Documented* marks
answers of the legacy with its ids mended; as deployed it finds no job. A difference names its row below."""

_DIFFERENCES: Final = """## Accepted differences

Nothing else may differ: the contract tests fail on a difference that is not in this table."""


def rendered() -> str:
    """Return the document."""
    parts = [
        INTRODUCTION,
        "## The nine endpoints",
        table(("method and path", "status", "keys"), ENDPOINTS),
        CONTRACT,
        "## Environment variables",
        table(("variable", "effect"), VARIABLES),
        _DIFFERENCES,
        table(
            ("id", "the legacy", "the worker", "reason", "owner"),
            ((f"`{each.id}`", each.legacy, each.ours, each.reason, each.owner) for each in ACCEPTED),
        ),
        _MATRIX,
        *_situations(),
    ]
    return "\n\n".join(parts) + "\n"


def _situations() -> Iterator[str]:
    head = ("question", "request", "legacy", "worker", "varies", "difference")
    for situation in Situation:
        yield f"### {situation.value[0].upper()}{situation.value[1:]}"
        yield table(head, (_row(probe) for probe in PROBES if probe.situation is situation))


def _row(probe: Probe) -> tuple[str, ...]:
    legacy, ours = _answer(probe.legacy), _answer(probe.expected)
    return (
        _short(probe.name) + (" *(documented)*" if probe.documented else ""),
        _request(probe),
        legacy,
        "=" if ours == legacy else ours,
        ", ".join(f"`{name}`" for name in sorted(probe.volatile)),
        f"`{probe.difference}`" if probe.difference else "",
    )


def _request(probe: Probe) -> str:
    body = f" `{_short(probe.content.decode('utf-8', 'backslashreplace'))}`" if probe.content else ""
    kind = f" ({probe.content_type})" if probe.content_type else ""
    return f"`{probe.method} {probe.path}`{kind}{body}"


def _answer(answer: Answer) -> str:
    said = [f"{answer.status} {'HTML' if answer.type.startswith('text/html') else 'JSON'}"]
    if answer.keys is not None:
        said.append(", ".join(f"`{key}`" for key in sorted(answer.keys)))
    said += [f"`{name}` = {_short(repr(value))}" for name, value in answer.values.items()]
    if answer.allow is not None:
        said.append(f"Allow {', '.join(sorted(answer.allow))}")
    if answer.location is not None:
        said.append(f"Location `{answer.location}`")
    return "; ".join(said)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


if __name__ == "__main__":  # pragma: no cover - a child process writes it; the tests call `rendered`
    sys.stdout.write(rendered())
