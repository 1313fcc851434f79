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
from node.domain import Event, Instant, Tick
from node.errors import ModelError
from node.events.engine import Engine
from node.events.tracker import Tracker
from node.health import Counts, Pulse
from node.machine import Machine
from node.mqtt import messages
from node.mqtt.board import Board
from node.mqtt.connection import connect
from node.mqtt.homeassistant import Device, discovery
from node.mqtt.link import Client
from node.mqtt.outbox import Outbox
from node.mqtt.publisher import Connect, Publisher
from node.mqtt.topics import Topics
from node.people.gallery import Gallery
from node.people.matcher import GalleryMatcher, HeadMatcher, Matcher
from node.people.person import Person
from node.settings import Settings
from node.vision.detector import Detector
from node.vision.recognizer import Recognizer
from node.vision.sidecar import Sidecar
from node.vision.tflite import Network

_log = logging.getLogger(__name__)
_LOOK_AT_GALLERY_S = 0.5
_SAY_WAITING_S = 30.0
_STOP_DRAIN_S = 5.0


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
        self._eyes = build_eyes(settings, _heads(settings))
        sidecar = self._eyes.network.sidecar
        self._gallery = build_gallery(settings)
        self._people = self._gallery.load()
        self._stamp, self._stamped_s = self._gallery.stamp(), self._clock.now().mono_s
        labels: dict[str, tuple[str, ...]] = {
            head: sidecar.heads.labels(head) for head in settings.publish.tasks if head != "identity"
        }
        self._tracker = Tracker(settings.events)
        self._engine = Engine(settings.events, build_matcher(settings, sidecar, self._people), labels)
        self._pulse = Pulse(
            Machine(), settings.health.every_s, settings.health.log_every_s, sidecar.short_hash, self._clock.now()
        )
        self._roll: dict[str, Instant] = {}
        storage = settings.storage
        self._outbox = Outbox(
            storage.dir, self._clock, live_s=settings.mqtt.live_s, max_rows=storage.max_rows, max_mb=storage.max_mb
        )
        self._topics = Topics(settings.node.id, settings.homeassistant.prefix)
        self._board = Board(self._topics, messages.state(self._clock.now()))
        self._publisher = Publisher(self._topics, self._outbox, self._board, self._connector())
        self._camera = camera or open_camera(settings.camera, self._clock)
        self._stopping = threading.Event()

    def stop(self) -> None:
        """End the loop at the next tick; may be called from a signal handler."""
        self._stopping.set()

    def run(self) -> None:
        """Follow the camera until it ends or `stop` is called; then everything is told, and the broker knows.

        Raises:
            CameraError: the camera cannot be read, or did not come back.
        """
        _log.info("node %s: camera %s, %s", self._settings.node.id, self._camera.name, self._whom())
        at = self._clock.now()
        if self._settings.homeassistant.enabled:
            self._board.announce(discovery(self._topics, self._device()))
        self._publisher.start()
        try:
            with self._camera as camera:
                for tick in camera:
                    at = tick.at
                    self._step(tick)
                    if self._stopping.is_set():
                        break
        finally:
            self._finish(at)

    def _step(self, tick: Tick) -> None:
        """Do what one tick asks for: the straight line from frame to message."""
        began_s = time.perf_counter()
        self._reload()
        faces = self._eyes.detector.detect(tick.frame) if tick.frame else ()
        self._tracker.update(tick.at, faces)
        self._tracker.assign(self._eyes.recognizer.recognize(tick.frame, self._tracker.due()))
        tracks = self._tracker.tracks
        happened = self._engine.update(tick.at, tracks)
        self._tell(happened)
        if tick.frame:
            self._pulse.frame(tick.at, (time.perf_counter() - began_s) * 1e3)
        present = self._engine.present
        self._roll |= {each.person: tick.at for each in present}
        state = messages.state(tick.at, len(tracks), present, self._roll)
        health = self._pulse.beat(tick.at, self._camera.state, self._counts)
        self._board.show(state, None if health is None else messages.health(tick.at, health))

    def _tell(self, happened: tuple[Event, ...]) -> None:
        self._outbox.put(messages.encode(happened, (), self._eyes.network.sidecar.short_hash))

    def _finish(self, at: Instant) -> None:
        """Let everybody leave, wait for the broker to have it all, and say goodbye."""
        self._tell(self._engine.close(at))
        if self._camera.live or self._stopping.is_set():
            self._outbox.wait_empty(_STOP_DRAIN_S)
        else:
            while not self._outbox.wait_empty(_SAY_WAITING_S) and not self._stopping.is_set():
                _log.info("the source has ended; %d events wait for the broker", self._outbox.counts().waiting)
        self._publisher.stop(messages.state(self._clock.now()))
        self._outbox.close()

    def _reload(self) -> None:
        """Take over what was changed in the gallery, within a second, without a restart."""
        now_s = self._clock.now().mono_s
        if now_s - self._stamped_s < _LOOK_AT_GALLERY_S:
            return
        self._stamped_s, stamp = now_s, self._gallery.stamp()
        if stamp == self._stamp:
            return
        self._stamp, self._people = stamp, self._gallery.load()
        self._engine.matcher = build_matcher(self._settings, self._eyes.network.sidecar, self._people)
        known = {person.id for person in self._people}
        self._roll = {person: at for person, at in self._roll.items() if person in known}
        _log.info("the gallery has changed: %s", self._whom())

    def _connector(self) -> Connect:
        client = Client(self._topics.client_id, (self._topics.status, messages.OFFLINE))
        return lambda report: connect(self._settings.mqtt, client, report)

    def _device(self) -> Device:
        node = self._settings.node
        return Device(node.name or node.id, node.area, __version__)

    def _whom(self) -> str:
        if self._settings.people.source == "head":
            return "the network's own closed set decides who is who"
        return f"{len(self._people)} people known" if self._people else "nobody is enrolled: every face is unknown"

    def _counts(self) -> Counts:
        waiting = self._outbox.counts()
        certificate_file = self._settings.mqtt.tls.cert_file
        return Counts(
            outbox=waiting.waiting,
            dropped=waiting.dropped,
            rejected=waiting.rejected,
            unusable=self._tracker.unusable,
            people=len(self._people) if self._settings.people.source == "gallery" else None,
            cert_days_left=certificate.days_left(certificate_file, self._clock.now().wall)
            if certificate_file
            else None,
        )
