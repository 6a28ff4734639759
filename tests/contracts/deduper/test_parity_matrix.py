"""Every question of the parity matrix, asked of the Flask stand-in and of the worker."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from caravan.legacy.deduper.probes import PROBES, Answer, Probe, Situation
from tests.contracts.deduper.conftest import Legacy, Ours
from tests.fixtures.deduper_likeness import Likeness, likeness
from tests.fixtures.deduper_probing import ask, judge
from tests.fixtures.deduper_sides import Side, arrange

asynchronous = pytest.mark.asyncio(loop_scope="session")


def changes(probe: Probe) -> bool:
    """Tell whether a question leaves either side changed."""
    if probe.method == "DELETE":
        return probe.expected.status != 405
    if probe.method == "POST":
        return probe.expected.status == 200 and "/deduper/" in probe.path
    return probe.expected.status == 201


ALONE = [probe for probe in PROBES if changes(probe)]
TOGETHER = {
    (situation, documented): [
        probe
        for probe in PROBES
        if probe.situation is situation and probe.documented is documented and not changes(probe)
    ]
    for situation in Situation
    for documented in (True, False)
}
"""Questions that leave everything as it was are asked of one and the same situation."""


@asynchronous
@pytest.mark.parametrize(
    ("situation", "documented"),
    [key for key, probes in TOGETHER.items() if probes],
    ids=lambda value: (
        value.name.lower() if isinstance(value, Situation) else "documented" if value else "deployed"
    ),
)
async def test_questions_that_change_nothing_are_answered_alike(
    legacy: Legacy, ours: Ours, situation: Situation, documented: bool
) -> None:
    probes = TOGETHER[situation, documented]
    await compared(legacy(situation, fixed_ids=documented), ours(situation), situation, probes)


@asynchronous
@pytest.mark.parametrize("probe", ALONE, ids=lambda probe: probe.name[:60])
async def test_a_question_that_changes_something_is_answered_alike(
    legacy: Legacy, ours: Ours, probe: Probe
) -> None:
    situation = probe.situation
    await compared(legacy(situation, fixed_ids=probe.documented), ours(situation), situation, [probe])


def test_every_question_is_asked_once() -> None:
    asked = [*ALONE, *(probe for probes in TOGETHER.values() for probe in probes)]
    assert sorted(probe.name for probe in asked) == sorted(probe.name for probe in PROBES)


async def compared(legacy: Side, ours: Side, situation: Situation, probes: Sequence[Probe]) -> None:
    """Ask both sides; they must agree, or differ as the matrix says, and then really differ."""
    sides = (legacy, ours)
    jobs = await asyncio.gather(*(arrange(side, situation) for side in sides))
    before = [len(await side.jobs()) for side in sides]
    found = [
        await asyncio.gather(*(heard(side, probe, job) for side, job in zip(sides, jobs, strict=True)))
        for probe in probes
    ]
    made = [len(await side.jobs()) - known for side, known in zip(sides, before, strict=True)]
    if len(probes) == 1:  # what it made is part of its answer
        for answer, number in zip(found[0], made, strict=True):
            answer["jobs made"] = number
    else:
        assert made == [0, 0]
    wrong = [
        line for probe, answers in zip(probes, found, strict=True) if (line := disagreement(probe, *answers))
    ]
    assert not wrong, "\n".join(wrong)


async def heard(side: Side, probe: Probe, job: int | None) -> Likeness:
    """Return what a side answers that the other has to answer too; ``judged`` is what the matrix says against it."""
    answer = await ask(side.client, probe, job)
    said = ""
    try:
        judge(answer, probe.expected if side.new else probe.legacy)
    except AssertionError as error:
        said = f"{'the worker' if side.new else 'the legacy'}: {error}"
    return {**likeness(answer, probe), "judged": said}


def disagreement(probe: Probe, legacy: Likeness, ours: Likeness) -> str | None:
    """Return what is wrong about the two answers, None when nothing is."""
    if judged := f"{legacy['judged']}{ours['judged']}":
        return f"{probe.name}: not as the matrix says: {judged}"
    differing = {name: (one, ours[name]) for name, one in legacy.items() if one != ours[name]}
    if probe.difference is None:
        return f"{probe.name}: the two differ in {differing}" if differing else None
    return None if differing else f"{probe.name}: nothing differs; {probe.difference!r} no longer applies"


PROBE = Probe("a question", "GET", "/", Answer(200))
ACCEPTED = replace(PROBE, ours=Answer(201), difference="job-found")
ALIKE: Likeness = {"status": 200, "judged": ""}
OTHER: Likeness = {"status": 201, "judged": ""}
REFUSED: Likeness = {"status": 200, "judged": "the legacy: 200 is not 404"}


@pytest.mark.parametrize(
    ("probe", "legacy", "ours", "told"),
    [
        (PROBE, ALIKE, ALIKE, None),
        (PROBE, ALIKE, OTHER, "differ in {'status': (200, 201)}"),
        (PROBE, REFUSED, ALIKE, "200 is not 404"),
        (ACCEPTED, ALIKE, OTHER, None),
        (ACCEPTED, ALIKE, ALIKE, "'job-found' no longer applies"),
    ],
)
def test_a_difference_nobody_accepted_and_an_acceptance_of_none_are_told(
    probe: Probe, legacy: Likeness, ours: Likeness, told: str | None
) -> None:
    said = disagreement(probe, legacy, ours)
    assert (said is None) == (told is None)
    assert (told or "") in (said or "")
