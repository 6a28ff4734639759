"""What happens by the clock: each slot of a schedule becomes one event, whoever ticks."""

from caravan.core.schedules.registry import schedule

__all__ = ["schedule"]
