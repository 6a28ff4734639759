"""The proposal as text: a migration file that is read back as it was meant, with what a person has to decide said in it."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from caravan.migration.proposal.routes import ProposedRoute

__all__ = ["Proposal", "proposal_text"]

_UNIT = "all"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is known of a migration before it begins."""

    name: str
    org: str
    legacy: str | None = None
    new: str | None = None
    routes: Sequence[ProposedRoute] = ()


def proposal_text(proposal: Proposal) -> str:
    """Return the file; all routes are of one unit until somebody knows which of them write the same tables."""
    return "\n".join(_lines(proposal)) + "\n"


def _lines(proposal: Proposal) -> Iterator[str]:
    yield "# The migration file. What each key says: docs/guide/migration-file.md; `caravan migration check FILE` checks it."
    yield ""
    yield "[migration]"
    yield f"name = {_text(proposal.name)}  # for ever: journal, ledger and quarantine carry it"
    yield f"org = {_text(proposal.org)}"
    for table, url in (("legacy", proposal.legacy), ("new", proposal.new)):
        if url:
            yield ""
            yield f"[{table}]"
            yield f"base_url = {_text(url)}"
    if proposal.routes:
        yield from _units_and_routes(proposal.routes)
    yield ""
    yield "[shadow]"
    yield "sample = 0.0  # the share of exchanges that is compared; begin with 0.01"
    yield ""
    yield "[gates]"
    yield "coverage = 0.8"
    yield "stages = [1, 5, 25, 50, 100]"
    yield "soak = 3600"


def _units_and_routes(routes: Sequence[ProposedRoute]) -> Iterator[str]:
    yield ""
    yield "# Routes that write the same tables must change sides together. One unit is always right, and more are often better."
    yield "[[units]]"
    yield f"name = {_text(_UNIT)}"
    for route in routes:
        yield ""
        yield f"# {route.why}; the effect is a proposal: `read` is asked again on both sides, `write` never is."
        yield "[[routes]]"
        yield f"template = {_text(route.template)}"
        yield f"methods = [{', '.join(_text(method) for method in route.methods)}]"
        yield f"effect = {_text(route.effect)}"
        yield f"key = {_text(route.key or 'address')}"
        yield f"unit = {_text(_UNIT)}"


def _text(value: str) -> str:
    """A JSON string is a basic string of TOML."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
