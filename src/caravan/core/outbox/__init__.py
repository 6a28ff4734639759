"""Events: written in the transaction that caused them, handled once in the background.

The worker's processes are started from `caravan.core.outbox.worker`.
"""

from caravan.core.outbox.backlog import Backlog, backlog
from caravan.core.outbox.decisions import Parked, drop, parked, retry
from caravan.core.outbox.emit import current_request_id, current_traceparent, emit
from caravan.core.outbox.errors import BrokerMissingError, NotParkedError, ParkError, PayloadError
from caravan.core.outbox.events import SYSTEM_WIDE, Event, EventRef
from caravan.core.outbox.heartbeats import beat, last_beats
from caravan.core.outbox.policy import Policy
from caravan.core.outbox.registry import handler
from caravan.core.outbox.surroundings import current_settings
from caravan.core.outbox.trouble import TROUBLE, in_short

__all__ = [
    "SYSTEM_WIDE",
    "TROUBLE",
    "Backlog",
    "BrokerMissingError",
    "Event",
    "EventRef",
    "NotParkedError",
    "ParkError",
    "Parked",
    "PayloadError",
    "Policy",
    "backlog",
    "beat",
    "current_request_id",
    "current_settings",
    "current_traceparent",
    "drop",
    "emit",
    "handler",
    "in_short",
    "last_beats",
    "parked",
    "retry",
]
