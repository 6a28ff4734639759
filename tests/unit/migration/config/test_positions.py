"""Every key, table and element of a TOML file is found where it stands, however it is written."""

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from caravan.migration.config.positions import Place, nearest_position, positions

WRITTEN = """\
title = "a # no comment \\" ]"   # but this is
[migration]   # head
name = 'rps'
  org="x"
dotted.inner . deep = 1
"with.dot" = true

[sources.a]
path = "p"
[sources . "b c"]
url = '''multi
[not.a.table]
'''

[[routes]]
template = "/a"
methods = [ "GET",  # why
   "POST" ]
[routes.compare]
ignore = {owner = "me", reasons = ["x", {deep = [1]}]}
[[routes.compare.masks]]
path = 1
[[routes.compare.masks]]
path = \"\"\"two
 lines\\\"\"\"\"
until = 2026-01-31T10:00:00Z
[[routes]]
template = "/b"
[[routes.compare.masks]]
path = 3
"""


def places(value: Any, place: Place = ()) -> Iterator[Place]:  # noqa: ANN401 - a parsed file
    """Yield every place of a parsed value."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield (*place, step)
        yield from places(inner, (*place, step))


def test_every_place_of_the_value_has_a_position_and_no_other() -> None:
    assert set(positions(WRITTEN)) == set(places(tomllib.loads(WRITTEN)))


@pytest.mark.parametrize(
    ("place", "position"),
    [
        (("title",), (1, 1)),
        (("migration",), (2, 1)),
        (("migration", "org"), (4, 3)),
        (("migration", "dotted", "inner", "deep"), (5, 1)),
        (("migration", "with.dot"), (6, 1)),
        (("sources", "b c", "url"), (11, 1)),
        (("routes", 0), (15, 1)),
        (("routes", 0, "methods", 0), (17, 13)),
        (("routes", 0, "methods", 1), (18, 4)),
        (("routes", 0, "compare", "ignore", "owner"), (20, 11)),
        (("routes", 0, "compare", "ignore", "reasons", 1, "deep", 0), (20, 50)),
        (("routes", 0, "compare", "masks", 1, "until"), (26, 1)),
        (("routes", 1, "template"), (28, 1)),
        (("routes", 1, "compare", "masks", 0, "path"), (30, 1)),
    ],
)
def test_positions_are_lines_and_columns_from_one(place: Place, position: tuple[int, int]) -> None:
    assert positions(WRITTEN)[place] == position


def test_what_is_missing_is_looked_for_in_the_table_around_it() -> None:
    found = positions(WRITTEN)
    assert nearest_position(found, ("routes", 1, "effect")) == (27, 1)
    assert nearest_position(found, ("nowhere",)) is None


def test_small_and_nested_values_are_found_too() -> None:
    assert positions("") == {}
    assert positions("a=1") == {("a",): (1, 1)}
    assert positions("a = [[1, 2], []] # x\nb = 'c'") == {
        ("a",): (1, 1),
        ("a", 0): (1, 6),
        ("a", 0, 0): (1, 7),
        ("a", 0, 1): (1, 10),
        ("a", 1): (1, 14),
        ("b",): (2, 1),
    }
