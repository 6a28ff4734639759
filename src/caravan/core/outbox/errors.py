"""What can go wrong with background work, in words for its operator."""

from caravan.core.errors import CaravanError

__all__ = [
    "BrokerExtraMissingError",
    "BrokerMissingError",
    "DuplicateHandlerError",
    "NotParkedError",
    "ParkError",
    "PayloadError",
]


class BrokerMissingError(CaravanError):
    code = "broker_missing"
    status = 500
    title = "No message broker"
    fix = "Set BROKER_URL or REDIS_URL, or start with `caravan up`, which brings its own."


class BrokerExtraMissingError(CaravanError):
    code = "broker_extra_missing"
    status = 500
    title = "The message broker needs packages that are not installed"
    fix = "Install the extra that the message names, such as `pip install 'caravan-migrate[sqs]'`, or set another BROKER_URL."


class NotParkedError(CaravanError):
    code = "event_not_parked"
    status = 409
    title = "This event is not parked"
    fix = "List the parked events again; only those can be retried or dropped."


class PayloadError(CaravanError):
    code = "event_payload_invalid"
    status = 500
    title = "An event's payload is not JSON"
    fix = "Give it texts, numbers, dates, ids, lists and mappings with text keys."


class ParkError(CaravanError):
    """Raised by a handler that knows another attempt will not help; the event is parked at once."""

    code = "event_parked"
    status = 500
    title = "An event was parked"
    fix = "Correct what the reason names, then retry or drop the event."


class DuplicateHandlerError(TypeError):
    """Two functions claim one name for one event: the inbox could not tell them apart."""
