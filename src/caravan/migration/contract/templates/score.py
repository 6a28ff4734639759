"""How well learnt templates meet the true ones."""

from collections.abc import Iterable
from dataclasses import dataclass

from caravan.migration.contract.templates.segments import template_segments

__all__ = ["Score", "score"]


@dataclass(frozen=True, slots=True)
class Score:
    """Shares of 1: ``precision`` of the learnt templates are true, ``recall`` of the true ones were learnt."""

    precision: float
    recall: float
    missing: tuple[str, ...]
    extra: tuple[str, ...]


def score(learnt: Iterable[str], known: Iterable[str]) -> Score:
    """Compare; a template is met when its static segments and the places of its parameters are the same.

    Templates may begin with a method (``GET /a/{id}``), in both lists or in none.
    """
    found = {_same(template): template for template in learnt}
    true = {_same(template): template for template in known}
    met = found.keys() & true.keys()
    return Score(
        precision=len(met) / len(found) if found else 1.0,
        recall=len(met) / len(true) if true else 1.0,
        missing=tuple(sorted(true[key] for key in true.keys() - met)),
        extra=tuple(sorted(found[key] for key in found.keys() - met)),
    )


def _same(template: str) -> tuple[str, ...]:
    return template_segments(template)
