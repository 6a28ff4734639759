"""Compares two sides: who is asked, what counts as equal, and how sure a difference is. The one door of this room."""

from caravan.migration.shadow.acceptance import why_not
from caravan.migration.shadow.asking import Asker, CaughtUp, Effect, Route, always_caught_up
from caravan.migration.shadow.budget import Budget, BudgetReport
from caravan.migration.shadow.comparison import Comparison, Seen, compare
from caravan.migration.shadow.configured import (
    apply_masks,
    asked_routes,
    budget_of,
    judge_settings,
    route_names,
)
from caravan.migration.shadow.coverage import Contract, CoverageReport
from caravan.migration.shadow.differences import Difference, Kind, Spot
from caravan.migration.shadow.dry_run import DryRun, DryRunKey, ask_dry_run, probe_dry_runs
from caravan.migration.shadow.dry_run_header import DRY_RUN_HEADER, signed_header, verify
from caravan.migration.shadow.errors import (
    ComparisonRuleError,
    DryRunIgnoredError,
    DryRunRefusedError,
    MaskRefusedError,
    ReplayRefusedError,
)
from caravan.migration.shadow.exchange_json import (
    answer_from_json,
    answer_to_json,
    request_from_json,
    request_to_json,
)
from caravan.migration.shadow.grouping import Group
from caravan.migration.shadow.hosts import OwnHosts
from caravan.migration.shadow.judge import Judge, JudgeSettings, Taken
from caravan.migration.shadow.masks import BlindSpot, Mask
from caravan.migration.shadow.minimal_pairs import MinimalPair, minimal_pair
from caravan.migration.shadow.offline_replay import Replay, ReplayProgress, RouteOf
from caravan.migration.shadow.pair_replay import PairOutcome, PairReplay, replay_pair
from caravan.migration.shadow.row_effects import RowEffect, compare_rows
from caravan.migration.shadow.rules import Rules
from caravan.migration.shadow.sides import Ask, asked_at, asking_client
from caravan.migration.shadow.triple import Example, Triple
from caravan.migration.shadow.verdicts import (
    RouteVerdict,
    SpotVerdict,
    Verdict,
    figures_of,
    groups_of,
    verdict_of,
    verdicts,
)

__all__ = [
    "DRY_RUN_HEADER",
    "Ask",
    "Asker",
    "BlindSpot",
    "Budget",
    "BudgetReport",
    "CaughtUp",
    "Comparison",
    "ComparisonRuleError",
    "Contract",
    "CoverageReport",
    "Difference",
    "DryRun",
    "DryRunIgnoredError",
    "DryRunKey",
    "DryRunRefusedError",
    "Effect",
    "Example",
    "Group",
    "Judge",
    "JudgeSettings",
    "Kind",
    "Mask",
    "MaskRefusedError",
    "MinimalPair",
    "OwnHosts",
    "PairOutcome",
    "PairReplay",
    "Replay",
    "ReplayProgress",
    "ReplayRefusedError",
    "Route",
    "RouteOf",
    "RouteVerdict",
    "RowEffect",
    "Rules",
    "Seen",
    "Spot",
    "SpotVerdict",
    "Taken",
    "Triple",
    "Verdict",
    "always_caught_up",
    "answer_from_json",
    "answer_to_json",
    "apply_masks",
    "ask_dry_run",
    "asked_at",
    "asked_routes",
    "asking_client",
    "budget_of",
    "compare",
    "compare_rows",
    "figures_of",
    "groups_of",
    "judge_settings",
    "minimal_pair",
    "probe_dry_runs",
    "replay_pair",
    "request_from_json",
    "request_to_json",
    "route_names",
    "signed_header",
    "verdict_of",
    "verdicts",
    "verify",
    "why_not",
]
