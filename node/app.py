"""Settings -> a running node: every concrete class is named here, and the loop stands here.

camera -> detector -> tracker -> recognizer -> engine -> outbox -> publisher
"""

import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass

from node import __version__, artefacts, certificate
from node.camera import Camera, open_camera
from node.clock import Clock, SystemClock
from node.domain import CameraState, Instant, Tick
from node.errors import ModelError
from node.events.alerts import Alerts, Scene
from node.events.engine import Engine
from node.events.tracker import Tracker
from node.health import Counts, Pulse
from node.machine import Machine
from node.mqtt import messages
from node.mqtt.board import Board
from node.mqtt.commands import Commands, Verb
from node.mqtt.connection import connect
from node.mqtt.control import Control
from node.mqtt.homeassistant import Device, discovery
from node.mqtt.link import Client
from node.mqtt.outbox import Outbox
from node.mqtt.publisher import Connect, Publisher
from node.mqtt.topics import Topics
from node.people.gallery import Gallery
from node.people.matcher import GalleryMatcher, HeadMatcher, Matcher
from node.people.person import Person
from node.people.roster import Roster
from node.settings import Settings, zone_of
from node.vision.detector import Detector
from node.vision.recognizer import Recognizer
from node.vision.sidecar import Sidecar
from node.vision.tflite import Network

_log = logging.getLogger(__name__)
_SAY_WAITING_S = 30.0
_STOP_DRAIN_S = 5.0
_SAME_STRANGER_FPIR = 0.01


@dataclass(frozen=True, slots=True)
class Eyes:
    """What sees: built once."""

    detector: Detector
    recognizer: Recognizer
    network: Network


def build_eyes(settings: Settings, heads: Iterable[str]) -> Eyes:
    """Return detector and network as the settings name them, with those heads of the network that are asked for."""
    model = settings.model
    network = Network(model.path or artefacts.bundled(artefacts.NETWORK), model.runtime, model.threads)
    detector = Detector(artefacts.bundled(artefacts.DETECTOR), settings.detector.width, settings.detector.min_score)
    return Eyes(detector, Recognizer(network, settings.events.gates, heads), network)


def build_gallery(settings: Settings) -> Gallery:
    """Return the gallery of this node."""
    return Gallery(settings.storage.dir / "people")


def build_matcher(settings: Settings, sidecar: Sidecar, people: tuple[Person, ...] | None = None) -> Matcher:
    """Return who decides about identity; with `gallery`, over the people given, else over those on disk.

    Raises:
        ModelError: `head` is asked for and the network has no identity head, or its table lacks the asked rate.
    """
    if settings.people.source == "head":
        if sidecar.heads.identity is None:
            raise ModelError(f"{sidecar.name}: people.source = 'head', but the network has no identity head")
        return HeadMatcher(sidecar.heads.identity)
    known = build_gallery(settings).load() if people is None else people
    threshold = sidecar.thresholds.cosine(settings.people.max_fpir, len(known))
    return GalleryMatcher(known, sidecar.heads.embedding.space, threshold)


def _heads(settings: Settings) -> list[str]:
    """Return the heads whose scores are wanted: what is published, and identity only where that head decides."""
    published: list[str] = [task for task in settings.publish.tasks if task != "identity"]
    return [*published, "identity"] if settings.people.source == "head" else published


class Node:
    """One camera, one broker, and the line between them.

    Args:
        settings: all of them.
        camera: where ticks come from; the one of the settings unless given.
        clock: the machine's.
    """

    def __init__(self, settings: Settings, camera: Camera | None = None, clock: Clock | None = None) -> None:
        self._settings = settings
        self._clock = clock or SystemClock()
        now = self._clock.now()
        self._eyes = build_eyes(settings, _heads(settings))
        sidecar = self._eyes.network.sidecar
        self._roster = Roster(
            build_gallery(settings), lambda people: build_matcher(settings, sidecar, people), now.mono_s
        )
        self._tracker = Tracker(settings.events)
        same_stranger = sidecar.thresholds.cosine(_SAME_STRANGER_FPIR, 1)
        self._engine = Engine(settings.events, self._roster.matcher, _labels(settings, sidecar), same_stranger)
        self._rules = settings.alerts.rules
        self._alerts = Alerts(self._rules, zone_of(settings.node.timezone))
        health = settings.health
        self._pulse = Pulse(Machine(), health.every_s, health.log_every_s, sidecar.short_hash, now)
        self._seen: dict[str, Instant] = {}
        self._topics = Topics(settings.node.id, settings.homeassistant.prefix)
        storage = settings.storage
        self._outbox = Outbox(
            storage.dir, self._clock, live_s=settings.mqtt.live_s, max_rows=storage.max_rows, max_mb=storage.max_mb
        )
        self._board = Board(self._topics, messages.state(now))
        self._commands = Commands(self._topics, self._say)
        self._publisher = Publisher(
            self._topics, self._outbox, self._board, _connector(settings, self._topics), receive=self._commands.receive
        )
        self._control = Control(storage.dir, self._topics, self._say, self._examine, now)
        self._camera = camera or open_camera(settings.camera, self._clock)
        self._stopping = threading.Event()

    @property
    def restarting(self) -> bool:
        """Whether somebody asked for a new start of the process."""
        return self._control.restarting

    def stop(self) -> None:
        """End the loop at the next tick; may be called from a signal handler."""
        self._stopping.set()

    def run(self) -> None:
        """Follow the camera until it ends or somebody asks to stop; then everything is told, and the broker knows.

        Raises:
            CameraError: the camera cannot be read, or did not come back.
        """
        _log.info("node %s: camera %s, %s", self._settings.node.id, self._camera.name, self._whom())
        at = self._clock.now()
        if self._settings.homeassistant.enabled:
            self._board.announce(discovery(self._topics, _device(self._settings)))
        self._publisher.start()
        try:
            with self._camera as camera:
                for tick in camera:
                    at = tick.at
                    self._step(tick)
                    if self._stopping.is_set() or self.restarting:
                        break
        finally:
            self._finish(at)

    def _step(self, tick: Tick) -> None:
        """Do what one tick asks for: the straight line from frame to message."""
        began_s = time.perf_counter()
        self._refresh()
        self._control.apply(self._commands.drain(), tick.at)
        faces = self._eyes.detector.detect(tick.frame) if tick.frame and self._control.watching else ()
        self._tracker.update(tick.at, faces)
        if self._control.recognising:
            self._tracker.assign(self._eyes.recognizer.recognize(tick.frame, self._tracker.due()))
        tracks = self._tracker.tracks
        happened = self._engine.update(tick.at, tracks)
        raised = self._alerts.update(tick.at, happened, self._scene(tick.at, len(tracks)))
        self._outbox.put(messages.encode(happened, raised, self._eyes.network.sidecar.short_hash))
        if tick.frame and self._control.watching:
            self._pulse.frame(tick.at, (time.perf_counter() - began_s) * 1e3)
        self._show(tick.at, len(tracks))

    def _show(self, at: Instant, count: int) -> None:
        """Show what is retained: who is in view, and now and then how the node is."""
        present = self._engine.present
        self._seen |= {each.person: at for each in present}
        switches = self._control.switches
        state = messages.state(
            at, count, present, self._seen, recognition=switches.recognition, privacy=switches.privacy
        )
        health = self._pulse.beat(at, self._view(), self._counts)
        self._board.show(state, None if health is None else messages.health(at, health))

    def _finish(self, at: Instant) -> None:
        """Let everybody leave, wait for the broker to have it all, and say goodbye."""
        left = self._engine.close(at)
        cleared = self._alerts.update(at, left, self._scene(at, 0))
        self._outbox.put(messages.encode(left, cleared, self._eyes.network.sidecar.short_hash))
        if self._camera.live or self._stopping.is_set() or self.restarting:
            self._publisher.drain(_STOP_DRAIN_S)
        else:
            while not self._publisher.drain(_SAY_WAITING_S) and not self._stopping.is_set():
                _log.info("the source has ended; %d messages wait for the broker", self._outbox.counts().waiting)
        self._publisher.stop(messages.state(self._clock.now()))
        self._outbox.close()

    def _refresh(self) -> None:
        """Take over what was changed in the gallery."""
        if self._roster.refresh(self._clock.now().mono_s):
            for person in [person for person in self._seen if not self._roster.knows(person)]:
                del self._seen[person]
                self._engine.forget(person)
            self._engine.replace(self._roster.matcher)
            _log.info("the gallery has changed: %s", self._whom())

    def _scene(self, at: Instant, count: int) -> Scene:
        return Scene(
            count=count,
            camera=self._view(),
            enrolled=bool(self._roster.people) or self._settings.people.source == "head",
            snoozed=frozenset(rule.id for rule in self._rules if self._control.silent(rule.id, at)),
        )

    def _view(self) -> CameraState:
        return self._camera.state if self._control.watching else CameraState.PRIVATE

    def _say(self, topic: str, payload: bytes) -> None:
        self._publisher.say(topic, payload)

    def _examine(self) -> messages.Fields:
        """Return what `request/check` answers: the health of this moment."""
        now = self._clock.now()
        return messages.health(now, self._pulse.collect(now, self._view(), self._counts()))

    def _whom(self) -> str:
        people = self._roster.people
        if self._settings.people.source == "head":
            return "the network's own closed set decides who is who"
        return f"{len(people)} people known" if people else "nobody is enrolled: every face is unknown"

    def _counts(self) -> Counts:
        waiting = self._outbox.counts()
        file = self._settings.mqtt.tls.cert_file
        return Counts(
            outbox=waiting.waiting,
            dropped=waiting.dropped,
            rejected=waiting.rejected,
            unusable=self._tracker.unusable,
            people=len(self._roster.people) if self._settings.people.source == "gallery" else None,
            cert_days_left=certificate.days_left(file, self._clock.now().wall) if file else None,
        )


def _labels(settings: Settings, sidecar: Sidecar) -> dict[str, tuple[str, ...]]:
    """Return the labels of the heads that events carry."""
    return {head: sidecar.heads.labels(head) for head in settings.publish.tasks if head != "identity"}


def _connector(settings: Settings, topics: Topics) -> Connect:
    client = Client(topics.client_id, (topics.status, messages.OFFLINE))
    return lambda report: connect(settings.mqtt, client, report)


def _device(settings: Settings) -> Device:
    node = settings.node
    return Device(
        name=node.name or node.id,
        area=node.area,
        version=__version__,
        health_s=settings.health.every_s,
        rules=tuple(rule.id for rule in settings.alerts.rules),
        verbs=tuple(Verb),
    )
