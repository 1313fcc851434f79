"""`facenode demo`: real frames, the real network, a real broker, and what a subscriber sees of it."""

import argparse
import logging
import tempfile
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

from node.assembly import build_gallery, build_node, build_vision
from node.clock import SystemClock
from node.commands.demo.embedded_broker import EmbeddedBroker
from node.commands.demo.scene import DemoCamera, enrolment_pictures
from node.commands.demo.subscriber import Sighting, Subscriber, view
from node.commands.ready_file import Mark, add_option, marker
from node.commands.run import run_until_signalled
from node.errors import BrokerError, UsageError
from node.people.enrolment import examine_image
from node.people.gallery import Sample
from node.settings import Settings
from node.settings.loader import load
from node.system.systemd import Service

_PERSON, _NAME = "carl", "Carl"
_COOL_DOWN_S = 5.0
"""The play lasts some twelve seconds: each time somebody comes by is told."""
_WANTED = ("recognized", "unknown", "left")


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `demo` to the command line."""
    parser = subparsers.add_parser("demo", parents=[common])
    parser.add_argument("--stay", action="store_true", help="play without end, on the broker of the settings")
    add_option(parser, "the demonstration stays and the broker is connected")
    parser.set_defaults(main=main)


def main(args: argparse.Namespace, settings: Settings) -> int:
    """Run a node between played-back frames and an embedded broker, and show what a subscriber sees.

    With `--stay` it plays without end for whoever listens on the broker of the settings, until a signal comes.

    Raises:
        BrokerError: something of what must be seen did not arrive.
        UsageError: `--ready` without `--stay`, or with a file that cannot be made.
    """
    if args.stay:
        return _stay(marker(args.ready), settings)
    if args.ready:
        raise UsageError("--ready goes with --stay: a demonstration that ends by itself is never ready")
    if not args.verbose:
        logging.getLogger().setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="facenode-demo-") as folder, EmbeddedBroker() as broker:
        own = settings_of_the_demo(settings, Path(folder), broker.port)
        print(f"A broker listens on 127.0.0.1:{broker.port}; everything stays on this machine and is gone at the end.")
        faces = enrol(own)
        print(f"{_NAME} is enrolled from {faces} frames of a clip. He comes by again, and so do two strangers:\n")
        sightings: list[Sighting] = []
        with view() as show:

            def take(sighting: Sighting) -> None:
                sightings.append(sighting)
                show(sighting)

            with Subscriber("127.0.0.1", broker.port, own.node.id, take):
                clock = SystemClock()
                build_node(own, DemoCamera(clock), clock).run()
    return _summary(sightings)


def _stay(mark: Mark, settings: Settings) -> int:
    mark(False)
    with tempfile.TemporaryDirectory(prefix="facenode-demo-") as folder:
        own = settings_of_the_demo(settings, Path(folder), settings.mqtt.port).model_copy(
            update={"mqtt": settings.mqtt, "homeassistant": settings.homeassistant}
        )
        own = own.model_copy(update={"events": own.events.model_copy(update={"cool_down_s": _COOL_DOWN_S})})
        enrol(own)
        clock = SystemClock()
        node = build_node(own, DemoCamera(clock, again=True), clock, Service.of(mark=mark))
        run_until_signalled(node)
    return 0


def settings_of_the_demo(settings: Settings, folder: Path, port: int) -> Settings:
    """Return settings of the demonstration's own; of the user's only the network and its runtime count."""
    own = load(
        None,
        {
            "node": {"id": "demo", "name": "Demo"},
            "events": {"leave_after_s": 1.0},
            "mqtt": {"host": "127.0.0.1", "port": port, "protocol": "3.1.1"},
            "homeassistant": {"enabled": False},
            "storage": {"dir": folder},
        },
        {},
        folder / "none",
    )
    return own.model_copy(update={"model": settings.model})


def enrol(settings: Settings) -> int:
    """Enrol the man of the clip; return from how many frames."""
    eyes = build_vision(settings, ())
    looked = [
        examine_image(image, f"frame {number}", eyes.detector, eyes.recognizer, keep_crop=False)
        for number, image in enumerate(enrolment_pictures())
    ]
    samples = [sample for sample in looked if isinstance(sample, Sample)]
    build_gallery(settings).add(_PERSON, _NAME, eyes.network.sidecar.heads.embedding.space, samples)
    return len(samples)


def _summary(sightings: list[Sighting]) -> int:
    """Print what was seen, in one line; it is a fault if anything that must be seen is missing."""
    kinds = Counter(sighting.kind for sighting in sightings)
    missing = [kind for kind in _WANTED if not kinds[kind]]
    if missing:
        raise BrokerError(f"the demonstration saw no {', no '.join(missing)}: run it again with --verbose to see why")
    counts = ", ".join(f"{kinds[kind]} {kind}" for kind in sorted(kinds))
    latency_ms = median(sighting.latency_ms for sighting in sightings)
    print(f"\n{counts}; {latency_ms:.0f} ms (median) from the frame that decided to the subscriber.")
    print("Next: facenode people add ID PHOTO..., then facenode run (see the README).")
    return 0
