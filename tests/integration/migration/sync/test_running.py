"""One flow carried by a process: it gathers, holds, waits for a source that is away, ends in order, and can be killed anywhere."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import pytest

from caravan.core.database import DatabaseAddress
from caravan.migration.capture.changes import Position
from caravan.migration.capture.errors import ChangesLostError
from caravan.migration.sync.errors import CatchUpTimeoutError, FlowFailedError, FlowUnknownError
from caravan.migration.sync.flow_rows import FlowKey, ModeChangedError
from caravan.migration.sync.running import FlowOptions, FlowRunner
from caravan.migration.sync.waiting import ask_to_run, ask_to_stop, catch_up, hold_at, let_go, set_mode
from tests.fixtures.followed_shop import FollowedShop
from tests.fixtures.scripted_log import eventually, upsert
from tests.fixtures.toy.shop import Shop, make_shop, oid


@pytest.fixture(scope="module")
def shop(module_database: DatabaseAddress, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return make_shop(module_database, tmp_path_factory.mktemp("shop"))


@pytest.fixture
def followed(shop: Shop, tmp_path: Path) -> Iterator[FollowedShop]:
    followed = FollowedShop(Shop(shop.database, tmp_path))
    followed.shop.describe()
    followed.begin()
    yield followed
    followed.close()


class Carried:
    """A runner in a thread."""

    def __init__(self, followed: FollowedShop, options: FlowOptions | None = None) -> None:
        self.stop = threading.Event()
        self.error: Exception | None = None
        self._runner = FlowRunner(
            followed.key, followed.log.open, followed.sink, stop=self.stop, options=options
        )
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            self._runner.run()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.error = error

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.ended()

    def ended(self) -> None:
        self._thread.join(20)
        assert not self._thread.is_alive()


def person(number: int, name: str = "Ada") -> dict[str, object]:
    return {"_id": oid(number), "name": name}


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=20)


def test_a_flow_catches_up_tells_its_lag_and_ends_when_asked(followed: FollowedShop) -> None:
    log = followed.log
    with Carried(followed) as carried:
        last = [log.commit(upsert("customers", person(n))) for n in range(50)][-1]
        reached = catch_up(followed.connection, followed.key, last.position, soon())
        assert reached.state == "running"
        assert len(followed.names()) == 50
        eventually(lambda: followed.flow().caught_up, "it never said that it had caught up")
        assert followed.flow().lag(datetime.now(UTC)).seconds == 0
        assert log.confirmed[-1] == last.position.number
        ask_to_stop(followed.connection, followed.key)
        carried.ended()
    assert (followed.flow().state, followed.flow().holder) == ("stopped", "")


def test_a_flow_tells_how_much_of_its_log_the_source_keeps_for_it(followed: FollowedShop) -> None:
    followed.log.kept = 4096
    with Carried(followed):
        eventually(lambda: followed.flow().retained_bytes == 4096, "it does not tell what is kept")


def test_it_applies_exactly_to_the_position_it_is_held_at_and_goes_on_when_let_go(
    followed: FollowedShop,
) -> None:
    log = followed.log
    log.commit(upsert("customers", person(1)))
    hold_at(followed.connection, followed.key, Position(15))
    log.commit(upsert("customers", person(2)))
    with Carried(followed):
        flow = catch_up(followed.connection, followed.key, Position(15), soon())
        assert flow.applied_number == 15
        with pytest.raises(CatchUpTimeoutError):
            catch_up(followed.connection, followed.key, Position(20), datetime.now(UTC))
        assert list(followed.names()) == ["1"]
        let_go(followed.connection, followed.key)
        catch_up(followed.connection, followed.key, Position(20), soon())
        assert sorted(followed.names()) == ["1", "2"]


def test_a_source_that_is_away_is_tried_again_from_the_last_commit(followed: FollowedShop) -> None:
    log = followed.log
    first = log.commit(upsert("customers", person(1)))
    with Carried(followed):
        catch_up(followed.connection, followed.key, first.position, soon())
        opened, log.failures = log.opened, 3
        second = log.commit(upsert("customers", person(2)))
        catch_up(followed.connection, followed.key, second.position, soon())
        assert log.opened > opened
    assert sorted(followed.names()) == ["1", "2"]


def test_a_source_that_lost_its_log_ends_the_flow_with_the_reason(followed: FollowedShop) -> None:
    def lost() -> Position:
        raise ChangesLostError("the binlog was purged")

    followed.log.head = lost  # type: ignore[method-assign]
    carried = Carried(followed)
    with carried:
        carried.ended()
    assert isinstance(carried.error, ChangesLostError)
    flow = followed.flow()
    assert (flow.state, flow.error_code, flow.error) == ("failed", "changes_lost", "the binlog was purged")
    with pytest.raises(FlowFailedError, match="purged"):
        catch_up(followed.connection, followed.key, Position(99), soon())


def test_what_it_does_is_changed_while_it_runs(followed: FollowedShop) -> None:
    log = followed.log
    set_mode(followed.connection, followed.key, "watch")
    with Carried(followed):
        foreign = log.commit(upsert("customers", person(1)))
        catch_up(followed.connection, followed.key, foreign.position, soon())
        set_mode(followed.connection, followed.key, "apply")
        eventually(lambda: followed.flow().foreign_writes == 1, "the foreign write was not counted")
        beaten = followed.flow().heartbeat_at
        eventually(lambda: followed.flow().heartbeat_at > beaten, "it beats no more")
        own = log.commit(upsert("customers", person(2)))
        catch_up(followed.connection, followed.key, own.position, soon())
    assert list(followed.names()) == ["2"]


def test_a_flow_nobody_started_is_unknown(followed: FollowedShop) -> None:
    nobody = FlowKey(followed.org, "toy", "nowhere", "forward")
    for ask in (ask_to_stop, ask_to_run, let_go):
        with pytest.raises(FlowUnknownError):
            ask(followed.connection, nobody)


def test_nothing_behind_the_position_it_is_held_at_is_committed_even_when_it_has_not_heard_of_it(
    followed: FollowedShop,
) -> None:
    sink = followed.sink()
    sink.take("test")
    late = followed.log.commit(upsert("customers", person(1)))
    hold_at(followed.connection, followed.key, Position(5))
    with pytest.raises(ModeChangedError):
        sink.apply([late])
    assert followed.names() == {}
    let_go(followed.connection, followed.key)
    sink.apply([late])
    sink.close()
    assert list(followed.names()) == ["1"]
