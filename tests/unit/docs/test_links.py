"""No link of ours leads nowhere."""

from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.unit.docs.markdown import ROOT, anchors, links

PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"])
ELSEWHERE = ("http://", "https://", "mailto:")


def dead_links(page: Path) -> list[str]:
    """Return the relative links of ``page`` whose file or heading does not exist."""
    return [link for link in links(page.read_text(encoding="utf-8")) if _is_dead(page, link)]


def _is_dead(page: Path, link: str) -> bool:
    if link.startswith(ELSEWHERE):
        return False
    path, _, fragment = unquote(link).partition("#")
    target = page.parent / path if path else page
    if path.startswith("/") or not target.exists():
        return True
    return (
        bool(fragment)
        and target.suffix == ".md"
        and fragment not in anchors(target.read_text(encoding="utf-8"))
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file(page: Path) -> None:
    assert dead_links(page) == []


@pytest.mark.parametrize(
    "link",
    [
        "[a](there.md)",
        "![a](there.md)",
        "[a](there.md#one-two)",
        "[a](#here)",
        "[a](https://example.org/x)",
        "`[a](gone.md)`",
        '[a](there.md "title")',
        "[a](sub%20folder)",
        "[a][b]\n\n[b]: there.md",
    ],
)
def test_a_live_link_passes(tmp_path: Path, link: str) -> None:
    (tmp_path / "there.md").write_text("# One two\n", encoding="utf-8")
    (tmp_path / "sub folder").mkdir()
    page = tmp_path / "page.md"
    page.write_text(f"## Here\n\n{link}\n", encoding="utf-8")
    assert dead_links(page) == []


@pytest.mark.parametrize(
    ("text", "dead"),
    [
        ("[a](gone.md)", "gone.md"),
        ("![a](gone.png)", "gone.png"),
        ("[a](/there.md)", "/there.md"),
        ("[a](there.md#gone)", "there.md#gone"),
        ("[a](#gone)", "#gone"),
        ("[b]: gone.md", "gone.md"),
        ('<img src="gone.png">', "gone.png"),
    ],
)
def test_a_dead_link_is_found(tmp_path: Path, text: str, dead: str) -> None:
    (tmp_path / "there.md").write_text("# One two\n", encoding="utf-8")
    page = tmp_path / "page.md"
    page.write_text(f"## Here\n\n{text}\n", encoding="utf-8")
    assert dead_links(page) == [dead]
