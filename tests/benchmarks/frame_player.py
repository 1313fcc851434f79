"""A whole node, from the frame to the message, that processes frames whenever it is its turn.

It is the node of `facenode run` with a camera of its own, and without a broker. Of each frame it says how long it took
(`whole`), and how long without the detector's call and the network's (`rest`): resize, align, gates, track, decide,
tell. The script runs with the program of any checkout that has these modules, so its seams are those of both.
"""

import argparse
import json
import logging
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from turns import serve

from node.assembly import build_node
from node.camera import Camera
from node.clock import SystemClock
from node.commands.bench.visit import group, portrait
from node.domain import CameraState, Frame, Image, Tick
from node.settings.loader import load
from node.system import malloc

_FPS = 10
_CALLS = {"find", "detect", "invoke"}
"""What the detector's and the network's own calls are named."""


class TurnCamera(Camera):
    """A camera whose frames come one after the other, as soon as they are asked for.

    Args:
        image: what it shows.
        live: whether it counts as a live camera.
    """

    def __init__(self, image: Image, *, live: bool) -> None:
        self._image, self._live = image, live

    @property
    def name(self) -> str:
        """What it is."""
        return "benchmark"

    @property
    def live(self) -> bool:
        """Whether frames come in real time."""
        return self._live

    @property
    def state(self) -> CameraState:
        """Always ok."""
        return CameraState.OK

    @property
    def problem(self) -> str | None:
        """None."""
        return None

    def __iter__(self) -> Iterator[Tick]:
        """Yield frames, a tenth of a second of simulated time apart."""
        at = SystemClock().now()
        while True:
            yield Tick(at, Frame(self._image))
            at = replace(at, mono_s=at.mono_s + 1 / _FPS)

    def close(self) -> None:
        """Release nothing."""


class Timed:
    """An object whose calls of the runtimes are timed.

    Args:
        inner: the object.
        spent_s: to which the seconds of each call are added.
    """

    def __init__(self, inner: Any, spent_s: list[float]) -> None:  # noqa: ANN401 - a detector or an interpreter
        self._inner, self._spent_s = inner, spent_s

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as above
        """Return an attribute of the object, timed if it is such a call."""
        found = getattr(self._inner, name)
        if name not in _CALLS:
            return found

        def call(*args: object) -> object:
            began_s = time.perf_counter()
            try:
                return found(*args)
            finally:
                self._spent_s.append(time.perf_counter() - began_s)

        return call


def main() -> None:
    """Serve one scenario."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--settings", type=json.loads, default={}, help="settings by section, as JSON")
    parser.add_argument("--people", type=int, choices=(1, 4), default=1, help="people in the picture")
    parser.add_argument("--size", default="640x480", help="width and height of the frames")
    parser.add_argument("--frames", type=int, default=1, help="frames of a turn, of which the mean is told")
    parser.add_argument("--live", action="store_true", help="as a live camera; else every frame is searched whole")
    args = parser.parse_args()
    logging.disable(logging.ERROR)
    malloc.keep_freed_memory()
    width, height = map(int, args.size.split("x"))
    picture = portrait() if args.people == 1 else group()
    image = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    with tempfile.TemporaryDirectory() as folder:
        given = {"storage": {"dir": folder}, "node": {"id": "bench"}, "mqtt": {"host": "127.0.0.1", "port": 1}}
        settings = load(None, given | args.settings, {}, Path("/nonexistent"))
        camera = TurnCamera(image, live=args.live)
        node = build_node(settings, camera)
        cv2.setNumThreads(1)  # an earlier program leaves it at all cores
        spent_s = time_calls(node)
        ticks = iter(camera)

        def turn() -> dict[str, float]:
            spent_s.clear()
            began_s = time.perf_counter()
            for _ in range(args.frames):
                node._step(next(ticks))  # noqa: SLF001 - one round of the loop
            took_s = time.perf_counter() - began_s
            return {"whole": took_s * 1e3 / args.frames, "rest": (took_s - sum(spent_s)) * 1e3 / args.frames}

        serve({"frame": turn})


def time_calls(node: Any) -> list[float]:  # noqa: ANN401 - the parts that are timed are private to theirs
    """Time the calls of the runtimes in a node; return where the seconds of each are put."""
    spent_s: list[float] = []
    detector, network = node.search._detector, node.recognizer._network  # noqa: SLF001 - as above
    detector._net = Timed(detector._net, spent_s)  # noqa: SLF001 - as above
    network._interpreter = Timed(network._interpreter, spent_s)  # noqa: SLF001 - as above
    return spent_s


if __name__ == "__main__":
    main()
