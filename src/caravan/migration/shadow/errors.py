"""What a user can get wrong about comparing."""

from caravan.core.errors import CaravanError

__all__ = [
    "ComparisonRuleError",
    "DryRunIgnoredError",
    "DryRunRefusedError",
    "MaskRefusedError",
    "ReplayRefusedError",
]


class ComparisonRuleError(CaravanError):
    code = "comparison_rule_invalid"
    status = 422
    title = "A rule of comparison cannot be used"
    exit_code = 2
    fix = "Correct the rule that the message names in [compare] or [routes.compare] of the migration file."


class MaskRefusedError(CaravanError):
    code = "mask_refused"
    status = 422
    title = "This mask would hide too much"
    exit_code = 2
    fix = "Name one leaf by its full path, with an owner, a reason and a last day; or mend the difference."


class ReplayRefusedError(CaravanError):
    code = "replay_refused"
    status = 422
    title = "This recording cannot be replayed like this"
    exit_code = 2
    fix = "Replay routes that only read, or give copies that may be written to: two of the old side and one of the new."


class DryRunRefusedError(CaravanError):
    code = "dry_run_refused"
    status = 401
    title = "The signature of the dry run does not hold"
    fix = "Check that both sides have the same key and the right time, and that nothing between them rewrites the request."


class DryRunIgnoredError(CaravanError):
    """The new side may have written for real: whoever catches this sends it no further dry run."""

    code = "dry_run_ignored"
    status = 502
    title = "The new side did not confirm that it undid a dry run"
    exit_code = 3
    fix = "Switch dry runs off, see what was written on the new side, and make it honour the header before they are on again."
