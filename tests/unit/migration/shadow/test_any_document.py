"""Properties that hold for all documents."""

import json
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from bench.judge_scenarios import START
from caravan.migration.exchange import Answer, Body, Request
from caravan.migration.shadow import Example, minimal_pair
from caravan.migration.shadow.comparison import compare_documents
from caravan.migration.shadow.differences import mirrored
from caravan.migration.shadow.documents import read_json, write_json
from caravan.migration.shadow.html_tree import html_document

LEAVES = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.0]) | st.text("ab1", max_size=2)
)
DOCUMENTS: st.SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["id", "a", "b", "7"]), inner, max_size=3)
    ),
    max_leaves=12,
)


def read(document: object) -> Any:  # noqa: ANN401 - a document
    return read_json(json.dumps(document))


@given(DOCUMENTS, DOCUMENTS)
def test_a_comparison_is_empty_exactly_for_equal_documents(old: object, new: object) -> None:
    here, there = read(old), read(new)
    spots = compare_documents(here, there, "$").spots()
    assert (not spots) == (here == there)
    back = compare_documents(there, here, "$").spots()
    assert {mirrored(spot) for spot in spots} == set(back)


@given(DOCUMENTS)
def test_a_document_is_written_as_it_was_read(document: object) -> None:
    assert read_json(write_json(read(document))) == read(document)
    assert json.loads(write_json(read(document))) == document


@settings(max_examples=60)
@given(DOCUMENTS, DOCUMENTS)
def test_a_minimal_pair_shows_the_same_difference_and_is_no_larger(old: object, new: object) -> None:
    def answer(document: object) -> Answer:
        return Answer(200, (("Content-Type", "application/json"),), Body.of(json.dumps(document).encode()))

    here, there = read(old), read(new)
    for spot, difference in compare_documents(here, there, "$").spots().items():
        example = Example(
            UUID(int=1), START, "GET /x", Request("GET", "/x"), answer(old), answer(new), difference
        )
        pair = minimal_pair(example)
        assert spot in compare_documents(read_json(pair.old), read_json(pair.new), "$").spots()
        assert len(pair.old) + len(pair.new) <= len(write_json(here)) + len(write_json(there))
        assert Example.from_json(json.loads(json.dumps(example.to_json()))) == example


@given(st.text("<>/!- =\"'abp", max_size=40))
def test_any_text_has_an_html_tree(text: str) -> None:
    assert html_document(text) == html_document(text)
