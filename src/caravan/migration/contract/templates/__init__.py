"""Path templates: learnt from targets, matched static first, scored against a known list."""

from caravan.migration.contract.templates.learning import LearntRoute, TemplateLearner
from caravan.migration.contract.templates.router import Match, Router
from caravan.migration.contract.templates.score import Score, score
from caravan.migration.contract.templates.segments import segment_kind, template_segments

__all__ = [
    "LearntRoute",
    "Match",
    "Router",
    "Score",
    "TemplateLearner",
    "score",
    "segment_kind",
    "template_segments",
]
