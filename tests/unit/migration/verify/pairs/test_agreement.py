"""What two columns are compared as is agreed on before anything is read."""

import pytest

from caravan.migration.verify.errors import NotComparableError
from caravan.migration.verify.pairs.agreement import Described, agree
from caravan.migration.verify.pairs.kinds import StoredColumn

ID = StoredColumn("id", "bigint", "integer", nullable=False, ordered=True)


def table(*columns: StoredColumn, key: tuple[str, ...] = ("id",), name: str = "t") -> Described:
    return Described(name, (ID, *columns), key)


@pytest.mark.parametrize(
    ("left", "right", "kind"),
    [
        ("integer", "boolean", "boolean"), ("text", "uuid", "uuid"), ("bytes", "uuid", "uuid"),
        ("moment", "instant", "instant"), ("text", "json", "json"), ("any", "date", "date"), ("any", "any", "text"),
        ("integer", "decimal", "decimal"),
    ],
)  # fmt: skip
def test_kinds_of_two_stores_that_are_one(left: str, right: str, kind: str) -> None:
    one, other = StoredColumn("c", "x", left), StoredColumn("C", "y", right)  # type: ignore[arg-type]
    assert agree(table(one), table(other)).columns[1].kind == kind
    assert agree(table(other), table(one)).columns[1].kind == kind


@pytest.mark.parametrize(
    ("left", "right"), [("integer", "text"), ("date", "instant"), ("unknown", "any"), ("unknown", "unknown")]
)
def test_other_kinds_are_refused_and_never_made_into_text(left: str, right: str) -> None:
    one, other = StoredColumn("c", "geometry", left), StoredColumn("c", "tsvector", right)  # type: ignore[arg-type]
    with pytest.raises(NotComparableError, match="column c: geometry of a and tsvector of b"):
        agree(table(one, name="a"), table(other, name="b"))
    assert agree(table(one), table(other), columns=["id"]).unread == ()


def test_the_larger_scale_is_compared_and_none_where_a_side_has_none() -> None:
    def scale(left: int | None, right: int | None) -> int | None:
        one, other = (
            StoredColumn("c", "x", "decimal", scale=left),
            StoredColumn("c", "y", "decimal", scale=right),
        )
        return agree(table(one), table(other)).columns[1].scale

    assert [scale(2, 4), scale(4, 2), scale(2, None), scale(None, None)] == [4, 4, None, None]


def test_ranges_need_a_key_that_both_sides_sort_alike_and_never_leave_empty() -> None:
    text = StoredColumn("k", "text", "text", nullable=False, ordered=True)
    unsorted = StoredColumn("k", "text", "text", nullable=False)
    nullable = StoredColumn("k", "text", "text", ordered=True)
    assert agree(table(), table()).ranged
    for other, ranged in ((text, True), (unsorted, False), (nullable, False)):
        assert agree(table(text, key=("k",)), table(other, key=("k",))).ranged is ranged
    assert not agree(table(key=()), table(key=())).ranged


def test_columns_of_one_side_are_told_and_missing_ones_refused() -> None:
    extra = StoredColumn("extra", "text", "text")
    assert agree(table(extra), table()).unread == ("extra",)
    with pytest.raises(NotComparableError, match="b has no column extra; it has id"):
        agree(table(extra, name="a"), table(name="b"), columns=["id", "extra"])
    with pytest.raises(NotComparableError, match="the key of a and b is extra"):
        agree(table(extra, name="a", key=("extra",)), table(name="b"))
    with pytest.raises(NotComparableError, match="no column in common"):
        agree(table(name="a"), Described("b", (extra,), ()))
