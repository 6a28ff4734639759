"""Asks both sides made-up requests of the contract's shape, and shrinks what they answer differently."""

from collections.abc import Mapping

from caravan.migration.contract.checking.asking import Ask
from caravan.migration.contract.errors import ProbeUnavailable
from caravan.migration.contract.evidence_file import RouteSamples
from caravan.migration.contract.model import Contract
from caravan.migration.contract.probing.judging import Judge, contract_judge
from caravan.migration.contract.probing.limits import ProbeLimits
from caravan.migration.contract.probing.report import Finding, ProbeReport, RouteProbe

__all__ = ["Finding", "Judge", "ProbeLimits", "ProbeReport", "RouteProbe", "contract_judge", "probe"]


def probe(
    contract: Contract,
    samples: Mapping[str, RouteSamples],
    old: Ask,
    new: Ask,
    *,
    judge: Judge | None = None,
    limits: ProbeLimits | None = None,
) -> ProbeReport:
    """Probe the routes that read, within limits; the same seed asks the same.

    ``judge`` says what is wrong with a pair of answers (``contract_judge`` when None).

    Raises:
        ProbeUnavailable: Hypothesis is not installed.
        SideUnreachable: nobody listens at a side.
    """
    try:
        from caravan.migration.contract.probing.engine import run_probe  # noqa: PLC0415 - needs an extra
    except ModuleNotFoundError as error:
        if error.name != "hypothesis":
            raise
        raise ProbeUnavailable from None
    return run_probe(
        contract, samples, (old, new), judge or contract_judge(contract), limits or ProbeLimits()
    )
