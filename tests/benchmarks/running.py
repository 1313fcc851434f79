"""`facenode run` as a process, before a network camera of ten frames a second and a real broker.

    python tests/benchmarks/running.py [--model FILE] [--visits N]

Prints how long it takes from a face in the picture to the subscriber, how much less work an empty room is than a busy
one (two nodes at the same time), how long a start takes, and the memory of the process; beside each its target.
`make bench` sets the path on which the tests' broker and subscriber are found.
"""

import argparse
import itertools
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import median

import cv2
import numpy as np
from facenode import environment, facenode
from house import running
from realbroker import Mosquitto, Subscriber, eventually
from showing import FPS, Camera, forever, jpeg, room, takes

from node.camera.image_file import read_image
from node.camera.video import read_video
from node.domain import Image
from node.mqtt.link import Received, Report

MEDIA = Path(__file__).resolve().parents[1] / "media"
KNOWN, STRANGER, NOBODY = "recognized", "unknown", ""
EMPTY_S, VISIT_S = 4, 2
SETTLE_S, WATCH_S = 6, 15
STARTS = 5
PATIENCE_S = 30.0
LEAST, LEAST_MB = "mobilenet_v2.int8", 140.0
"""The network by which a node takes the least memory, and what is promised of that on tflite-runtime."""
_TICKS = os.sysconf("SC_CLK_TCK")


class Ear(Subscriber):
    """A subscriber that knows when what came."""

    def __init__(self, broker: Mosquitto) -> None:
        self.heard: list[tuple[float, str]] = []
        super().__init__(broker.settings(), "facenode/hall/#")

    def _take(self, report: Report) -> None:
        if isinstance(report, Received):
            self.heard.append((time.monotonic(), report.topic.rpartition("/")[2]))
        super()._take(report)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="the network; the one that ships with the program unless given")
    parser.add_argument("--visits", type=int, default=5, help="visits of each of the two people (5)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        broker = Mosquitto(Path(folder) / "broker").start()
        settings = {
            "node.id": "hall",
            "mqtt.host": broker.host,
            "mqtt.port": broker.port,
            "storage.dir": Path(folder) / "hall",
            "model.threads": 1,
        } | ({"model.path": args.model} if args.model else {})
        try:
            rows = [
                *visits(broker, settings, args.visits, LEAST_MB if args.model and args.model.stem == LEAST else None),
                *empty_beside_busy(settings, Path(folder)),
                ("start to the first frame looked at, median, s", start_s(settings, Path(folder)), 2.0),
            ]
        finally:
            broker.end()
    print("| figure | measured | at most |\n| --- | ---: | ---: |")
    for name, figure, target in rows:
        print(f"| {name} | {figure:.2f} | {'' if target is None else f'{target:g}'} |")
    return 0


Row = tuple[str, float, float | None]


def visits(broker: Mosquitto, settings: dict[str, object], count: int, most_mb: float | None) -> list[Row]:
    """Return how long it takes from the first picture of somebody to the subscriber, and the memory of the node."""
    facenode("people", "add", "eileen", MEDIA / "astronaut.jpg", settings=settings)
    shown: list[tuple[float, str]] = []
    people = {KNOWN: takes(visitor("astronaut")), STRANGER: takes(visitor("grace_hopper")), NOBODY: takes(room())}

    def play() -> Iterator[tuple[str, bytes]]:
        for who in itertools.islice(itertools.cycle((KNOWN, STRANGER)), 2 * count):
            for name, seconds in ((NOBODY, EMPTY_S), (who, VISIT_S)):
                yield from (
                    (name, picture) for picture in itertools.islice(itertools.cycle(people[name]), seconds * FPS)
                )
        yield from ((NOBODY, picture) for picture in itertools.cycle(people[NOBODY]))

    given = settings | {"events.leave_after_s": 1, "events.cool_down_s": 0}
    with (
        closing(Ear(broker)) as ear,
        Camera(play, lambda name: shown.append((time.monotonic(), name))) as camera,
        running(given | {"camera.source": camera.source}) as node,
    ):
        patience_s = 2 * count * (EMPTY_S + VISIT_S) + PATIENCE_S
        if not eventually(lambda: sum(topic == "left" for _, topic in list(ear.heard)) == 2 * count, patience_s):
            raise SystemExit(f"the node told only {[topic for _, topic in ear.heard]}")
        memory_mb, peak_mb = (status_mb(node.pid, field) for field in ("VmRSS", "VmHWM"))
    begun = [(at, name) for (_, before), (at, name) in itertools.pairwise(shown) if name and name != before]
    delays = {kind: [after_ms(ear, at, kind) for at, name in begun if name == kind] for kind in (KNOWN, STRANGER)}
    return [
        ("a known face to `recognized` at the subscriber, median, ms", median(delays[KNOWN]), 600),
        ("a stranger's face to `unknown` at the subscriber, median, ms", median(delays[STRANGER]), 1500),
        ("memory of `facenode run`, MB", memory_mb, most_mb),
        ("peak memory of `facenode run`, MB", peak_mb, None),
    ]


def after_ms(ear: Ear, shown_s: float, kind: str) -> float:
    """Return milliseconds from a picture to the next event of a kind."""
    return 1e3 * (next(at for at, topic in ear.heard if topic == kind and at > shown_s) - shown_s)


def empty_beside_busy(settings: dict[str, object], folder: Path) -> list[Row]:
    """Return the processor time of a node before an empty room by that of one before a man who moves, as they go."""
    man = [jpeg(cv2.resize(image, (640, 480)).astype(np.uint8)) for image in read_video(MEDIA / "carphone.mp4")]
    with ExitStack() as both:
        pids = {}
        for name, pictures in (("empty", takes(room())), ("busy", man)):
            camera = both.enter_context(Camera(forever(pictures)))
            given = {"node.id": name, "storage.dir": folder / name, "camera.source": camera.source}
            pids[name] = both.enter_context(running(settings | given)).pid
        pause(SETTLE_S)
        before_s = {name: processor_s(pid) for name, pid in pids.items()}
        fetched = faults(pids["busy"])
        pause(WATCH_S)
        used_s = {name: processor_s(pid) - before_s[name] for name, pid in pids.items()}
        fetched = faults(pids["busy"]) - fetched
    per_frame_ms = {name: 1e3 * seconds / (WATCH_S * FPS) for name, seconds in used_s.items()}
    return [
        ("processor time before an empty, still room / a busy one", used_s["empty"] / used_s["busy"], 0.25),
        *((f"processor time a frame, {name} room, ms", figure, None) for name, figure in per_frame_ms.items()),
        ("page faults a frame, busy room", fetched / (WATCH_S * FPS), None),
    ]


def start_s(settings: dict[str, object], folder: Path) -> float:
    """Return the median seconds from the start of the process until the loop has gone round once, a frame in it."""
    ear_path = folder / "notify"
    given = settings | {"camera.source": f"video:{MEDIA / 'carphone.mp4'}", "storage.dir": folder / "start"}
    taken_s = []
    for _ in range(STARTS):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
            ear.bind(str(ear_path))
            ear.settimeout(PATIENCE_S)
            begun_s = time.monotonic()
            process = subprocess.Popen(
                [sys.executable, "-m", "node.cli", "run"],
                env=environment(given) | {"NOTIFY_SOCKET": str(ear_path)},
                stderr=subprocess.DEVNULL,
            )
            try:
                while not ear.recv(4096).startswith(b"READY=1"):
                    pass
                taken_s.append(time.monotonic() - begun_s)
            finally:
                process.kill()
                process.wait()
        ear_path.unlink()
    return median(taken_s)


def visitor(name: str) -> Image:
    """Return the room with somebody in it, shape (480, 640, 3), uint8, RGB."""
    picture = read_image(MEDIA / f"{name}.jpg")
    side = min(picture.shape[:2])
    view = room()
    view[120:, 140:500] = cv2.resize(picture[:side, :side], (360, 360), interpolation=cv2.INTER_AREA)
    return view


def status_mb(pid: int, field: str) -> float:
    """Return a line of the kernel's on the memory of a process, megabytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:")) * 1024 / 1e6


def processor_s(pid: int) -> float:
    """Return the processor time that a process has used, seconds."""
    fields = _stat(pid)
    return (fields[11] + fields[12]) / _TICKS


def faults(pid: int) -> int:
    """Return how many pages the kernel had to fetch or clear for a process."""
    return _stat(pid)[7]


def _stat(pid: int) -> list[int]:
    """Return the numbers of /proc/PID/stat behind the state of the process, proc_pid_stat(5) from field 4 on."""
    return [0, *map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1:])]


def pause(seconds: float) -> None:
    """Let time pass."""
    threading.Event().wait(seconds)


if __name__ == "__main__":
    sys.exit(main())
