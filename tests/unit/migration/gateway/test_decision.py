"""Decisions follow from table, request and moment alone; no write ever reaches a side without authority over it."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from caravan.migration.gateway.cohort import BUCKETS, bucket, threshold
from caravan.migration.gateway.decision import Decision, Moment, RouteTable
from caravan.migration.gateway.limits import Limits
from caravan.migration.gateway.plan import (
    CohortKey,
    Override,
    PlannedRoute,
    PlannedUnit,
    RoutePlan,
    Window,
    checksum,
)
from caravan.migration.gateway.request_head import RequestHead, read_request_head

USER = CohortKey(kind="header", name="X-User")
SECRET = hashlib.sha256(b"open").hexdigest()


def ask(
    plan: RoutePlan,
    method: str = "GET",
    target: str = "/orders",
    headers: str = "",
    *,
    lease: bool = True,
    wall: float = 0,
    recent: frozenset[int] = frozenset(),
    client: bytes = b"10.0.0.1",
) -> Decision:
    raw = f"{method} {target} HTTP/1.1\r\nHost: a\r\n{headers}\r\n".encode("latin-1")
    moment = Moment(wall, lease, recent.__contains__, client)
    return decided(RouteTable(plan), read_request_head(raw, Limits()), moment)


def decided(table: RouteTable, head: RequestHead, moment: Moment) -> Decision:
    route = table.find(head)
    if route is None:
        return table.unknown
    return route.settled or table.weigh(route, head, moment)


def shop(**unit: object) -> RoutePlan:
    return RoutePlan(
        units=(PlannedUnit.model_validate({"name": "shop", **unit}),),
        routes=(
            PlannedRoute(
                template="/orders", methods=("GET",), effect="read", unit="shop", key=USER, fallback=True
            ),
            PlannedRoute(
                template="/orders", methods=("POST",), effect="write", unit="shop", key=USER, fallback=True
            ),
            PlannedRoute(template="/orders/{id}", effect="read", unit="shop", key=USER),
        ),
    )


UNITS = st.fixed_dictionaries(
    {
        "state": st.integers(0, 9),
        "share": st.sampled_from([0.0, 0.01, 0.5, 1.0]),
        "armed": st.booleans(),
        "held": st.booleans(),
        "writes": st.sampled_from(["authority", "cohort"]),
        "include": st.sampled_from([(), ("ann",)]),
    }
)
TARGETS = st.sampled_from(
    [
        "/orders",
        "/orders/",
        "//orders",
        "/ORDERS",
        "/%6frders",
        "/x/../orders",
        "/orders/1",
        "/orders;a",
        "/else",
    ]
)
METHODS = st.sampled_from(["GET", "POST", "DELETE", "HEAD", "OPTIONS"])
OVERRIDES = st.sampled_from(["", "X-Side: new open\r\n", "X-Side: old open\r\n", "X-Side: new guess\r\n"])


@settings(max_examples=600, deadline=None)
@given(
    UNITS,
    METHODS,
    TARGETS,
    st.sampled_from(["", "X-User: ann\r\n", "X-User: bob\r\n"]),
    OVERRIDES,
    st.booleans(),
)
def test_a_write_goes_to_the_side_with_authority_or_nowhere(
    unit: dict[str, object], method: str, target: str, user: str, override: str, lease: bool
) -> None:
    plan = shop(**unit).model_copy(update={"override": Override(header="X-Side", secrets=(SECRET,))})
    planned = plan.units[0]
    decision = ask(plan, method, target, user + override, lease=lease)
    if decision.unit is None:
        assert (target, decision.side, decision.action) == ("/else", "old", "send")
        return
    if not decision.write:
        assert decision.action == "send"
        return
    assert not decision.fallback
    if (planned.armed or planned.held) and not lease:
        assert decision.action == "refuse"
    elif planned.held:
        assert decision.action == "hold"
    elif planned.state == 6 and planned.writes == "cohort" and decision.member:
        assert (decision.action, decision.side) == ("send", "new")
    else:
        assert (decision.action, decision.side) == ("send", planned.authority)


@pytest.mark.parametrize("state", range(10))
def test_reads_follow_the_state_of_their_unit(state: int) -> None:
    decision = ask(shop(state=state, share=1.0), headers="X-User: ann\r\n")
    assert decision.side == ("new" if state >= 6 else "old")
    assert decision.fallback is (state >= 6)


@settings(max_examples=200, deadline=None)
@given(st.binary(min_size=1, max_size=20), st.text(max_size=8), st.floats(0, 1), st.floats(0, 1))
def test_whoever_is_a_member_at_one_share_is_one_at_every_greater(
    key: bytes, salt: str, one: float, other: float
) -> None:
    small, great = sorted((threshold(one), threshold(other)))
    place = bucket(salt, key)
    assert 0 <= place < BUCKETS
    assert not (place < small) or place < great


def test_the_hash_is_the_one_that_is_documented() -> None:
    assert bucket("orders", b"ann") == int(hashlib.sha256(b"orders\0ann").hexdigest(), 16) >> (256 - 53)
    assert (threshold(0), threshold(1)) == (0, BUCKETS)
    members = sum(bucket("s", str(number).encode()) < threshold(0.05) for number in range(20_000))
    assert 850 < members < 1150
    both = sum(
        bucket("a", str(number).encode()) < threshold(0.5)
        and bucket("b", str(number).encode()) < threshold(0.5)
        for number in range(4_000)
    )
    assert 900 < both < 1100  # another salt draws other members


def test_another_salt_than_the_name_draws_anew_and_lists_beat_the_hash() -> None:
    everyone = shop(state=6, share=1.0, exclude=("ann",))
    nobody = shop(state=6, share=0.0, include=("ann",))
    assert ask(everyone, headers="X-User: ann\r\n").member is False
    assert ask(nobody, headers="X-User: ann\r\n").member is True
    assert ask(everyone, headers="X-User: bob\r\n").member is True


@pytest.mark.parametrize("headers", ["", "X-User:\r\n", "X-User: ann\r\nX-User: bob\r\n"])
def test_who_has_no_key_or_two_is_no_member(headers: str) -> None:
    decision = ask(shop(state=6, share=1.0), headers=headers)
    assert (decision.side, decision.member) == ("old", False)


@pytest.mark.parametrize(
    ("key", "target", "headers", "value"),
    [
        ("header:x-user", "/", "X-USER: ann\r\n", b"ann"),
        ("cookie:sid", "/", "Cookie: a=b; sid=ann\r\n", b"ann"),
        ("query:t", "/?a=b&t=a%6En&x", "", b"ann"),
        ("query:t", "/?t=a+n", "", b"a n"),
        ("address", "/", "", b"10.0.0.1"),
    ],
)
def test_keys_are_found_where_they_are_declared(key: str, target: str, headers: str, value: bytes) -> None:
    plan = RoutePlan(
        units=(PlannedUnit(name="shop", state=6, include=(value.decode(),)),),
        routes=(PlannedRoute(template="/", effect="read", unit="shop", key=CohortKey.parse(key)),),
    )
    decision = ask(plan, target=target, headers=headers)
    assert (decision.key, decision.member) == (value, True)


def test_a_token_that_nobody_verified_is_no_key() -> None:
    with pytest.raises(ValueError, match="signature"):
        CohortKey.parse("jwt:sub")
    with pytest.raises(ValueError, match="none of header:NAME"):
        CohortKey.parse("moon")
    with pytest.raises(ValidationError):
        CohortKey.parse("header:")


def test_after_a_members_write_its_reads_stay_with_the_authority() -> None:
    plan = shop(state=6, share=1.0)
    wrote = ask(plan, "POST", headers="X-User: ann\r\n")
    assert (wrote.side, wrote.member) == ("old", True)
    assert wrote.mark is not None
    recent = frozenset({wrote.mark})
    assert ask(plan, headers="X-User: ann\r\n", recent=recent).side == "old"
    assert ask(plan, headers="X-User: bob\r\n", recent=recent).side == "new"
    assert ask(plan, headers="X-User: ann\r\n").side == "new"


def test_outside_its_window_a_canary_is_closed() -> None:
    opens, closes = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    plan = shop(state=6, share=1.0, window=Window(opens=opens, closes=closes))
    sides = [
        ask(plan, headers="X-User: ann\r\n", wall=opens.timestamp() + hours * 3600).side
        for hours in (-1, 0, 23, 24)
    ]
    assert sides == ["old", "new", "new", "old"]


def test_the_override_needs_its_secret_and_moves_reads_only() -> None:
    plan = shop(state=4).model_copy(update={"override": Override(header="X-Side", secrets=(SECRET,))})
    assert ask(plan, headers="X-Side: new open\r\n").side == "new"
    assert ask(plan, headers="x-side: new shut\r\n").side == "old"
    assert ask(plan, headers="X-Side: moon open\r\n").side == "old"
    assert ask(plan, "POST", headers="X-Side: new open\r\n").side == "old"
    with pytest.raises(ValidationError, match="digests"):
        Override(header="X-Side", secrets=("open",))


def test_a_method_nobody_declared_is_a_write_of_its_unit() -> None:
    decision = ask(shop(state=7), "DELETE", "/orders/1")
    assert (decision.side, decision.write, decision.route) == ("new", True, "other /orders/{id}")


def test_static_segments_win_over_parameters_and_those_over_tails() -> None:
    plan = RoutePlan(
        routes=tuple(
            PlannedRoute(template=template, effect="read", side="new")
            for template in ("/a/{x}", "/a/b", "/{y}/b/c", "/a/{z:path}", "/")
        )
    )
    found = {
        target: ask(plan, target=target).route
        for target in ("/a/b", "/a/c", "/a/b/c", "/a/b/d", "/a/", "/", "/b")
    }
    assert found == {
        "/a/b": "GET /a/b",
        "/a/c": "GET /a/{x}",
        "/a/b/c": "GET /a/{z:path}",
        "/a/b/d": "GET /a/{z:path}",
        "/a/": "unknown",
        "/": "GET /",
        "/b": "unknown",
    }


@settings(max_examples=200, deadline=None)
@given(UNITS, METHODS, TARGETS)
def test_a_settled_decision_is_the_one_that_weighing_gives(
    unit: dict[str, object], method: str, target: str
) -> None:
    plan = shop(**unit)
    raw = read_request_head(f"{method} {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode(), Limits())
    table = RouteTable(plan)
    moment = Moment(0, lease=True, recently_wrote=lambda _: False, client=b"")
    quick = decided(table, raw, moment)
    for methods in _routes(table):
        for route in methods.values():
            route.settled = None
    assert decided(table, raw, moment) == quick


def _routes(table: RouteTable) -> list[dict[bytes, Any]]:
    found, open_ = [], [table._index._exact]
    while open_:
        node = open_.pop()
        found += [value for value in (node.value, node.tail) if value is not None]
        open_ += [*node.static.values(), *([node.parameter] if node.parameter else [])]
    return found


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"routes": [{"template": "/a", "effect": "read", "unit": "x"}]}, "no unit 'x'"),
        ({"units": [{"name": "a"}, {"name": "a"}]}, "occurs twice"),
        ({"routes": [{"template": "/a", "effect": "read"}] * 2}, "GET /a occurs twice"),
        ({"routes": [{"template": "a", "effect": "read"}]}, "pattern"),
        ({"routes": [{"template": "/a", "effect": "maybe"}]}, "'read' or 'write'"),
        ({"units": [{"name": "a", "state": 10}]}, "less than or equal to 9"),
        ({"units": [{"name": "a", "shares": 1}]}, "Extra inputs"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(document: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        RoutePlan.model_validate(document)


def test_a_plan_survives_its_document() -> None:
    plan = shop(state=6, share=0.125, window=Window(opens=datetime(2026, 1, 1, tzinfo=UTC)))
    again = RoutePlan.model_validate(plan.document())
    assert again == plan
    assert checksum(again.document()) == checksum(plan.document())
