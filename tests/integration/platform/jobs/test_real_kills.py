"""Fifty histories with real programs and real kills; `python -m bench jobs` lives a thousand."""

import os
import random
from pathlib import Path

import pytest

from bench.jobs import Campaign
from caravan.core.database import DatabaseAddress

pytestmark = pytest.mark.asyncio


async def test_no_job_is_lost_stuck_or_run_twice_and_no_process_stays(
    own_database: DatabaseAddress, tmp_path: Path
) -> None:
    seed = int(os.environ.get("CARAVAN_JOB_SEED", "0")) or random.SystemRandom().randrange(2**32)
    outcome = await Campaign(own_database, tmp_path, seed).run(50, patience=60)
    assert (outcome.problems, outcome.left) == ([], 0), outcome
    assert outcome.jobs >= 50
    assert outcome.kills.total() > 0
