"""Which crashes the campaign forces: every point so many times, with seeds, and some at random moments."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from bench.crashes.cutover_scene import CutoverScene
from bench.crashes.flow_scene import BackScene, ForwardScene, WatchScene
from bench.crashes.load_scene import LoadScene, TextScene
from bench.crashes.points import Point
from bench.crashes.scene import RANDOM, Case, Scene
from bench.crashes.stores import Kind
from bench.crashes.verify_scene import VerifyScene

__all__ = ["KINDS", "POINTS", "SCENES", "batches", "planned"]

SCENES: Final[dict[str, type[Scene]]] = {
    each.area: each
    for each in (LoadScene, TextScene, ForwardScene, BackScene, WatchScene, VerifyScene, CutoverScene)
}
POINTS: Final[dict[str, Point]] = {point.name: point for scene in SCENES.values() for point in scene.points}
KINDS: Final[tuple[Kind, ...]] = ("mariadb", "postgresql", "sqlite")

_AT_RANDOM: Final = {"load": 4, "text": 2, "forward": 4, "back": 4, "watch": 1, "verify": 2, "cutover": 8}
"""Crashes at random moments of an area, for each crash of a point of it."""
_BATCH: Final = 30


def planned(kills: int, kinds: Sequence[Kind], areas: Sequence[str], every: int = 1) -> list[Case]:
    """Return the cases: ``kills`` per point and their share at random; of all points, ``every`` so manieth."""
    cases = []
    for area in areas:
        points = SCENES[area].points[::every]
        known = [kind for kind in kinds if kind in SCENES[area].kinds]
        if not known:
            continue
        cases += [
            Case(point.name, known[(number + seed) % len(known)], seed)
            for number, point in enumerate(points)
            for seed in range(kills)
        ]
        at_random = range(_AT_RANDOM[area] * kills // every)
        cases += [Case(f"{area}.{RANDOM}", known[seed % len(known)], seed) for seed in at_random]
    return cases


def batches(cases: Sequence[Case]) -> Iterator[list[Case]]:
    """Yield cases that are played in one scene; there and back take turns, so that no cutover is gone only to be there."""

    def place(case: Case) -> tuple[str, str]:
        return (case.area, case.kind)

    longest_first = sorted(cases, key=lambda case: (list(SCENES).index(case.area) * -1, case.area, case.kind))
    for _, group in groupby(longest_first, place):
        there: list[Case] = []
        back: list[Case] = []
        for case in group:
            (back if case.point.startswith("cutover.reverse") else there).append(case)
        mixed = [case for pair in zip(there, back, strict=False) for case in pair]
        mixed += there[len(back) :] + back[len(there) :]
        for start in range(0, len(mixed), _BATCH):
            yield mixed[start : start + _BATCH]
