"""What the conductor counts, for Prometheus."""

from typing import Final

from prometheus_client import Counter, Gauge

__all__ = [
    "AILING",
    "ALERTS",
    "ASKED",
    "JUDGED",
    "MOVED",
    "RECORDED",
    "REPORTED",
    "SAVED",
    "SHARE",
    "SKIPPED",
    "STATE",
    "TAKEN",
]

TAKEN: Final = Counter("caravan_conductor_exchanges_total", "Exchanges that came by the tap")
SKIPPED: Final = Counter(
    "caravan_conductor_skipped_total", "Exchanges that were not compared, by why", ("reason",)
)
ASKED: Final = Counter("caravan_conductor_asked_total", "Requests the conductor sent itself", ("side",))
JUDGED: Final = Counter(
    "caravan_conductor_judged_total",
    "Comparisons, by route and whether they differed",
    ("route", "differing"),
)
REPORTED: Final = Gauge(
    "caravan_conductor_reported", "Places with evidence against them that nobody answers for", ("unit",)
)
AILING: Final = Gauge(
    "caravan_conductor_flow_ailing",
    "Whether a flow that a unit needs is carried by nobody",
    ("source", "direction"),
)
STATE: Final = Gauge("caravan_unit_state", "The state of a unit, 0 to 9", ("unit",))
SHARE: Final = Gauge("caravan_unit_share", "The share of cohort keys in the canary", ("unit",))
MOVED: Final = Counter("caravan_conductor_moves_total", "Promotions and rollbacks", ("unit", "action"))
ALERTS: Final = Gauge("caravan_conductor_alerts", "Alarms that last", ("severity",))
SAVED: Final = Gauge("caravan_conductor_saved_timestamp_seconds", "When the state was written last")
RECORDED: Final = Gauge(
    "caravan_recorder_exchanges",
    "Exchanges of the recording beside the comparison, by what became of them",
    ("outcome",),
)
