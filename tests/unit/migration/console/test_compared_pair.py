"""A pair side by side: what differs is marked on both sides, and only that."""

from caravan.migration.console.compared_pair import PairLine, side_by_side


def marked(old: str, new: str) -> list[tuple[str, str]]:
    return [(line.old.strip(), line.new.strip()) for line in side_by_side(old, new) if line.differs]


def test_only_the_leaf_that_differs_is_marked() -> None:
    assert marked('{"a": 1, "b": {"c": "x"}}', '{"a": 1, "b": {"c": "y"}}') == [('"c": "x"', '"c": "y"')]


def test_what_one_side_lacks_leaves_the_other_side_empty() -> None:
    assert marked('{"a": 1, "b": null}', '{"a": 1}') == [('"b": null', "")]
    assert marked("[1]", '[1, {"n": 2}]') == [("", "{"), ("", '"n": 2'), ("", "}")]


def test_a_number_written_otherwise_and_a_flag_are_differences() -> None:
    assert marked('{"a": 1}', '{"a": 1.0}') == [('"a": 1', '"a": 1.0')]
    assert marked('{"a": 1}', '{"a": true}') == [('"a": 1', '"a": true')]


def test_equal_answers_have_no_mark_and_keep_their_shape() -> None:
    lines = side_by_side('{"a": [1, 2]}', '{"a": [1, 2]}')
    assert not any(line.differs for line in lines)
    assert [line.old for line in lines] == ["{", '  "a": [', "    1,", "    2", "  ]", "}"]


def test_text_that_is_no_json_is_compared_by_lines() -> None:
    assert side_by_side("one\ntwo", "one") == [
        PairLine("one", "one", differs=False),
        PairLine("two", "", differs=True),
    ]


def test_an_endless_pair_is_cut() -> None:
    assert len(side_by_side("\n".join("ab" * 1000), "x")) == 400
