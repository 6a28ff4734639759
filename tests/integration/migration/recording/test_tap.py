"""The gateway's copies are recorded through its socket; where the socket is shut, everything was written."""

import asyncio
from pathlib import Path

import pytest

from caravan.migration.gateway.tap import Copy
from caravan.migration.gateway.tap_socket import TapReader, TapWriter
from caravan.migration.recording import Recorder, Recording, RedactingWriter, record_stream

pytestmark = pytest.mark.asyncio(loop_scope="session")


def copy(number: int) -> Copy:
    return Copy(
        request_id=b"r%d" % number,
        at=1_770_000_000.0 + number,
        seconds=0.01,
        request=b"GET /items/%d?token=planted-%d HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer planted"
        % (number, number),
        request_body=b"",
        answer=b"HTTP/1.1 200 OK\r\nContent-Type: application/json",
        answer_body=b'{"id": %d, "password": "planted"}' % number,
        client=b"203.0.113.5",
        tags=b"side:old",
    )


async def test_copies_of_the_gateway_are_recorded_without_their_secrets(tmp_path: Path) -> None:
    socket, recording = tmp_path / "tap", Recording(tmp_path / "recording")
    with Recorder(RedactingWriter(recording)) as recorder:
        async with TapReader(socket) as exchanges:
            writer = TapWriter(socket)
            recording_them = asyncio.create_task(record_stream(exchanges, recorder))
            async with asyncio.timeout(20):
                for number in range(20):
                    while not writer.offer(copy(number)):  # noqa: ASYNC110 - until it is connected
                        await asyncio.sleep(0.01)
                while recorder.counts.offered < 20:  # noqa: ASYNC110 - counts have no event
                    await asyncio.sleep(0.01)
            recording_them.cancel()
            await writer.close()
    assert recorder.counts.recorded == 20
    kept = list(recording.read())
    assert [exchange.request.path for exchange in kept] == [f"/items/{number}" for number in range(20)]
    assert "planted" not in repr(kept)
    assert "203.0.113.5" not in repr(kept)
