"""Diffy's rule, restated from its documentation as inequalities; nothing of its source was read or used.

Per field, of ``total`` requests: ``raw`` is how often candidate and primary differ, ``noise`` how often secondary and primary do.
A field is reported when

    raw > noise,
    |raw - noise| / (raw + noise) > 20 %   (relative), and
    |raw - noise| / total > 0.03 %         (absolute).
"""

import math
import random
from typing import Final

RELATIVE: Final = 0.20
ABSOLUTE: Final = 0.0003


def diffy_reports(raw: int, noise: int, total: int) -> bool:
    """Tell whether the rule reports a field now."""
    if raw <= noise:
        return False
    gap = raw - noise
    return gap > RELATIVE * (raw + noise) and gap > ABSOLUTE * total


def diffy_alarms_ever(rate: float, requests: int, mixed: random.Random) -> bool:
    """Tell whether an innocent field that is noisy at ``rate`` is reported at some look of a run.

    The rule can only turn true at an event, for between events the total alone grows; so events are drawn by their gaps.
    """
    raw = noise = total = 0
    while True:
        total += _gap(2 * rate - rate * rate, mixed)
        if total > requests:
            return False
        both = mixed.random() < rate * rate / (2 * rate - rate * rate)
        first = mixed.random() < 0.5
        raw += both or first
        noise += both or not first
        if diffy_reports(raw, noise, total):
            return True


def _gap(rate: float, mixed: random.Random) -> int:
    return 1 + int(math.log(1 - mixed.random()) / math.log1p(-rate))
