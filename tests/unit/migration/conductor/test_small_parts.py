"""Traffic in buckets, what jsonb can hold, the webhook's signature, the last stage."""

from datetime import UTC, datetime, timedelta

import pytest

from caravan.migration.canary import ERRORS, Action, Observation
from caravan.migration.conductor.last_stage import LastStage, LastStageSettings
from caravan.migration.conductor.readable_checks import duration, readable
from caravan.migration.conductor.stored_json import stored
from caravan.migration.conductor.traffic import Traffic
from caravan.migration.conductor.webhook import signed_headers
from caravan.migration.units import Check

NOW = datetime(2026, 1, 1, 12, 0, 3, tzinfo=UTC)
SETTINGS = LastStageSettings("100%", 0.05, 0.01, timedelta(0), timedelta(seconds=10), 50)


def test_the_signature_is_that_of_the_specification() -> None:
    headers = signed_headers(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        datetime.fromtimestamp(1_614_265_330, UTC),
        b'{"test": 2432232314}',
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_that_is_no_base64_is_refused() -> None:
    with pytest.raises(ValueError, match="whsec_"):
        signed_headers("whsec_not base64!", "id", NOW, b"")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a\0b", '"a\\ufffdb"'),
        ("\ud800", '"\\ufffd"'),
        ("😀", '"\\ud83d\\ude00"'),
        ({"plain": [1, "ü"]}, '{"plain": [1, "\\u00fc"]}'),
    ],
)
def test_what_jsonb_cannot_hold_is_replaced(value: object, text: str) -> None:
    made = stored(value)
    assert made.dumps is not None
    assert made.dumps(made.obj) == text


def test_a_bucket_that_is_written_twice_adds_nothing() -> None:
    traffic = Traffic()
    traffic.served(NOW, "GET /a", "old", "", 0.1, failed=False)
    first = traffic.take_changed(NOW)
    traffic.served(NOW + timedelta(seconds=4), "GET /a", "old", "", 0.2, failed=True)
    (row,) = traffic.take_changed(NOW)
    assert (first[0]["at"], row["at"]) == (NOW.replace(second=0), NOW.replace(second=0))
    assert (first[0]["requests"], row["requests"], row["errors"]) == (1, 2, 1)
    assert traffic.take_changed(NOW) == []
    traffic.put_back([row])
    assert traffic.take_changed(NOW) == [row]


def test_the_last_stage_goes_by_the_declared_rate_alone() -> None:
    def stage(failing: int, keys: int) -> LastStage:
        made = LastStage(SETTINGS, NOW)
        for number in range(keys):
            events = (ERRORS,) if number < failing else ()
            for _ in range(2):
                made.observe(Observation(NOW, f"k{number}", in_canary=True, events=events))
        return LastStage.from_json(made.to_json(), SETTINGS)

    later = NOW + timedelta(seconds=11)
    assert stage(0, 400).decide(later).action is Action.PROMOTE
    assert stage(0, 400).decide(NOW).action is Action.HOLD
    assert stage(0, 40).decide(later).action is Action.HOLD
    harmed = stage(30, 60).decide(later)
    assert (harmed.action, harmed.counts[0].canary_events) == (Action.ROLL_BACK, 30)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3_599, "59 min 59 s"), (3_660, "1 h 1 min"), (86_400, "24 h"),
     (172_799, "47 h 59 min"), (604_800, "7 days"), (190_000, "2 days 4 h")],
)  # fmt: skip
def test_seconds_are_told_in_units_that_people_use(seconds: int, told: str) -> None:
    assert duration(seconds) == told


def test_a_check_is_readable_and_its_limit_is_not_crossed() -> None:
    soak = readable(Check("canary: soak in seconds", passed=False, measured="3599", needed="at least 3600"))
    assert (soak.name, soak.measured, soak.needed) == ("canary: soak", "59 min 59 s", "at least 1 h")
    age = readable(Check("shadow: age", passed=True, measured="4 s ago", needed="measured within 86400 s"))
    assert (age.measured, age.needed) == ("4 s ago", "measured within 24 h")
    share = Check("shadow: undetected share", passed=True, measured="0.0075 (3/400)", needed="at most 0.01")
    assert readable(share) == share
