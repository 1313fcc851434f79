"""`facenode run` as a process, with a network camera of ten frames a second and a real broker.

    python tests/benchmarks/node_performance.py [--model FILE] [--visits N]

Prints the delay from a face in the picture to the subscriber, the work for an empty room compared with a busy one (two
nodes at the same time), the start time and the memory of the process; each beside its target.
`make bench` sets the Python path of the tests' helpers.
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
from facenode_command import environment, facenode
from mosquitto_broker import Mosquitto, Subscriber, eventually
from running_node import running_facenode
from timed_camera import FPS, TimedCamera, jpeg, looped, noisy_jpegs, room

from node.camera.image_file import read_image
from node.camera.video import read_video
from node.domain import Image
from node.mqtt.link import Received, Report

MEDIA = Path(__file__).resolve().parents[1] / "media"
KNOWN, STRANGER, NOBODY = "recognized", "unknown", ""
EMPTY_S, VISIT_S = 4, 2
SETTLE_S, WATCH_S = 6, 15
STARTS = 5
TIMEOUT_S = 30.0
LEAST, LEAST_MB = "mobilenet_v2.int8", 140.0
"""The network with which a node needs the least memory, and the promised limit of that on tflite-runtime."""
_TICKS = os.sysconf("SC_CLK_TCK")


class TimedSubscriber(Subscriber):
    """A subscriber that records when each message arrived."""

    def __init__(self, broker: Mosquitto) -> None:
        self.arrivals: list[tuple[float, str]] = []
        super().__init__(broker.settings(), "facenode/hall/#")

    def _take(self, report: Report) -> None:
        if isinstance(report, Received):
            self.arrivals.append((time.monotonic(), report.topic.rpartition("/")[2]))
        super()._take(report)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="network file (default: the one that ships with the program)")
    parser.add_argument("--visits", type=int, default=5, help="visits of each of the two people (default: 5)")
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
                *measure_visits(
                    broker, settings, args.visits, LEAST_MB if args.model and args.model.stem == LEAST else None
                ),
                *measure_empty_room(settings, Path(folder)),
                ("start to the first processed frame, median, s", measure_start_s(settings, Path(folder)), 2.0),
            ]
        finally:
            broker.end()
    print("| figure | measured | at most |\n| --- | ---: | ---: |")
    for name, figure, target in rows:
        print(f"| {name} | {figure:.2f} | {'' if target is None else f'{target:g}'} |")
    return 0


Row = tuple[str, float, float | None]


def measure_visits(broker: Mosquitto, settings: dict[str, object], count: int, most_mb: float | None) -> list[Row]:
    """Return the delay from the first picture of a person to the subscriber, and the memory of the node."""
    facenode("people", "add", "eileen", MEDIA / "astronaut.jpg", settings=settings)
    shown: list[tuple[float, str]] = []
    people = {
        KNOWN: noisy_jpegs(room_with("astronaut")),
        STRANGER: noisy_jpegs(room_with("grace_hopper")),
        NOBODY: noisy_jpegs(room()),
    }

    def play() -> Iterator[tuple[str, bytes]]:
        for who in itertools.islice(itertools.cycle((KNOWN, STRANGER)), 2 * count):
            for name, seconds in ((NOBODY, EMPTY_S), (who, VISIT_S)):
                yield from (
                    (name, picture) for picture in itertools.islice(itertools.cycle(people[name]), seconds * FPS)
                )
        yield from ((NOBODY, picture) for picture in itertools.cycle(people[NOBODY]))

    given = settings | {"events.leave_after_s": 1, "events.cool_down_s": 0}
    with (
        closing(TimedSubscriber(broker)) as subscriber,
        TimedCamera(play, lambda name: shown.append((time.monotonic(), name))) as camera,
        running_facenode(given | {"camera.source": camera.source}) as node,
    ):
        patience_s = 2 * count * (EMPTY_S + VISIT_S) + TIMEOUT_S
        if not eventually(
            lambda: sum(topic == "left" for _, topic in list(subscriber.arrivals)) == 2 * count, patience_s
        ):
            raise SystemExit(f"the node published only {[topic for _, topic in subscriber.arrivals]}")
        memory_mb, peak_mb = (status_mb(node.pid, field) for field in ("VmRSS", "VmHWM"))
    begun = [(at, name) for (_, before), (at, name) in itertools.pairwise(shown) if name and name != before]
    delays = {
        kind: [delay_ms(subscriber, at, kind) for at, name in begun if name == kind] for kind in (KNOWN, STRANGER)
    }
    return [
        ("a known face to `recognized` at the subscriber, median, ms", median(delays[KNOWN]), 600),
        ("a stranger's face to `unknown` at the subscriber, median, ms", median(delays[STRANGER]), 1500),
        ("memory of `facenode run`, MB", memory_mb, most_mb),
        ("peak memory of `facenode run`, MB", peak_mb, None),
    ]


def delay_ms(subscriber: TimedSubscriber, shown_s: float, kind: str) -> float:
    """Return the milliseconds from a picture to the next event of a type."""
    return 1e3 * (next(at for at, topic in subscriber.arrivals if topic == kind and at > shown_s) - shown_s)


def measure_empty_room(settings: dict[str, object], folder: Path) -> list[Row]:
    """Return the processor time of a node in an empty room, relative to one with a moving man."""
    man = [jpeg(cv2.resize(image, (640, 480)).astype(np.uint8)) for image in read_video(MEDIA / "carphone.mp4")]
    with ExitStack() as both:
        pids = {}
        for name, pictures in (("empty", noisy_jpegs(room())), ("busy", man)):
            camera = both.enter_context(TimedCamera(looped(pictures)))
            given = {"node.id": name, "storage.dir": folder / name, "camera.source": camera.source}
            pids[name] = both.enter_context(running_facenode(settings | given)).pid
        pause(SETTLE_S)
        before_s = {name: processor_s(pid) for name, pid in pids.items()}
        fetched = page_faults(pids["busy"])
        pause(WATCH_S)
        used_s = {name: processor_s(pid) - before_s[name] for name, pid in pids.items()}
        fetched = page_faults(pids["busy"]) - fetched
    per_frame_ms = {name: 1e3 * seconds / (WATCH_S * FPS) for name, seconds in used_s.items()}
    return [
        ("processor time in an empty, still room / in a busy one", used_s["empty"] / used_s["busy"], 0.25),
        *((f"processor time per frame, {name} room, ms", figure, None) for name, figure in per_frame_ms.items()),
        ("page faults per frame, busy room", fetched / (WATCH_S * FPS), None),
    ]


def measure_start_s(settings: dict[str, object], folder: Path) -> float:
    """Return the median seconds from the start of the process to the end of the first loop with a frame."""
    notify_path = folder / "notify"
    given = settings | {"camera.source": f"video:{MEDIA / 'carphone.mp4'}", "storage.dir": folder / "start"}
    taken_s = []
    for _ in range(STARTS):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify_socket:
            notify_socket.bind(str(notify_path))
            notify_socket.settimeout(TIMEOUT_S)
            begun_s = time.monotonic()
            process = subprocess.Popen(
                [sys.executable, "-m", "node.cli", "run"],
                env=environment(given) | {"NOTIFY_SOCKET": str(notify_path)},
                stderr=subprocess.DEVNULL,
            )
            try:
                while not notify_socket.recv(4096).startswith(b"READY=1"):
                    pass
                taken_s.append(time.monotonic() - begun_s)
            finally:
                process.kill()
                process.wait()
        notify_path.unlink()
    return median(taken_s)


def room_with(name: str) -> Image:
    """Return the room with a person in it, shape (480, 640, 3), uint8, RGB."""
    picture = read_image(MEDIA / f"{name}.jpg")
    side = min(picture.shape[:2])
    view = room()
    view[120:, 140:500] = cv2.resize(picture[:side, :side], (360, 360), interpolation=cv2.INTER_AREA)
    return view


def status_mb(pid: int, field: str) -> float:
    """Return a memory figure of a process from the kernel, in megabytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:")) * 1024 / 1e6


def processor_s(pid: int) -> float:
    """Return the processor time that a process has used, in seconds."""
    fields = _stat(pid)
    return (fields[11] + fields[12]) / _TICKS


def page_faults(pid: int) -> int:
    """Return the number of page faults of a process."""
    return _stat(pid)[7]


def _stat(pid: int) -> list[int]:
    """Return the numbers of /proc/PID/stat after the process state: field 4 on, see proc_pid_stat(5)."""
    return [0, *map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1:])]


def pause(seconds: float) -> None:
    """Let time pass."""
    threading.Event().wait(seconds)


if __name__ == "__main__":
    sys.exit(main())
