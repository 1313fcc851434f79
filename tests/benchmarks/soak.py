"""A node that runs for a long time -> whether its memory grows, and whether an event is lost.

    make soak                                             an hour
    PYTHONPATH=... python tests/benchmarks/soak.py --minutes 5 --model models/zoo/mobilefacenet.int8.tflite

`facenode run` is a process of its own, with a real mosquitto and a network camera that shows people who come and go.
Its files in `/proc` are sampled every few seconds. Growth is the slope of its memory by least squares after a warm-up.
Exits with 1 if memory grows by more than 1 MB an hour, beyond twice the slope's standard error, or if an event is lost.
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from facenode_command import environment, facenode
from linear_trend import fit_trend
from looped_frames import looped_frames, write_stills
from mjpeg_camera import MjpegCamera
from mosquitto_broker import Mosquitto, Subscriber, eventually
from procfs import Sample, sample

from node.contract.topics import Topics
from node.mqtt.link import Received
from node.outbox.outbox import FILE
from node.outbox.rows import Counters
from node.outbox.sqlite import Database

MEDIA = Path(__file__).resolve().parents[2] / "tests" / "media"
MOST_GROWTH = 1.0
"""Megabytes per hour."""
_START_S = _END_S = 30.0


@dataclass(frozen=True, slots=True)
class SoakResult:
    """The result of a run.

    Attributes:
        samples: samples of the process after the warm-up.
        cold: the first sample.
        counters: the counters of its outbox after its end.
        messages: all messages that a subscriber received.
        frames: the number of pictures that the camera sent.
        code: the exit code.
        log: the last lines of its log.
    """

    samples: Sequence[Sample]
    cold: Sample
    counters: Counters
    messages: Sequence[Received]
    frames: int
    code: int
    log: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a node, print its figures, and return 1 if it grew or lost something."""
    parser = argparse.ArgumentParser(description="Run a node for a long time and check whether its memory grows.")
    parser.add_argument("--minutes", type=float, default=60, help="duration after the warm-up (default: 60)")
    parser.add_argument("--warm-up-s", type=float, default=300, help="duration of the warm-up (default: 300)")
    parser.add_argument("--every-s", type=float, default=5, help="seconds between two samples (default: 5)")
    parser.add_argument("--fps", type=float, default=25, help="frames per second of the camera (default: 25)")
    parser.add_argument("--model", type=Path, help="network file (default: the one that ships with the program)")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="more settings")
    args = parser.parse_args(arguments)
    settings: dict[str, object] = dict(assignment.split("=", 1) for assignment in args.set)
    if args.model:
        settings["model.path"] = args.model.resolve()
    with tempfile.TemporaryDirectory(prefix="facenode-soak-") as folder:
        found = soak(Path(folder), settings, args)
    return report(found)


def soak(folder: Path, settings: Mapping[str, object], args: argparse.Namespace) -> SoakResult:
    """Run a node on a camera with people who come and go."""
    storage = folder / "storage"
    write_stills(MEDIA, folder / "stills")
    with (
        _broker(folder / "broker") as broker,
        MjpegCamera(*looped_frames(MEDIA, args.fps), period_s=1 / args.fps) as camera,
        closing(Subscriber(broker.settings(), "facenode/#")) as subscriber,
    ):
        given: dict[str, object] = {
            "node.id": "soak",
            "camera.source": f"video:{camera.url}",
            "mqtt.host": broker.host,
            "mqtt.port": broker.port,
            "storage.dir": storage,
            "events.leave_after_s": 1,
            "events.cool_down_s": 0,
            "health.every_s": args.every_s,
            **settings,
        }
        enrolled = facenode("people", "add", "ada", folder / "stills", settings=given)
        if enrolled.code:
            raise SystemExit(enrolled.err)
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "node.cli", "run"], env=environment(given), stdout=log, stderr=log
            )
        try:
            cold, samples = _sample_process(process, subscriber, args)
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait(_END_S)
        with closing(Database(storage / FILE, Topics("soak"))) as database:
            counters = database.counters()
        eventually(lambda: len({each["id"] for each in events(subscriber.messages)}) >= counters.seq, _END_S)
        text = "\n".join((folder / "log").read_text().splitlines()[-5:])
        return SoakResult(samples, cold, counters, tuple(subscriber.messages), camera.sent, code, text)


def report(found: SoakResult) -> int:
    """Print the table, and return the exit code."""
    first, last = found.samples[0], found.samples[-1]
    lasted_s = last.at_s - first.at_s
    times_s = [each.at_s for each in found.samples]
    growth = fit_trend(times_s, [each.rss_mb for each in found.samples])
    own = fit_trend(times_s, [each.own_mb for each in found.samples])
    published = events(found.messages)
    identities = Counter(event["id"] for event in published)
    lost = found.counters.seq - len(identities) + found.counters.dropped + found.counters.rejected
    rates = [health["fps"] for health in _payloads(found.messages, "/health") if health["fps"]]
    rows: dict[str, str] = {
        "duration": f"{lasted_s / 60:.1f} minutes, {len(found.samples)} samples",
        "frames": f"{found.frames} sent, {sum(rates) / max(1, len(rates)):.1f} a second processed",
        "processor": f"{(last.cpu_s - first.cpu_s) / max(lasted_s, 1e-9) * 100:.0f} % of a core",
        "memory at the start": f"{found.cold.rss_mb:.1f} MB",
        "memory, first and last": f"{first.rss_mb:.1f} MB, {last.rss_mb:.1f} MB",
        "memory, least and most": f"{min(each.rss_mb for each in found.samples):.1f} MB, "
        f"{max(each.rss_mb for each in found.samples):.1f} MB",
        "growth": f"{growth.per_hour:+.2f} MB per hour, standard error {growth.error:.2f}",
        "growth, anonymous": f"{own.per_hour:+.2f} MB per hour, standard error {own.error:.2f}",
        "file descriptors": f"{first.files}, {last.files}",
        "threads": f"{first.threads}, {last.threads}",
        "written to disk": f"{(last.written_mb - first.written_mb) * 3600 / max(lasted_s, 1e-9):.1f} MB per hour",
        "events": f"{found.counters.seq} made, {len(identities)} received, {lost} lost, "
        f"{identities.total() - len(identities)} repeated",
        "of which": ", ".join(f"{count} {kind}" for kind, count in Counter(e["event_type"] for e in published).items()),
        "exit code": str(found.code),
    }
    for name, value in rows.items():
        print(f"{name:<24}{value}")
    faults = [
        sentence
        for holds, sentence in (
            (growth.exceeds(MOST_GROWTH), f"memory grows by more than {MOST_GROWTH:g} MB per hour"),
            (last.files > first.files, "file descriptors grow"),
            (last.threads > first.threads, "threads grow"),
            (lost > 0, "1 event was lost" if lost == 1 else f"{lost} events were lost"),
            (found.counters.seq == 0, "there was no event"),
            (found.code != 0, f"the exit code is {found.code}:\n{found.log}"),
        )
        if holds
    ]
    if not faults and not growth.below(MOST_GROWTH):
        print(f"memory may or may not grow by {MOST_GROWTH:g} MB per hour: run it for longer")
    for fault in faults:
        print(f"FAULT: {fault}")
    return int(bool(faults))


def events(messages: Sequence[Received]) -> list[dict[str, object]]:
    """Return the payloads of all events, live and late."""
    return [json.loads(each.payload) for each in messages if "/event/" in each.topic]


def _payloads(messages: Sequence[Received], ending: str) -> list[dict[str, float]]:
    return [json.loads(each.payload) for each in messages if each.topic.endswith(ending)]


def _sample_process(
    process: subprocess.Popen[bytes], subscriber: Subscriber, args: argparse.Namespace
) -> tuple[Sample, list[Sample]]:
    """Return the first sample, and those after the warm-up; fewer if the process exits."""
    if not eventually(lambda: bool(subscriber.on("facenode/soak/health")), _START_S):
        raise SystemExit("the node does not start")
    cold = sample(process.pid)
    pause = threading.Event()
    begun_s = time.monotonic()
    until_s = args.warm_up_s + 60 * args.minutes
    samples = []
    number = 0
    while process.poll() is None and (passed_s := time.monotonic() - begun_s) < until_s:
        seen = sample(process.pid)
        warm = passed_s >= args.warm_up_s
        if warm:
            samples.append(seen)
        if sys.stderr.isatty() or number % 12 == 0:
            sys.stderr.write(f"{passed_s:6.0f} s {'' if warm else 'warming up, '}{seen.rss_mb:.1f} MB\n")
        number += 1
        pause.wait(max(0.0, begun_s + number * args.every_s - time.monotonic()))
    return cold, samples or [cold]


@contextmanager
def _broker(folder: Path) -> Iterator[Mosquitto]:
    broker = Mosquitto(folder)
    broker.start()
    try:
        yield broker
    finally:
        broker.end()


if __name__ == "__main__":
    raise SystemExit(main())
