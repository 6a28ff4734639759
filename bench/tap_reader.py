"""Reads the gateway's shadow: ``on`` takes each exchange at once, ``slow`` needs 200 ms for each, ``failing`` breaks off after each."""

import asyncio
import signal
import sys
from pathlib import Path

from caravan.migration.gateway.tap_socket import TapReader


async def main(path: Path, mode: str) -> None:
    while True:
        async with TapReader(path) as exchanges:
            async for _ in exchanges:
                if mode == "slow":
                    await asyncio.sleep(0.2)
                elif mode == "failing":
                    break


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
