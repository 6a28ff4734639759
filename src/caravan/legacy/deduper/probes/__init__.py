"""The parity matrix as data: what is asked, what the legacy answers, and what the new worker does."""

from typing import Final

from caravan.legacy.deduper.probes.echoes import ECHOES
from caravan.legacy.deduper.probes.jobs import JOBS
from caravan.legacy.deduper.probes.probe import Answer, Probe, Situation
from caravan.legacy.deduper.probes.routing import ROUTING
from caravan.legacy.deduper.probes.table import TABLE

__all__ = ["PROBES", "Answer", "Probe", "Situation"]

PROBES: Final = (*ROUTING, *ECHOES, *JOBS, *TABLE)
