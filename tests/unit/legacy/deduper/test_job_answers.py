"""A job in the legacy's words: which keys are there, and which are not."""

import json
from datetime import timedelta
from typing import Any

import pytest

from caravan.legacy.deduper.answers import DeduperJobDetail
from caravan.legacy.deduper.job_answers import job_answer, list_body, stamp
from caravan.legacy.deduper.json_form import encoded
from caravan.platform.jobs import JobState, Reason
from tests.unit.legacy.deduper.conftest import BEGAN, a_job

STARTED = {"started_at": BEGAN + timedelta(seconds=1)}
ENDED = {**STARTED, "finished_at": BEGAN + timedelta(seconds=2)}
BASE = {"jobId", "status", "createdAt"}
TOLD = {"stdout", "stderr", "exitCode"}


def shown(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any field of a job
    body = encoded(job_answer(a_job(7, **changes)))
    told: dict[str, Any] = json.loads(body)
    DeduperJobDetail.model_validate(told)
    assert list(told) == sorted(told)
    assert None not in told.values()
    return told


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        ({}, BASE),
        ({"reference": "5"}, BASE | {"reportId"}),
        ({"state": JobState.RUNNING, **STARTED}, BASE | {"startedAt"}),
        (
            {"state": JobState.COMPLETED, "reason": Reason.EXIT, "exit_code": 0, **ENDED},
            BASE | TOLD | {"startedAt", "completedAt"},
        ),
        (
            {
                "state": JobState.FAILED,
                "reason": Reason.EXIT,
                "exit_code": 3,
                "error": "exit code 3",
                **ENDED,
            },
            BASE | TOLD | {"startedAt", "completedAt"},
        ),
        (
            {"state": JobState.FAILED, "reason": Reason.LAUNCH, "error": "no", **ENDED},
            BASE | {"startedAt", "completedAt", "error"},
        ),
        (
            {"state": JobState.FAILED, "reason": Reason.TIMEOUT, "error": "late", "exit_code": -15, **ENDED},
            BASE | TOLD | {"startedAt", "completedAt", "error"},
        ),
        (
            {"state": JobState.CANCELLED, "reason": Reason.CANCELLED, **ENDED},
            BASE | {"startedAt", "completedAt"},
        ),
        (
            {"state": JobState.CANCELLED, "reason": Reason.CANCELLED, "exit_code": -15, **ENDED},
            BASE | TOLD | {"startedAt", "completedAt"},
        ),
    ],
)
def test_keys_that_do_not_apply_are_left_out(changes: dict[str, Any], keys: set[str]) -> None:
    assert set(shown(**changes)) == keys


def test_values_are_those_of_the_job() -> None:
    told = shown(reference="7", state=JobState.FAILED, reason=Reason.LAUNCH, error="why", **ENDED)
    assert (told["jobId"], told["status"], told["error"]) == (7, "failed", "why")
    assert told["createdAt"] == "2026-02-23T10:15:30.123456+00:00"
    assert told["completedAt"] == "2026-02-23T10:15:32.123456+00:00"


def test_output_keys_have_the_legacys_constant_sentences() -> None:
    told = shown(state=JobState.COMPLETED, reason=Reason.EXIT, exit_code=0, **ENDED)
    assert told["stdout"] == "Process output streamed to terminal"
    assert told["stderr"] == "Process errors streamed to terminal"


def test_a_whole_second_has_no_fraction() -> None:
    assert stamp(BEGAN.replace(microsecond=0)) == "2026-02-23T10:15:30+00:00"


def test_a_number_of_any_length_stays_what_it_is() -> None:
    digits = "1" + "0" * 6000
    body = encoded(job_answer(a_job(reference=digits)))
    assert b'"reportId":' + digits.encode() + b"," in body


def test_the_list_has_three_keys_per_job_in_the_given_order() -> None:
    body = list_body([a_job(1, state=JobState.COMPLETED, reference="5"), a_job(2)])
    assert body == (
        b'{"jobs":[{"createdAt":"2026-02-23T10:15:30.123456+00:00","jobId":1,"status":"completed"},'
        b'{"createdAt":"2026-02-23T10:15:30.123456+00:00","jobId":2,"status":"pending"}]}\n'
    )
