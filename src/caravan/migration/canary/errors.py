"""What a user can get wrong about a canary."""

from caravan.core.errors import CaravanError

__all__ = ["CanarySettingsError", "CounterUnreadableError"]


class CanarySettingsError(CaravanError):
    code = "canary_settings_invalid"
    status = 422
    title = "The canary's stage cannot be judged like this"
    exit_code = 2
    fix = "Mend the value that the message names."


class CounterUnreadableError(CaravanError):
    """``details["counter"]`` is its name."""

    code = "canary_counter_unreadable"
    status = 502
    title = "A business counter cannot be read"
    fix = "Check the metrics URL or the query of the counter named in the message; until it can be read, nothing is promoted."
