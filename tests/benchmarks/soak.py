"""A node that runs for long -> whether it grows, and whether an event is lost.

    make soak                                             an hour
    PYTHONPATH=... python tests/benchmarks/soak.py --minutes 5 --model models/zoo/mobilefacenet.int8.tflite

`facenode run` is a process of its own, with a real mosquitto and a network camera before which people come and go.
Its files in `/proc` are looked at every few seconds. Growth is the slope of its memory by least squares once it is
warm. Ends with 1 where memory grows by more than 1 MB an hour, beyond twice the slope's standard error, or where an
event was lost.
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

from facenode import environment, facenode
from procfs import Sample, sample
from realbroker import Mosquitto, Subscriber, eventually
from reel import reel, stills
from stream import Stream
from trend import trend

from node.contract.topics import Topics
from node.mqtt.link import Received
from node.outbox.outbox import FILE
from node.outbox.rows import Counters
from node.outbox.sqlite import Database

MEDIA = Path(__file__).resolve().parents[2] / "tests" / "media"
MOST_GROWTH = 1.0
"""Megabytes an hour."""
_START_S = _END_S = 30.0


@dataclass(frozen=True, slots=True)
class Soaked:
    """What came of a run.

    Attributes:
        samples: of the process, once it was warm.
        cold: the first sample of all.
        counters: of its outbox, after its end.
        messages: all that a subscriber got.
        frames: pictures that the camera sent.
        code: how the process ended.
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
    """Run a node for so long, print what it held and told, and return 1 where it grew or lost something."""
    parser = argparse.ArgumentParser(description="Run a node for long, and see whether it grows.")
    parser.add_argument("--minutes", type=float, default=60, help="how long it is looked at once it is warm (60)")
    parser.add_argument("--warm-up-s", type=float, default=300, help="seconds before that (300)")
    parser.add_argument("--every-s", type=float, default=5, help="seconds from one look to the next (5)")
    parser.add_argument("--fps", type=float, default=25, help="frames a second of the camera (25)")
    parser.add_argument("--model", type=Path, help="the network; the one of the program unless given")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="more settings")
    args = parser.parse_args(arguments)
    settings: dict[str, object] = dict(assignment.split("=", 1) for assignment in args.set)
    if args.model:
        settings["model.path"] = args.model.resolve()
    with tempfile.TemporaryDirectory(prefix="facenode-soak-") as folder:
        found = soak(Path(folder), settings, args)
    return report(found)


def soak(folder: Path, settings: Mapping[str, object], args: argparse.Namespace) -> Soaked:
    """Run a node before people who come and go."""
    storage = folder / "storage"
    stills(MEDIA, folder / "stills")
    with (
        _broker(folder / "broker") as broker,
        Stream(*reel(MEDIA, args.fps), period_s=1 / args.fps) as stream,
        closing(Subscriber(broker.settings(), "facenode/#")) as subscriber,
    ):
        given: dict[str, object] = {
            "node.id": "soak",
            "camera.source": f"video:{stream.url}",
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
            cold, samples = _watch(process, subscriber, args)
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait(_END_S)
        with closing(Database(storage / FILE, Topics("soak"))) as database:
            counters = database.counters()
        eventually(lambda: len({each["id"] for each in events(subscriber.messages)}) >= counters.seq, _END_S)
        text = "\n".join((folder / "log").read_text().splitlines()[-5:])
        return Soaked(samples, cold, counters, tuple(subscriber.messages), stream.sent, code, text)


def report(found: Soaked) -> int:
    """Print the table, and return the exit code."""
    first, last = found.samples[0], found.samples[-1]
    lasted_s = last.at_s - first.at_s
    times_s = [each.at_s for each in found.samples]
    growth = trend(times_s, [each.rss_mb for each in found.samples])
    own = trend(times_s, [each.own_mb for each in found.samples])
    told = events(found.messages)
    identities = Counter(event["id"] for event in told)
    lost = found.counters.seq - len(identities) + found.counters.dropped + found.counters.rejected
    rates = [health["fps"] for health in _payloads(found.messages, "/health") if health["fps"]]
    rows: dict[str, str] = {
        "looked at": f"{lasted_s / 60:.1f} minutes, {len(found.samples)} times",
        "frames": f"{found.frames} sent, {sum(rates) / max(1, len(rates)):.1f} a second looked at",
        "processor": f"{(last.cpu_s - first.cpu_s) / max(lasted_s, 1e-9) * 100:.0f} % of a core",
        "memory, cold": f"{found.cold.rss_mb:.1f} MB",
        "memory, start and end": f"{first.rss_mb:.1f} MB, {last.rss_mb:.1f} MB",
        "memory, least and most": f"{min(each.rss_mb for each in found.samples):.1f} MB, "
        f"{max(each.rss_mb for each in found.samples):.1f} MB",
        "growth": f"{growth.per_hour:+.2f} MB an hour, standard error {growth.error:.2f}",
        "growth of its own": f"{own.per_hour:+.2f} MB an hour, standard error {own.error:.2f}",
        "file descriptors": f"{first.files}, {last.files}",
        "threads": f"{first.threads}, {last.threads}",
        "written to disk": f"{(last.written_mb - first.written_mb) * 3600 / max(lasted_s, 1e-9):.1f} MB an hour",
        "events": f"{found.counters.seq} made, {len(identities)} received, {lost} lost, "
        f"{identities.total() - len(identities)} repeated",
        "of which": ", ".join(f"{count} {kind}" for kind, count in Counter(e["event_type"] for e in told).items()),
        "ended with": str(found.code),
    }
    for name, value in rows.items():
        print(f"{name:<24}{value}")
    faults = [
        sentence
        for holds, sentence in (
            (growth.exceeds(MOST_GROWTH), f"memory grows by more than {MOST_GROWTH:g} MB an hour"),
            (last.files > first.files, "file descriptors grow"),
            (last.threads > first.threads, "threads grow"),
            (lost > 0, f"{lost} events were lost"),
            (found.counters.seq == 0, "nobody was seen"),
            (found.code != 0, f"it ended with {found.code}:\n{found.log}"),
        )
        if holds
    ]
    if not faults and not growth.below(MOST_GROWTH):
        print(f"memory may or may not grow by {MOST_GROWTH:g} MB an hour: look at it for longer")
    for fault in faults:
        print(f"FAULT: {fault}")
    return int(bool(faults))


def events(messages: Sequence[Received]) -> list[dict[str, object]]:
    """Return the payloads of all events, live and late."""
    return [json.loads(each.payload) for each in messages if "/event/" in each.topic]


def _payloads(messages: Sequence[Received], ending: str) -> list[dict[str, float]]:
    return [json.loads(each.payload) for each in messages if each.topic.endswith(ending)]


def _watch(
    process: subprocess.Popen[bytes], subscriber: Subscriber, args: argparse.Namespace
) -> tuple[Sample, list[Sample]]:
    """Return the first sample of all, and those from when it is warm; fewer where the process ends by itself."""
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
