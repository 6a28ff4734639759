"""What Prometheus is told of flows."""

from typing import Final

from prometheus_client import Counter, Gauge

from caravan.migration.sync.flow_rows import Flow, FlowKey, Progress

__all__ = ["measure", "note"]

_FLOW: Final = ("migration", "source", "direction")

LAG: Final = Gauge("caravan_flow_lag_seconds", "Age of the oldest change that is not applied", _FLOW)
BEHIND: Final = Gauge("caravan_flow_behind", "Whether the log holds something that is not applied", _FLOW)
ROWS: Final = Counter("caravan_flow_rows_total", "Rows, by what became of them", (*_FLOW, "outcome"))
TRANSACTIONS: Final = Counter("caravan_flow_transactions_total", "Transactions with changes for us", _FLOW)
RETAINED: Final = Gauge("caravan_flow_retained_bytes", "Log that the source keeps for the flow alone", _FLOW)
FOREIGN: Final = Counter(
    "caravan_flow_foreign_writes_total", "Writes on the passive side that nobody of ours made", _FLOW
)


def measure(key: FlowKey, flow: Flow) -> None:
    """Tell how far behind the flow is."""
    labels = (key.migration, key.source, key.direction)
    LAG.labels(*labels).set(flow.lag_seconds)
    BEHIND.labels(*labels).set(0 if flow.caught_up else 1)
    if flow.retained_bytes is not None:
        RETAINED.labels(*labels).set(flow.retained_bytes)


def note(key: FlowKey, progress: Progress) -> None:
    """Count what a commit brought."""
    labels = (key.migration, key.source, key.direction)
    TRANSACTIONS.labels(*labels).inc(progress.transactions)
    for outcome, rows in (
        ("applied", progress.applied),
        ("overtaken", progress.passed),
        ("refused", progress.refused),
    ):
        ROWS.labels(*labels, outcome).inc(rows)
    FOREIGN.labels(*labels).inc(progress.foreign)
