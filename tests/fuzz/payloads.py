"""Forged messages -> requests, health and lines of text, or nothing; none stops a node or a watcher.

python -m tests.fuzz.payloads --seconds 60
"""

import contextlib
import io
import json
import queue
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import numpy as np

from node.clock import SystemClock
from node.commands.fleet import table
from node.commands.history import History
from node.commands.output import message_printer, print_json
from node.commands.watch import watch
from node.contract.message import Message
from node.contract.topics import Topics
from node.domain import CameraState, Instant, Tick
from node.fleet.diagnosis import diagnose
from node.fleet.node_table import NodeTable
from node.fleet.update_gate import Criteria, UpdateGate
from node.mqtt.link import Received, Report
from node.people.corrections import Corrections
from node.people.enrolment import Enrollee
from node.people.erasure import Erasure
from node.people.gallery import Gallery
from node.people.likeness import Comparison
from node.people.matcher import GalleryMatcher
from node.requests.answer import Answer
from node.requests.corrections import CorrectionRequests
from node.requests.dispatcher import Dispatcher, Handlers, handlers
from node.requests.inbox import Inbox
from node.requests.local_socket import LocalSocket
from node.requests.overview import OverviewRequests
from node.requests.people import PeopleRequests
from node.requests.protocol import FILE
from node.requests.recent_faces import RecentFaces
from node.requests.request import Check, Request
from node.requests.review import ReviewRequests
from node.requests.snapshots import Snapshots
from node.requests.stills import Stills
from node.requests.switches import SwitchRequests
from node.requests.verb import Verb
from node.requests.view import View
from node.review.actions import ReviewActions
from node.review.collector import Collector
from node.review.files import ReviewFiles
from node.review.inbox import Keeping, ReviewInbox
from node.system.machine import Machine
from node.vision.masks import NO_MASKS
from tests.fuzz.driver import Target, main
from tests.fuzz.mutation import Json

_TOPICS = Topics("pi-1")
_EVENT = "01936d4e-0000-7000-8000-000000000000"
_REQUESTS = (
    {"transaction": "t"},
    {"transaction": "t", "state": "on"},
    {"transaction": "t", "for_s": 60, "rule": "night"},
    {"transaction": "t", "id": "ada", "name": "Ada", "event": _EVENT, "for_s": 3, "state": "off"},
    {"v": 1, "id": "ada", "photo": "0" * 16, "to": "bob", "into": "bob", "action": "0" * 6, "force": True},
    {"v": 1, "entry": "0" * 8, "as": "new", "name": "Ada", "alike": True},
)
_EVENTS = (
    {"v": 1, "id": _EVENT, "boot": 1, "seq": 7, "at": "2026-01-02T03:04:05.678Z", "event_type": "changed", "track": 1,
     "person": {"id": "ada", "score": 0.9}, "was": "unknown", "age": {"group": "young", "score": 0.8},
     "ethnicity": {"group": "other", "score": 0.5}, "seen_s": 1.5, "box": [0.1, 0.1, 0.2, 0.2], "model": "0" * 8},
    {"v": 1, "id": _EVENT, "at": "2026-01-02T03:04:05.678Z", "event_type": "night", "state": "raised", "count": 2,
     "person": "ada", "for_s": 1.0},
)  # fmt: skip
_HEALTH = {
    "v": 1, "at": "2026-01-02T03:04:05.678Z", "version": "1.0.0", "model": "0" * 8, "camera": "ok", "fps": 9.8,
    "p50_ms": 41.0, "p95_ms": 55.0, "cpu_c": 50.0, "throttled": False, "rss_mb": 96.0, "outbox": 0, "dropped": 0,
    "rejected": 0, "unusable": 0, "flaws": {}, "upside_down": False, "people": 1,
    "cert_days_left": 300, "discovery": "on", "clock": "synced", "uptime_s": 9, "requests": "on",
}  # fmt: skip
_START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_MESSAGES = 20


def build(folder: Path) -> Sequence[Target]:
    """Return a target for each place that accepts messages."""
    return (
        Target("requests", Json(_REQUESTS), Requests(folder).check),
        Target(
            "local_socket",
            Json([{"verb": str(verb), **fields} for verb in Verb for fields in _REQUESTS]),
            local_socket(folder),
        ),
        Target("fleet", Json([_HEALTH]), fleet),
        Target("watch", _several(Json([*_EVENTS, _HEALTH])), watched),
    )


class Requests:
    """Each request is accepted, answered with an error, or counted as ignored."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._now_s = 0.0
        self._verbs = (*Verb, "x", "../x")
        self._count = 0
        gallery = Gallery(folder / "people")
        self._people = PeopleRequests(
            gallery,
            RecentFaces(),
            "s",
            enrollee=lambda person, _: Enrollee(person, GalleryMatcher((), "s", 0.5)),
            keep_crops=True,
            changed=lambda: None,
            erase=lambda _: None,
        )
        keeping = Keeping(days=0, pictures=False, same=Comparison("s", 3, 0.4))
        inbox = ReviewInbox(keeping, ReviewFiles(folder), SystemClock(), Machine())
        collector = Collector(inbox, lambda _image, _box: b"")
        self._review = ReviewRequests(
            ReviewActions(collector, gallery, keep_crops=True, embed=lambda _: np.ones(4, np.float32) / 2),
            lambda: lambda _: None,
            changed=lambda: None,
        )
        self._corrections = CorrectionRequests(Corrections(gallery), gallery.changes, changed=lambda: None)
        self._overview = OverviewRequests(
            gallery.load,
            Corrections(gallery),
            lambda _: Comparison("s", 3, 0.5),
            last_seen={},
            traces=Erasure(gallery.changes.store).traces,
        )
        self._snapshots = Snapshots("face", _TOPICS, lambda _message: True, expire_s=60)

    def _handlers(self, at: Instant) -> Handlers:
        def check(request: Check, at: Instant, answer: Answer) -> None:
            del request, at
            answer.ok()

        return handlers(
            check,
            switches=SwitchRequests(self._folder, at, ["night"]),
            people=self._people,
            corrections=self._corrections,
            overview=self._overview,
            review=self._review,
            snapshots=self._snapshots,
            stills=Stills(NO_MASKS),
        )

    def check(self, content: bytes) -> str:
        """Send a request to a node, and apply it if it is accepted."""
        self._now_s += 60
        self._count += 1
        answers: list[bytes] = []
        inbox = Inbox(_TOPICS, lambda _topic, payload: answers.append(payload), lambda: self._now_s)
        verb = self._verbs[self._count % len(self._verbs)]
        inbox.receive(Received(_TOPICS.request(verb), content, retained=False))
        taken = len(answers) + inbox.ignored == 0 and verb != "../x"
        at = Instant(_START, self._now_s, synced=True)
        Dispatcher(inbox, self._handlers(at)).dispatch(at)
        if taken:
            self._people.update(View(Tick(Instant(_START, self._now_s + 60, synced=True), None), (), CameraState.OK))
            self._snapshots.update(View(Tick(at, None), (), CameraState.LOST))
        assert len(answers) + inbox.ignored == (verb != "../x")
        assert all(json.loads(answer)["status"] in {"ok", "error"} for answer in answers)
        return "taken" if taken else "answered" if answers else "ignored"


def local_socket(folder: Path) -> Callable[[bytes], str]:
    """Return a function that sends a request to a running node's local socket, which stays usable."""
    taken: list[Request] = []

    def put(request: Request, answer: Answer) -> None:
        taken.append(request)
        answer.ok()

    LocalSocket(folder, put).open()

    def check(content: bytes) -> str:
        taken.clear()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(10)
            connection.connect(str(folder / FILE))
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(content.replace(b"\n", b" ") + b"\n")
                answer = connection.makefile("rb").readline()
                assert json.loads(answer)["status"] == ("ok" if taken else "error")
                return "taken" if taken else "answered with an error"
        return "closed"

    return check


def fleet(content: bytes) -> str:
    """Show and judge the health of a node that may be anything."""
    node_table = NodeTable()
    gate = UpdateGate(Criteria("1.0.0", "0" * 8), {"pi-1": _HEALTH}, ("pi-1",))
    node_table.update(Received("facenode/pi-1/status", b"online", retained=True))
    node_table.update(Received(f"facenode/{content[:8].decode(errors='replace')}/status", content[-6:], retained=True))
    update = node_table.update(Received("facenode/pi-1/health", content, retained=False))
    if update:
        gate.add(*update)
        gate.add(*update)
    known = node_table["pi-1"]
    problems = diagnose(known, _START)
    wrong = {node: [str(problem) for problem in problems] for node in node_table}
    lines = table(node_table, wrong)
    assert len(lines) == len(node_table) + 2
    assert all(line.isprintable() for line in lines)
    json.dumps({"health": known.health, "reasons": gate.reasons()})
    return "not well" if problems else "well"


@dataclass(frozen=True)
class _NoLink:
    """A link that sends nothing."""

    protocol: str = "5"
    window: int = 8
    max_bytes: int | None = None

    def publish(self, message: Message) -> int:
        raise NotImplementedError

    def subscribe(self, topic: str) -> int:
        """Do nothing."""
        del topic
        return 0

    def unsubscribe(self, topic: str) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def watched(content: bytes) -> str:
    """Show messages as `facenode watch` does, as text and as JSON; each is one printable line."""
    for show in (message_printer(), print_json):
        inbox: queue.SimpleQueue[Report | None] = queue.SimpleQueue()
        for number, payload in enumerate(content.split(b"\n")):
            topic = (
                "facenode/pi-1/event/changed",
                "facenode/pi-1/alert/night",
                "facenode/\x1b[2J\x9b/status",
                "facenode",
            )[number % 4]
            inbox.put(Received(topic, payload, retained=False))
        inbox.put(None)
        shown, notes = io.StringIO(), list[str]()
        with contextlib.redirect_stdout(shown):
            watch(
                _NoLink,
                inbox,
                (),
                History(),
                print_message=show,
                print_note=notes.append,
                set_ready=lambda _there: None,
            )
        assert all(line.isprintable() for line in shown.getvalue().split("\n"))
    return "shown" if shown.getvalue() else "nothing to show"


def _several(make: Callable[[Random], bytes]) -> Callable[[Random], bytes]:
    return lambda random: b"\n".join(make(random).replace(b"\n", b" ") for _ in range(_MESSAGES))


if __name__ == "__main__":
    raise SystemExit(main(build))
