"""``python -m bench.crashes``: the crash campaign, or a part of it, or one crash again."""

import argparse
import json
import sys
from pathlib import Path
from typing import cast

from bench.crashes.campaign import Campaign, force
from bench.crashes.plan import KINDS, POINTS, SCENES
from bench.crashes.scene import RANDOM
from bench.crashes.stores import Kind


def main() -> int:
    """Exit code 0 when nothing was lost, doubled or changed, and every planned crash has hit."""
    names = {*POINTS, *(f"{area}.{RANDOM}" for area in SCENES)}
    parser = argparse.ArgumentParser(prog="python -m bench.crashes", description=__doc__)
    parser.add_argument("--kills", type=int, default=5, help="crashes at each point")
    parser.add_argument("--every", type=int, default=1, help="of the points take every so manieth")
    parser.add_argument("--lanes", type=int, default=2, help="crashes side by side")
    parser.add_argument("--kinds", default=",".join(KINDS), help="old stores: " + ", ".join(KINDS))
    parser.add_argument("--areas", default=",".join(SCENES), help=", ".join(SCENES))
    parser.add_argument(
        "--figures", type=Path, help="file that figures are kept in; a campaign cut short goes on"
    )
    parser.add_argument("--afresh", action="store_true", help="forget what the figures have")
    parser.add_argument("--database", help="a PostgreSQL of logical WAL; an embedded one when absent")
    parser.add_argument("--point", default="", help="play crashes again: at which point, or points")
    parser.add_argument("--seed", type=int, default=0, help="play crashes again: their seed")
    given = parser.parse_args()
    points = tuple(given.point.split(",")) if given.point else ()
    if unknown := set(points) - names:
        parser.error(f"there is no point {', '.join(sorted(unknown))}")
    campaign = Campaign(
        kills=given.kills,
        every=given.every,
        lanes=given.lanes,
        kinds=tuple(cast("Kind", kind) for kind in given.kinds.split(",")),
        areas=tuple(given.areas.split(",")),
        figures=given.figures,
        afresh=given.afresh,
        database=given.database,
        only=points,
        seed=given.seed,
    )
    figures = force(campaign)
    print(json.dumps({name: told for name, told in figures.items() if name != "played"}, indent=1))
    for name in figures["wrong"]:
        print(json.dumps({name: figures["played"][name]}, indent=1), file=sys.stderr)
    return 0 if figures["whole"] and not figures["wrong"] and not figures["not_hit"] else 1


if __name__ == "__main__":
    sys.exit(main())
