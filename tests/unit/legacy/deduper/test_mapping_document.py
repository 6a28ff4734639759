"""The mapping document is the data, and the data is whole."""

from collections import Counter
from pathlib import Path

import pytest

from caravan.legacy.deduper.accepted_differences import ACCEPTED, difference
from caravan.legacy.deduper.mapping_document import rendered
from caravan.legacy.deduper.mapping_text import ENDPOINTS
from caravan.legacy.deduper.probes import PROBES, Probe, Situation
from caravan.legacy.deduper.routes import router
from tests.unit.docs.markdown import table

DOCUMENT = Path(__file__).resolve().parents[4] / "docs" / "mappings" / "deduper.md"


def test_the_document_is_what_the_data_makes() -> None:
    assert DOCUMENT.read_text("utf-8") == rendered(), (
        "python -m caravan.legacy.deduper.mapping_document > docs/mappings/deduper.md"
    )


def test_every_accepted_difference_has_an_owner_and_a_reason() -> None:
    rows = table(rendered(), "id", "the legacy", "the worker", "reason", "owner")
    assert [row["id"] for row in rows] == [f"`{each.id}`" for each in ACCEPTED]
    assert [row for row in rows if not all(row.values())] == []


def test_no_difference_and_no_question_is_named_twice() -> None:
    assert max(Counter(each.id for each in ACCEPTED).values()) == 1
    assert max(Counter(probe.name for probe in PROBES).values()) == 1


def test_an_unknown_difference_is_an_error() -> None:
    with pytest.raises(KeyError):
        difference("anything goes")


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name[:60])
def test_a_question_differs_only_where_a_difference_is_named(probe: Probe) -> None:
    assert (probe.ours is None) == (probe.difference is None)
    if probe.difference is not None:
        assert difference(probe.difference).id == probe.difference
    assert ("{job}" in probe.path) <= (probe.situation is not Situation.EMPTY)


def test_every_endpoint_is_told_and_asked() -> None:
    told = " ".join(row[0] for row in ENDPOINTS)
    for route in router().routes:
        path = getattr(route, "path", None)
        if path is None:
            continue
        assert f"{path}`" in told
        shape = [segment if "{" not in segment else None for segment in path.split("/")]
        asked = [probe.path.split("?")[0].split("/") for probe in PROBES]
        assert any(_fits(shape, segments) for segments in asked), path


def _fits(shape: list[str | None], segments: list[str]) -> bool:
    return len(shape) == len(segments) and all(
        wanted in (None, segment) for wanted, segment in zip(shape, segments, strict=True)
    )
