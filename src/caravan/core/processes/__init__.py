"""Processes of our own: children that never outlive their parent, restarted when they die."""

from caravan.core.processes.child import Child
from caravan.core.processes.lifeline import end_with_parent, end_with_supervisor
from caravan.core.processes.supervisor import ChildKeepsDyingError, Supervisor, Watch

__all__ = ["Child", "ChildKeepsDyingError", "Supervisor", "Watch", "end_with_parent", "end_with_supervisor"]
