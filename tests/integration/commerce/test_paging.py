"""Keyset pages: nothing twice, nothing missed, whatever is inserted meanwhile."""

import pytest

from caravan.core.paging import encode_cursor
from tests.fixtures.shop import Reader, Shop

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATH = "/api/v1/orders"
NIL = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize("sort", ["-created_at", "created_at", "-number", "total_amount"])
async def test_pages_neither_repeat_nor_miss_a_row_while_others_are_inserted(
    shop: Shop, read: Reader, sort: str
) -> None:
    before = {str(shop.order(created_at="2026-01-01", number="same", total_amount="1")) for _ in range(12)}
    seen: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(100):
        answer = (await read(PATH, sort=sort, limit=5, **cursor)).json()
        seen += [row["id"] for row in answer["data"]]
        shop.order(created_at="2026-01-01", number="same", total_amount="1")
        shop.order(number="a newer one")
        if answer["pagination"]["next"] is None:
            break
        cursor = {"cursor": answer["pagination"]["next"]}
    else:
        pytest.fail("the pages never end")
    assert len(seen) == len(set(seen))
    assert before <= set(seen)


async def test_rows_of_one_moment_are_told_apart_by_their_id(shop: Shop, read: Reader) -> None:
    ids = sorted(str(shop.order(created_at="2026-01-01T00:00:00.000001Z")) for _ in range(5))
    first = await read(PATH, limit=2)
    second = await read(PATH, limit=2, cursor=first.json()["pagination"]["next"])
    third = await read(PATH, limit=2, cursor=second.json()["pagination"]["next"])
    found = [row["id"] for answer in (first, second, third) for row in answer.json()["data"]]
    assert found == ids[::-1]
    assert third.json()["pagination"] == {"limit": 2, "next": None}


async def test_the_next_page_is_linked_with_the_same_question(shop: Shop, read: Reader) -> None:
    for number in range(3):
        shop.order(number=f"N {number}", state="shipped")
    answer = await read(PATH, state="shipped", q="n ", limit=2)
    link = answer.headers["link"]
    assert link.startswith(f"<{PATH}?state=shipped&q=n")
    assert link.endswith('>; rel="next"')
    last = await read(link[1:].partition(">")[0])
    assert [row["number"] for row in last.json()["data"]] == ["N 0"]
    assert "link" not in last.headers


async def test_a_full_last_page_has_no_next(shop: Shop, read: Reader) -> None:
    shop.order()
    shop.order()
    assert (await read(PATH, limit=2)).json()["pagination"]["next"] is None
    assert (await read(PATH, limit=200)).json()["pagination"] == {"limit": 200, "next": None}


async def test_a_text_of_ours_in_a_cell_is_no_cursor(shop: Shop, read: Reader) -> None:
    shop.order(number='"next":"evil"}}')
    answer = await read(PATH)
    assert "link" not in answer.headers


@pytest.mark.parametrize(
    "cursor",
    [
        encode_cursor("customers:-created_at", "2026-01-01", NIL),
        encode_cursor("orders:created_at", "2026-01-01", NIL),
        encode_cursor("orders:-created_at", "2026-01-01"),
        encode_cursor("orders:-created_at", "2026-01-01", "7"),
        encode_cursor("orders:-created_at", "no moment", NIL),
        encode_cursor("orders:-created_at", "2026-01-01\0", NIL),
        encode_cursor("orders:-created_at", "'; DROP TABLE orders; --", NIL),
    ],
)
async def test_a_cursor_that_is_not_of_this_list_is_refused(read: Reader, cursor: str) -> None:
    answer = await read(PATH, cursor=cursor)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "cursor_invalid")
