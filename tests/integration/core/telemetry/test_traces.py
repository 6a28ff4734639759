"""With a provider set, a request is a span of the caller's trace; without the setting nothing is exported."""

import subprocess
import sys
from pathlib import Path

from caravan.core.settings import Settings
from caravan.core.telemetry.traces import configure_traces, current_trace

PROGRAM = """
import asyncio, sys
import httpx2
from fastapi import FastAPI
from caravan.core.settings import Settings
from caravan.core.telemetry.traces import configure_traces, current_trace

provider = configure_traces(Settings(traces="otlp", trace_sample=1.0), "caravan-test")
app = FastAPI()

@app.get("/orders/{number}")
async def order(number: str) -> dict[str, str | None]:
    return {"trace": current_trace()}

async def main() -> None:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://t") as client:
        headers = {"traceparent": "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"}
        print((await client.get("/orders/7", headers=headers)).json()["trace"])

asyncio.run(main())
provider.shutdown()
"""


def test_a_request_is_exported_as_a_span_of_the_callers_trace(
    collector: tuple[str, list[tuple[str, bytes]]], tmp_path: Path
) -> None:
    url, received = collector
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={"OTEL_EXPORTER_OTLP_ENDPOINT": url, "PATH": "", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert finished.stdout.strip() == "ab" * 16
    path, body = received[0]
    assert path == "/v1/traces"
    assert bytes.fromhex("ab" * 16) in body
    assert b"/orders/{number}" in body
    assert b"caravan-test" in body


def test_nothing_is_traced_unless_it_is_asked_for() -> None:
    assert configure_traces(Settings(traces="none"), "caravan-test") is None
    assert current_trace() is None
