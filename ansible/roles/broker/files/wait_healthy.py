#!/usr/bin/python3
"""The monitoring port of a NATS server -> a wait until it is up to date, with all that it stores.

Usage: wait_healthy.py ADDRESS PORT SECONDS. It ends with 0 also if the time is over: a server whose peers are all down
is not up to date, and must run nevertheless, or none of them would come up again.
"""

import json
import sys
import time
import urllib.request


def main(address: str, port: int, seconds: float) -> None:
    """Wait until the server says that it is healthy, at most so many seconds."""
    until_s = time.monotonic() + seconds
    while not _healthy(address, port) and time.monotonic() < until_s:
        time.sleep(0.2)


def _healthy(address: str, port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{address}:{port}/healthz", timeout=5) as answer:
            return bool(json.load(answer).get("status") == "ok")
    except (OSError, ValueError):
        return False


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
