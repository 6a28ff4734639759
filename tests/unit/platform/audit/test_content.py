"""What is hashed: canonical, without secrets, the same after a round trip through JSONB."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caravan.platform.audit.content import REDACTED, Content, cleaned

CONTENT = Content(
    org=UUID(int=1),
    id=UUID(int=2),
    created_at=datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
    principal="user:1",
    action="order.changed",
    entity="order",
    entity_id="7",
    before=None,
    after={"a": 1, "b": "é"},
    request_id=None,
)


def test_the_hash_of_an_entry_never_changes_between_versions() -> None:
    assert CONTENT.digest().hex() == "bdad36c2e6c36a50fa650d7f6d621efc5f309078d7d875924da8f3efe5b3ed44"


@pytest.mark.parametrize(
    "change",
    [
        {"org": UUID(int=3)},
        {"id": UUID(int=3)},
        {"created_at": CONTENT.created_at + timedelta(microseconds=1)},
        {"principal": "user:2"},
        {"action": ""},
        {"entity": ""},
        {"entity_id": ""},
        {"before": {}},
        {"after": {"a": "1", "b": "é"}},
        {"request_id": ""},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_field_counts(change: dict[str, object]) -> None:
    assert replace(CONTENT, **change).digest() != CONTENT.digest()  # type: ignore[arg-type]  # fields by name


def test_the_order_of_keys_and_the_time_zone_do_not_count() -> None:
    moved = CONTENT.created_at.astimezone(timezone(timedelta(hours=3)))
    assert replace(CONTENT, created_at=moved, after={"b": "é", "a": 1}).digest() == CONTENT.digest()


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "newPassword",
        "client_secret",
        "access_token",
        "password_hash",
        "totp_secret",
        "otp",
        "api_key",
        "apiKey",
        "Authorization",
        "cookie",
        "recovery_codes",
        "private_key",
        "salt",
        "credentials",
    ],
)
def test_what_sounds_secret_is_replaced_at_any_depth(key: str) -> None:
    values = {"deep": [{key: {"inner": "hunter2"}}]}
    assert cleaned(values) == {"deep": [{key: REDACTED}]}
    assert cleaned({key: None}) == {key: None}


@pytest.mark.parametrize("key", ["name", "footprint", "amount", "state", "passenger"])
def test_what_does_not_sound_secret_stays(key: str) -> None:
    assert cleaned({key: "x"}) == {key: "x"}


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.decimals()
    | st.datetimes()
    | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=3), VALUES, max_size=3))
def test_what_was_cleaned_survives_json_and_another_cleaning(values: dict[str, object]) -> None:
    once = cleaned(values)
    assert once is not None
    assert json.loads(json.dumps(once)) == once
    assert cleaned(once) == once
    json.dumps(once, ensure_ascii=False).encode()
    assert "\x00" not in json.dumps(once, ensure_ascii=False)
