"""The guide says what the code does."""

from caravan.migration.shadow import Kind
from caravan.migration.shadow.canonical.kinds import LEARNABLE
from tests.unit.docs.markdown import ROOT, table
from tests.unit.migration.shadow.test_dry_run_header import HEADER, REQUEST

GUIDE = (ROOT / "docs/guide/differences.md").read_text(encoding="utf-8")


def test_the_guide_shows_the_header_that_is_sent() -> None:
    assert ": ".join(HEADER) in GUIDE
    assert f"\n{REQUEST.body.sha256.hex()}\n" in GUIDE
    assert f"\n{REQUEST.target}\n" in GUIDE


def test_the_guide_names_every_kind_of_difference_and_of_canonicaliser() -> None:
    for kind in Kind:
        assert f"`{kind.value}`" in GUIDE
    rows = table(GUIDE, "learnt", "still checked")
    assert {row["learnt"] for row in rows} == {kind.name for kind in LEARNABLE} | {"set"}
