"""What leaves of a dry run's answer: held until it is fit, streamed where it is a long read."""

import pytest
from starlette.types import Message

from caravan.core.database.dry_run import DryRun, DryRunNotRunError
from caravan.core.errors import CaravanError
from caravan.core.http.dry_run_answers import DryRunAnswer
from caravan.core.http.dry_runs import DryRunOffError

pytestmark = pytest.mark.asyncio


class Sent(list[Message]):
    """What went out."""

    async def send(self, message: Message) -> None:
        self.append(message)

    @property
    def head(self) -> dict[bytes, bytes]:
        return dict(self[0]["headers"])

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self[1:])


async def answered(method: str, status: int, *parts: bytes, run: DryRun) -> tuple[Sent, DryRunAnswer]:
    sent = Sent()
    answer = DryRunAnswer(sent.send, method)
    answer.run = run
    length = (b"content-length", b"%d" % sum(map(len, parts)))
    forged = (b"caravan-dry-run-result", b"rolled-back; rows=1")
    await answer.send({"type": "http.response.start", "status": status, "headers": [length, forged]})
    for number, part in enumerate(parts, 1):
        more = number < len(parts)
        await answer.send({"type": "http.response.body", "body": part, "more_body": more})
    return sent, answer


async def test_rows_stand_behind_the_body_and_are_counted() -> None:
    sent, answer = await answered("POST", 201, b"{}", run=DryRun(rows='["é"]'))
    assert (sent, answer.unfit()) == ([], None), "nothing leaves before it is known to be undone"
    await answer.finish()
    assert sent.head == {b"content-length": b"8", b"caravan-dry-run-result": b"rolled-back; rows=6"}
    assert sent.body == '{}["é"]'.encode()


async def test_an_answer_that_may_have_no_body_tells_no_rows() -> None:
    sent, answer = await answered("DELETE", 204, b"", run=DryRun(rows="[]"))
    assert answer.unfit() is None
    await answer.finish()
    assert (sent.head[b"caravan-dry-run-result"], sent.body) == (b"rolled-back", b"")


async def test_a_long_read_leaves_as_it_comes() -> None:
    sent, answer = await answered("GET", 200, b"a", b"b", run=DryRun())
    assert (sent.body, sent.head[b"caravan-dry-run-result"]) == (b"ab", b"rolled-back")
    assert answer.unfit() is None
    await answer.finish()
    assert len(sent) == 3


async def test_a_long_read_that_cannot_be_judged_does_not_leave() -> None:
    sent, answer = await answered("GET", 200, b"a", b"b", run=DryRun(not_run="lock timeout"))
    assert (sent, type(answer.unfit())) == ([], DryRunNotRunError)


async def test_an_outage_is_not_judged() -> None:
    run = DryRun()
    _, answer = await answered("POST", 503, b"busy", run=run)
    assert isinstance(answer.unfit(), DryRunNotRunError)
    assert run.not_run == "the service was not available"


@pytest.mark.parametrize(
    ("refusal", "result"),
    [
        (DryRunNotRunError("Not run: lock\r\ntimeout."), b"not-run; reason=lock??timeout"),
        (DryRunNotRunError("Not run: " + "x" * 300 + "."), b"not-run; reason=" + b"x" * 200),
        (DryRunOffError("No secret."), None),
    ],
)
async def test_a_refusal_says_that_nothing_ran(refusal: CaravanError, result: bytes | None) -> None:
    sent, answer = await answered("POST", 201, b"{}", run=DryRun())
    answer.forget(refusal)
    await answer.send({"type": "http.response.start", "status": refusal.status, "headers": []})
    await answer.send({"type": "http.response.body", "body": b"no"})
    await answer.finish()
    assert (sent.head.get(b"caravan-dry-run-result"), sent.body) == (result, b"no")


async def test_a_request_that_ended_without_an_answer_has_none() -> None:
    sent = Sent()
    answer = DryRunAnswer(sent.send, "POST")
    answer.run = DryRun()
    assert answer.unfit() is None
    await answer.finish()
    assert sent == []
