"""What a guardian's report means for its job."""

import pytest

from caravan.platform.jobs import JobState, Program, Reason
from caravan.platform.jobs.guardian.orders import Report
from caravan.platform.jobs.outcomes import finish_of

PROGRAM = Program(("x",), timeout=1.5, memory=1000)


@pytest.mark.parametrize(
    ("report", "state", "reason", "error"),
    [
        ({"reason": "exit", "exit_code": 0}, JobState.COMPLETED, Reason.EXIT, None),
        ({"reason": "exit", "exit_code": 2}, JobState.FAILED, Reason.EXIT, None),
        ({"reason": "exit", "exit_code": 1, "error": "told"}, JobState.FAILED, Reason.EXIT, "told"),
        ({"reason": "exit", "exit_code": -11}, JobState.FAILED, Reason.EXIT, None),
        ({"reason": "launch", "error": "[Errno 2] x"}, JobState.FAILED, Reason.LAUNCH, "[Errno 2] x"),
        ({"reason": "timeout", "exit_code": 0}, JobState.FAILED, Reason.TIMEOUT, "The program was ended after 1.5 seconds: it took too long."),
        ({"reason": "memory", "exit_code": -9}, JobState.FAILED, Reason.MEMORY, "The program was ended: it used more memory than 1000 bytes."),
        ({"reason": "stopped", "exit_code": -15}, JobState.FAILED, Reason.STOPPED, "service stopped"),
        ({"reason": "lost", "exit_code": -15}, JobState.FAILED, Reason.WORKER_LOST, "The service that ran this job died; its processes were ended."),
        (None, JobState.FAILED, Reason.WORKER_LOST, "The guardian of this job was killed; its processes were ended."),
    ],
)  # fmt: skip
def test_every_report_has_its_meaning(
    report: Report | None, state: JobState, reason: Reason, error: str | None
) -> None:
    finish = finish_of(report, PROGRAM)
    assert (finish.state, finish.reason, finish.error) == (state, reason, error)
    code = (report or {}).get("exit_code")
    assert finish.exit_code == code
    assert finish.signal == (-code if code is not None and code < 0 else None)
