"""`facenode demo`: real frames, the real network and a real broker -> the events that a subscriber receives."""

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
from node.commands.demo.event_table import event_table
from node.commands.demo.playing import play
from node.commands.demo.scene import DemoCamera, enrolment_frames
from node.commands.demo.subscriber import ReceivedEvent
from node.commands.ready_file import SetReady, add_option, ready_setter
from node.commands.run import run_until_signalled
from node.domain import counted
from node.errors import BrokerError, UsageError
from node.people.enrolment import examine_image
from node.people.gallery import Sample
from node.settings import Settings
from node.settings.loader import load
from node.system.systemd import Service
from node.system.terminal import print_line

_PERSON, _NAME = "carl", "Carl"
_COOL_DOWN_S = 5.0
"""The scene lasts some twelve seconds, so that everybody who comes by causes an event each time."""
_REQUIRED = ("recognized", "unknown", "left")


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `demo` to the command line."""
    parser = subparsers.add_parser("demo", parents=[common])
    parser.add_argument("--stay", action="store_true", help="repeat without end, on the broker of the settings")
    add_option(parser, "the demo runs with --stay and the broker is connected")
    parser.set_defaults(main=main)


def main(args: argparse.Namespace, settings: Settings) -> int:
    """Run a node between recorded frames and an embedded broker, and print the events that a subscriber receives.

    With `--stay` the node runs on the broker of the settings, without end, until a signal comes.

    Raises:
        BrokerError: an event that must occur did not arrive.
        UsageError: `--ready` without `--stay`, or with a file that cannot be created.
    """
    if args.stay:
        return _stay(ready_setter(args.ready), settings)
    if args.ready:
        raise UsageError("--ready can be used with --stay only: without it the demo ends by itself and is never ready")
    if not args.verbose:
        logging.getLogger().setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="facenode-demo-") as folder, EmbeddedBroker() as broker:
        own = demo_settings(settings, Path(folder), broker.port)
        print_line(
            f"A broker listens on 127.0.0.1:{broker.port}. All data stays on this machine and is deleted at the end."
        )
        frames = counted(enrol(own), "frame")
        print_line(f"{_NAME} is enrolled from {frames} of a clip. Now he comes by again, and so do two strangers:")
        print_line()
        with event_table() as print_event:
            events = play(own, print_event)
    _print_summary(events)
    return 0


def _stay(set_ready: SetReady, settings: Settings) -> int:
    """Run the demo on the broker of the settings until a signal comes."""
    set_ready(False)
    with tempfile.TemporaryDirectory(prefix="facenode-demo-") as folder:
        own = demo_settings(settings, Path(folder), settings.mqtt.port).model_copy(
            update={"mqtt": settings.mqtt, "homeassistant": settings.homeassistant}
        )
        own = own.model_copy(update={"events": own.events.model_copy(update={"cool_down_s": _COOL_DOWN_S})})
        enrol(own)
        clock = SystemClock()
        node = build_node(own, DemoCamera(clock, repeat=True), clock, Service.from_environment(on_working=set_ready))
        run_until_signalled(node)
    return 0


def demo_settings(settings: Settings, folder: Path, port: int) -> Settings:
    """Return the settings of the demo; of the user's settings it uses only the network and its runtime."""
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
    """Enroll the man in the video; return from how many frames."""
    vision = build_vision(settings, ())
    results = [
        examine_image(image, f"frame {number}", vision.detector, vision.recognizer, keep_crop=False)
        for number, image in enumerate(enrolment_frames())
    ]
    samples = [result for result in results if isinstance(result, Sample)]
    build_gallery(settings).add(_PERSON, _NAME, vision.network.sidecar.heads.embedding.space, samples)
    return len(samples)


def _print_summary(events: list[ReceivedEvent]) -> None:
    """Print the number of events and their latency in one line.

    Raises:
        BrokerError: an event that must occur did not arrive.
    """
    counts = Counter(event.event_type for event in events)
    missing = [event_type for event_type in _REQUIRED if not counts[event_type]]
    if missing:
        raise BrokerError(f"the demo received no event {', no event '.join(missing)}: run it with --verbose to see why")
    numbers = ", ".join(f"{counts[event_type]} {event_type}" for event_type in sorted(counts))
    latency_ms = median(event.latency_ms for event in events)
    print_line()
    print_line(f"{numbers}; median latency from the deciding frame to the subscriber: {latency_ms:.0f} ms.")
    print_line("Next: facenode people add ID PHOTO..., then facenode run (see the README).")
