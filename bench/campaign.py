"""The crash campaign in full: kill -9 at every point of load, flows, verification and cutover, five times each and at random.

``--scale`` is the number of crashes at each point, where it is not above 100. What is cut short goes on with the same command.
"""

import argparse
from pathlib import Path
from typing import Any, Final

from bench.crashes.campaign import Campaign, force

__all__ = ["run"]

_FIGURES: Final = Path(__file__).parent / "figures/campaign.json"
_USUAL: Final = 5
_MOST: Final = 100


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what became of each crash, by point; the file of figures is written as it goes."""
    kills = arguments.scale if 0 < arguments.scale <= _MOST else _USUAL
    return force(Campaign(kills=kills, figures=_FIGURES))
