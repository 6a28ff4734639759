"""Cells tell where they end: a row can be read in one way only."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caravan.migration.verify.pairs.cells import cell, odd, readable, texts_of
from caravan.migration.verify.pairs.kinds import Agreed, Kind, StoredColumn

KINDS: tuple[Kind, ...] = get_args(Kind)
FIXED = st.text(st.characters(codec="ascii", exclude_characters=";"), min_size=1, max_size=8)
ANY = st.text(st.characters(codec="utf-8"), max_size=8)


def columns(kinds: list[Kind]) -> list[Agreed]:
    own = StoredColumn("c", "x", "text")
    return [Agreed(f"c{at}", kind, own, own) for at, kind in enumerate(kinds)]


@st.composite
def rows(draw: st.DrawFn) -> tuple[list[Kind], tuple[str | None, ...]]:
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=6))
    texts = tuple(draw(st.none() | (ANY if kind in ("text", "json") else FIXED)) for kind in kinds)
    return kinds, texts


@given(rows())
def test_cells_read_back_as_the_texts_they_were_made_of(
    row: tuple[list[Kind], tuple[str | None, ...]],
) -> None:
    kinds, texts = row
    cells = "".join(map(cell, kinds, texts))
    assert texts_of(columns(kinds), cells) == texts


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("text", None, ":"), ("text", "", "0:"), ("text", "é", "2:é"), ("text", ":", "1::"),
        ("integer", None, ";"), ("integer", "-7", "-7;"), ("bytes", "x", "x;"),
    ],
)  # fmt: skip
def test_null_and_empty_have_cells_of_their_own(kind: Kind, text: str | None, expected: str) -> None:
    assert cell(kind, text) == expected


def test_what_is_left_over_is_an_error() -> None:
    with pytest.raises(ValueError, match="behind the last cell"):
        texts_of(columns(["integer"]), "1;2;")


def test_doubles_are_read_as_numbers_and_odd_values_as_their_bytes() -> None:
    assert readable("float", "3fb999999999999a") == "0.1"
    assert readable("float", None) is None
    assert readable("float", odd("pi")) == "?7069" == odd(b"pi")
    assert readable("text", "3fb999999999999a") == "3fb999999999999a"
