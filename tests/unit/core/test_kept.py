"""A connection that is kept open for a block of calls."""

import pytest

from caravan.core.kept import Kept


class Connection:
    def __init__(self, name: int) -> None:
        self.name = name
        self.closed = False

    def close(self) -> None:
        self.closed = True
        raise OSError("the other end is gone")


class Server:
    def __init__(self) -> None:
        self.opened: list[Connection] = []

    def connect(self) -> Connection:
        self.opened.append(Connection(len(self.opened)))
        return self.opened[-1]

    def open_now(self) -> list[int]:
        return [one.name for one in self.opened if not one.closed]


def use(kept: Kept[Connection]) -> int:
    with kept.used() as connection:
        assert not connection.closed
        return connection.name


def test_outside_of_a_block_each_use_has_a_connection_of_its_own_that_is_closed() -> None:
    server = Server()
    kept = Kept(server.connect)
    assert [use(kept), use(kept)] == [0, 1]
    assert server.open_now() == []


def test_in_a_block_all_uses_share_one_opened_by_the_first_and_closed_at_the_end() -> None:
    server = Server()
    kept = Kept(server.connect)
    with kept.kept_open():
        assert server.open_now() == []
        with kept.kept_open():
            assert [use(kept), use(kept)] == [0, 0]
        assert server.open_now() == [0]
    assert server.open_now() == []
    assert use(kept) == 1


def test_after_an_error_the_next_use_has_a_new_one() -> None:
    server = Server()
    kept = Kept(server.connect)
    with kept.kept_open():
        with pytest.raises(ValueError, match="broke"), kept.used():
            raise ValueError("broke")
        assert server.open_now() == []
        assert use(kept) == 1
    assert server.open_now() == []
