"""wrk, and its figures as numbers."""

import json
import subprocess
import tempfile
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["measure", "paced"]

_REPORT: Final = """
done = function(summary, latency, requests)
  io.stderr:write(string.format(
    '{"requests": %d, "seconds": %.3f, "errors": %d, "p50_ms": %.3f, "p95_ms": %.3f, "p99_ms": %.3f}',
    summary.requests, summary.duration / 1e6,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status
      + summary.errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(95) / 1e3, latency:percentile(99) / 1e3))
end
"""


def measure(url: str, headers: Mapping[str, str], *, connections: int, seconds: float) -> dict[str, Any]:
    """Return requests per second and percentiles in milliseconds; raises ``RuntimeError`` when a request failed."""
    return _measured(url, headers, connections, seconds, _REPORT)


def paced(url: str, *, connections: int, seconds: float, per_second: float) -> dict[str, Any]:
    """Return the same of a load of about so many requests per second, sent as independent clients would.

    Each connection pauses after an answer, for whole milliseconds drawn evenly between 1 and twice the mean. All timers of a thread fire
    in one tick of a millisecond: one thread would send what a millisecond holds at once, and measure the queue that it makes itself.
    """
    most = max(1, round(2 * connections / per_second * 1e3) - 1)
    pause = f"function delay() return math.random(1, {most}) end\n"
    return _measured(url, {}, connections, seconds, _REPORT + pause, threads=8)


def _measured(
    url: str,
    headers: Mapping[str, str],
    connections: int,
    seconds: float,
    report: str,
    threads: int = 1,
) -> dict[str, Any]:
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(report)
        script.flush()
        command = [
            "wrk",
            f"-t{threads}",
            f"-c{connections}",
            f"-d{max(1, round(seconds))}s",
            "--timeout",
            "10s",
            "-s",
            script.name,
        ]
        for name, value in headers.items():
            command += ["-H", f"{name}: {value}"]
        ended = subprocess.run([*command, url], capture_output=True, text=True, check=True)
    figures: dict[str, Any] = json.loads(ended.stderr)
    if figures.pop("errors"):
        raise RuntimeError(f"{url} failed under load:\n{ended.stdout}")
    figures["per_second"] = round(figures["requests"] / figures.pop("seconds"), 1)
    return figures
