"""The crash campaign in full: kill -9 at every point of load, flows, verification and cutover, five times each and at random.

``--scale`` is the number of crashes at each point. What is cut short goes on with the same command.
"""

import argparse
from pathlib import Path
from typing import Any, Final

from bench.crashes.campaign import Campaign, force

__all__ = ["run"]

_FIGURES: Final = Path(__file__).parent / "figures/campaign.json"


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what became of each crash, by point; the file of figures is written as it goes."""
    return force(Campaign(kills=arguments.scale or 5, figures=_FIGURES))
