"""A node's memory in megabytes with a full inbox, beside the same node without one.

    make memory

Each row is a process: a whole node without a broker, which is passed by as many visitors as the inbox holds, and ten
more. `off` is the same node with an inbox that takes nothing. The memory is the process's (VmRSS), after ten visits and
at the end.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from procfs import sample

from node.assembly import build_node
from node.camera import Camera
from node.clock import SystemClock
from node.commands.bench.visit import portrait
from node.domain import CameraState, Frame, Tick
from node.review.collector import Collector
from node.review.grouping import grouped
from node.review.inbox import MAX_IN_MEMORY
from node.settings.loader import load
from node.system import malloc

_ONE = "--one"
_MODES = ("off", "in memory", "with pictures")
_FPS, _HERE, _AWAY, _WARM = 10, 8, 8, 10
ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Print the table."""
    print(
        "| inbox | entries | MB after 10 visits | MB at the end | listed in ms |\n| --- | ---: | ---: | ---: | ---: |"
    )
    for mode in _MODES:
        done = subprocess.run(
            [sys.executable, __file__, _ONE, mode], cwd=ROOT, check=True, capture_output=True, text=True
        )
        row = json.loads(done.stdout.splitlines()[-1])
        print(
            f"| {mode} | {row['entries']} | {row['warm_mb']:.1f} | {row['full_mb']:.1f} | {row['list_ms']:.0f} |",
            flush=True,
        )
    return 0


class Nothing(Collector):
    """A collector that takes nothing."""

    def update(self, *_: object) -> None:
        """Do nothing."""


class PassingCamera(Camera):
    """A camera that shows the same portrait again and again, each time with other noise, and an empty wall between.

    Args:
        after: called with the number of visits after each.
    """

    name, live, state, problem = "benchmark", False, CameraState.OK, None

    def __init__(self, after: Callable[[int], None]) -> None:
        self._after = after

    def __iter__(self) -> Iterator[Tick]:
        """Yield the frames, a tenth of a second of simulated time apart."""
        at, chance, face = SystemClock().now(), np.random.default_rng(0), portrait()
        wall = np.full_like(face, 118)
        for number in range(MAX_IN_MEMORY + _WARM):
            for count in range(_HERE + _AWAY):
                noise = chance.integers(0, 6, face.shape, np.uint8)
                yield Tick(at, Frame(face // 2 + face // 4 + noise if count < _HERE else wall))
                at = replace(at, mono_s=at.mono_s + 1 / _FPS)
            self._after(number + 1)

    def close(self) -> None:
        """Release nothing."""


def measure(mode: str) -> dict[str, float]:
    """Return what one node takes."""
    malloc.keep_freed_memory()
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        sections: dict[str, dict[str, Any]] = {
            "storage": {"dir": folder},
            "events": {"cool_down_s": 0, "leave_after_s": 0.3},
            "mqtt": {"port": 9},
            "homeassistant": {"enabled": False},
            "page": {"door": "loopback" if mode == "with pictures" else "off"},
        }

        def after(number: int) -> None:
            if number == _WARM:
                found["warm_mb"] = sample(os.getpid()).rss_mb
            elif number == MAX_IN_MEMORY + _WARM:
                found["full_mb"] = sample(os.getpid()).rss_mb
                entries, began_s = node.collector.entries(), time.perf_counter()
                grouped(entries, lambda _: None, node.collector.inbox.keeping.same)
                found["list_ms"] = (time.perf_counter() - began_s) * 1e3
                found["entries"] = len(entries)
                node.stop()

        node = build_node(load(None, sections, {}, Path("/nonexistent")), camera=PassingCamera(after))
        if mode == "off":
            node.collector = Nothing(node.collector.inbox, lambda _image, _box: b"")
        node.run()
    return found


if __name__ == "__main__":
    if sys.argv[1:2] == [_ONE]:
        print(json.dumps(measure(sys.argv[2])))
    else:
        sys.exit(main())
