"""Settings -> a node, and what the commands are made of: the one place where concrete classes are put together."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from node import __version__
from node.app import Node
from node.camera import Camera, open_camera
from node.camera.frame_check import CheckedCamera
from node.clock import Clock, SystemClock
from node.contract import payloads
from node.contract.message import Message
from node.contract.topics import Topics
from node.domain import CameraState, Instant
from node.durations.file import DurationsFile
from node.durations.keeper import Keeper
from node.errors import ModelError, StorageError
from node.events.alerts import Alerts
from node.events.engine import Engine
from node.events.mounting import Mounting
from node.events.tracker import Tracker
from node.health import Counts, HealthMonitor
from node.homeassistant.announcer import Announcer
from node.homeassistant.device_remover import DeviceRemover
from node.homeassistant.discovery import Device
from node.homeassistant.entity_keys import FILE, EntityKeys
from node.mqtt import certificate
from node.mqtt.connect import connect
from node.mqtt.identity import node_client
from node.mqtt.publisher import Connect, Publisher
from node.mqtt.retained import Retained
from node.outbox.outbox import FILE as OUTBOX_FILE
from node.outbox.outbox import Outbox
from node.people.crop import fitted
from node.people.erasure import Erasure
from node.people.gallery import Gallery
from node.people.live_gallery import LiveGallery
from node.people.matcher import GalleryMatcher, HeadMatcher, Matcher
from node.people.person import Person
from node.people.reembedding import Embed
from node.people.store import Store
from node.requests.answer import Answer
from node.requests.dispatcher import Dispatcher, handlers
from node.requests.inbox import Inbox
from node.requests.local_socket import LocalSocket
from node.requests.people import PeopleRequests
from node.requests.recent_faces import RecentFaces
from node.requests.request import OFFERED, Check, Verb
from node.requests.snapshots import Snapshots
from node.requests.switches import SwitchRequests
from node.settings import Settings
from node.settings.node import zone_of
from node.system import blas, bundled
from node.system.machine import Machine
from node.system.plain_files import WrongKindError, check_regular
from node.system.systemd import Service
from node.vision import network_file
from node.vision.detector import Detector
from node.vision.motion import Motion
from node.vision.orientation import MIN_SCORE, OrientationMeter
from node.vision.photo_detector import LEAST_PX, PhotoDetector
from node.vision.recognizer import Recognizer
from node.vision.search import Search
from node.vision.sidecar import Sidecar, load_sidecar
from node.vision.tflite import Network
from node.vision.throttle import Throttle

_SAME_STRANGER_FPIR = 0.01

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Vision:
    """Detector, recognizer and network, built once."""

    detector: Detector
    recognizer: Recognizer
    network: Network


def build_node(
    settings: Settings,
    camera: Camera | None = None,
    clock: Clock | None = None,
    service: Service | None = None,
    machine: Machine | None = None,
) -> Node:
    """Return a node, ready to run.

    Args:
        settings: all of them.
        camera: where ticks come from; the one of the settings unless given.
        clock: the machine's unless given.
        service: whoever watches over the process; nobody unless given.
        machine: what this machine says about itself; read from its files unless given.
    """
    clock, machine = clock or SystemClock(), machine or Machine()
    now = clock.now()
    topics = Topics(settings.node.id, settings.homeassistant.prefix)
    vision = build_vision(settings, wanted_heads(settings))
    sidecar = vision.network.sidecar
    outbox = build_outbox(settings, clock)
    build_erasure(settings, outbox).advance(now.mono_s)
    stored = build_gallery(settings, sidecar)
    if stored.reembed(sidecar.heads.embedding.space, build_embed(vision.network)):
        _log.info("people: the network has changed: all known faces were embedded again")
    gallery = LiveGallery(
        stored,
        lambda people: build_matcher(settings, sidecar, people),
        now.mono_s,
        closed_set=settings.people.source == "head",
    )
    same_stranger = sidecar.thresholds.cosine(_SAME_STRANGER_FPIR, 1)
    keeper = Keeper(DurationsFile(settings.storage.dir), machine)
    durations = keeper.load(now, settings.events.cool_down_s)
    if settings.people.source == "gallery":  # whoever was removed or ignored meanwhile makes no event
        durations = durations.only_about({person.id for person in gallery.people if not person.ignored})
    engine = Engine(
        settings.events, gallery.matcher, event_labels(settings, sidecar), same_stranger,
        visits=durations.visits, restarted=bool(durations),
    )  # fmt: skip
    alerts = Alerts(settings.alerts.rules, zone_of(settings.node.timezone), durations.rules)
    tracker, mounting = Tracker(settings.events, durations.next_track), Mounting(settings.camera.rotate)
    retained = Retained(topics, payloads.state(now))
    inbox = Inbox(topics, lambda topic, payload: publisher.send(Message(topic, payload)))
    publisher = Publisher(topics, outbox, retained, build_connect(settings, topics), receive=inbox.receive)
    snapshots = Snapshots(settings.publish.snapshots, topics, publisher.send_now)
    recent_faces = RecentFaces()

    last_seen: dict[str, Instant] = {}

    def forget(person: str) -> None:
        """Erase whatever the node has of somebody in memory."""
        gallery.forget(person)
        engine.forget(person)
        alerts.forget(person)
        people_requests.forget(person)
        recent_faces.forget(person)
        snapshots.forget()
        last_seen.pop(person, None)

    erasure = build_erasure(settings, outbox, forget)
    people_requests = PeopleRequests(
        stored,
        recent_faces,
        sidecar.heads.embedding.space,
        keep_crops=settings.people.keep_crops,
        changed=gallery.invalidate,
        erase=erasure.erase,
    )
    switches = SwitchRequests(settings.storage.dir, now, [rule.id for rule in settings.alerts.rules])
    health = HealthMonitor(
        machine,
        lambda: replace(
            _counts(settings, clock, outbox, tracker=tracker, mounting=mounting, gallery=gallery),
            discovery=retained.discovery_state,
        ),
        every_s=settings.health.every_s,
        log_every_s=settings.health.log_every_s,
        model=sidecar.short_hash,
        started=now,
        requests=lambda: publisher.requests,
    )
    opened = camera or open_camera(settings.camera, clock, settings.detector.width)
    camera = CheckedCamera(opened, lambda: switches.watching)

    def check(request: Check, at: Instant, answer: Answer) -> None:
        """Answer with the health of this moment, how many requests were ignored, and whether there is a connection."""
        del request, at
        moment = clock.now()
        state = camera.state if switches.watching else CameraState.PRIVATE
        fields = payloads.health(moment, health.collect(moment, state))
        answer.ok({**fields, "requests_ignored": inbox.ignored, "connected": publisher.connected})

    return Node(
        settings=settings,
        model=sidecar.short_hash,
        topics=topics,
        clock=clock,
        service=service or Service(),
        camera=camera,
        search=build_search(settings, vision.detector, machine, live=camera.live),
        tracker=tracker,
        recognizer=vision.recognizer,
        mounting=mounting,
        gallery=gallery,
        engine=engine,
        alerts=alerts,
        outbox=outbox,
        retained=retained,
        publisher=publisher,
        announcer=build_announcer(settings, topics, retained),
        requests=Dispatcher(inbox, handlers(check, switches, people_requests, snapshots)),
        local_socket=LocalSocket(settings.storage.dir, inbox.put),
        switches=switches,
        people_requests=people_requests,
        snapshots=snapshots,
        recent_faces=recent_faces,
        health=health,
        erasure=erasure,
        durations=keeper,
        last_seen=last_seen,
    )


def build_search(settings: Settings, detector: Detector, machine: Machine, *, live: bool) -> Search:
    """Return what finds faces; of a recorded source every frame is searched, so that two replays agree."""
    throttle = Throttle(settings.health.max_cpu_c, machine.cpu_c) if live else None
    motion = Motion() if live and settings.detector.motion else None
    return Search(detector, motion, throttle)


def build_vision(settings: Settings, heads: Iterable[str]) -> Vision:
    """Return the detector and the network that the settings name; the recognizer keeps only these heads."""
    blas.take_work_memory()
    model = settings.model
    path = network_file.checked(model.path or bundled.path(bundled.NETWORK))
    network = Network(path, model.runtime, model.threads)
    detector = Detector(bundled.path(bundled.DETECTOR), settings.detector.width, settings.detector.min_score)
    orientation = OrientationMeter(Detector(bundled.path(bundled.DETECTOR), min_score=MIN_SCORE))
    return Vision(detector, Recognizer(network, orientation, settings.events.gates, heads), network)


def build_photo_detector(settings: Settings, vision: Vision) -> PhotoDetector:
    """Return what finds the faces of photos that an owner names; the detector of live frames if that is fine enough."""
    width, detector = settings.detector.width, vision.detector
    if width < LEAST_PX:
        width, detector = LEAST_PX, Detector(bundled.path(bundled.DETECTOR), LEAST_PX, settings.detector.min_score)
    return PhotoDetector(detector, width)


def build_sidecar(settings: Settings) -> Sidecar:
    """Return the sidecar of the network that the settings name, without loading the network."""
    return load_sidecar((settings.model.path or bundled.path(bundled.NETWORK)).with_suffix(".json"))


def build_gallery(settings: Settings, sidecar: Sidecar | None = None) -> Gallery:
    """Return the gallery of this node; with a sidecar, one that refuses embeddings of a wrong length."""
    head = sidecar.heads.embedding if sidecar else None
    return Gallery(settings.storage.dir / "people", {head.space: head.length} if head else {})


def build_erasure(settings: Settings, outbox: Outbox | None, forget: Callable[[str], None] = lambda _: None) -> Erasure:
    """Return what erases people of this node: from its files, the outbox where there is one, and memory."""
    folder = settings.storage.dir
    return Erasure(Store(folder / "people", {}), outbox, forget, DurationsFile(folder))


def build_embed(network: Network) -> Embed:
    """Return what embeds a kept crop again, whichever network it was cut for."""
    size = network.sidecar.input.size
    return lambda crop: network.infer(fitted(crop, size))["embedding"]


def build_matcher(settings: Settings, sidecar: Sidecar, people: tuple[Person, ...] | None = None) -> Matcher:
    """Return what decides about identity: the gallery over these people, or over those on disk, or the closed set.

    Raises:
        ModelError: the network has no identity head, or its thresholds lack the rate that the settings ask for.
    """
    if settings.people.source == "head":
        if sidecar.heads.identity is None:
            raise ModelError(f"{sidecar.name}: people.source = 'head', but the network has no identity head")
        return HeadMatcher(sidecar.heads.identity)
    known = build_gallery(settings, sidecar).load() if people is None else people
    return build_gallery_matcher(settings, sidecar, known)


def build_gallery_matcher(settings: Settings, sidecar: Sidecar, people: Sequence[Person]) -> GalleryMatcher:
    """Return the matcher over these people, with the threshold for a gallery of this size.

    Raises:
        ModelError: the network's thresholds lack the rate that the settings ask for.
    """
    threshold = sidecar.thresholds.cosine(settings.people.max_fpir, len(people))
    return GalleryMatcher(people, sidecar.heads.embedding.space, threshold)


def wanted_heads(settings: Settings) -> list[str]:
    """Return the heads to run: those that are published, and the identity head where it decides."""
    published: list[str] = [task for task in settings.publish.tasks if task != "identity"]
    return [*published, "identity"] if settings.people.source == "head" else published


def event_labels(settings: Settings, sidecar: Sidecar) -> dict[str, tuple[str, ...]]:
    """Return the labels of the heads that events carry."""
    return {head: sidecar.heads.labels(head) for head in settings.publish.tasks if head != "identity"}


def build_connect(settings: Settings, topics: Topics) -> Connect:
    """Return what makes one connection attempt, with the last will of this node."""
    client = node_client(topics)
    return lambda report: connect(settings.mqtt, client, report)


def build_announcer(settings: Settings, topics: Topics, retained: Retained) -> Announcer | DeviceRemover | None:
    """Return what announces the node and its people to Home Assistant, or removes it; None if neither."""
    folder = settings.storage.dir
    if settings.homeassistant.enabled:
        return Announcer(topics, describe_device(settings), EntityKeys(folder), retained)
    if (folder / FILE).exists():
        return DeviceRemover(topics, describe_device(settings), EntityKeys(folder), retained)
    return None


def describe_device(settings: Settings) -> Device:
    """Return what discovery says about this node."""
    node = settings.node
    # Nobody can be enrolled in the closed set of a network.
    closed = settings.people.source == "head"
    return Device(
        name=node.name or node.id,
        area=node.area,
        version=__version__,
        health_s=settings.health.every_s,
        rules=tuple(rule.id for rule in settings.alerts.rules),
        verbs=tuple(verb for verb in OFFERED if not (closed and verb is Verb.PEOPLE_ENROLL)),
        snapshots=settings.publish.snapshots != "off",
    )


def check_outbox_files(settings: Settings) -> None:
    """Refuse a link or anything but a plain file in the place of a file of the outbox: SQLite would follow it.

    Raises:
        StorageError: there is one.
    """
    try:
        for path in (settings.storage.dir / OUTBOX_FILE, *sorted(settings.storage.dir.glob(f"{OUTBOX_FILE}*"))):
            check_regular(path)
    except WrongKindError as error:
        raise StorageError(str(error)) from error
    except OSError:
        return  # a folder that cannot be read: the outbox says so, or waits for the disk


def build_outbox(settings: Settings, clock: Clock) -> Outbox:
    """Return the outbox of this node.

    Raises:
        StorageError: a link or anything but a plain file is in the place of one of its files.
        OutboxError: it cannot be opened.
    """
    check_outbox_files(settings)
    storage, topics = settings.storage, Topics(settings.node.id, settings.homeassistant.prefix)
    return Outbox(
        storage.dir,
        topics,
        clock,
        live_s=settings.mqtt.live_s,
        max_rows=storage.max_rows,
        max_mb=storage.max_mb,
    )


def _counts(  # noqa: PLR0913 - whatever counts something
    settings: Settings, clock: Clock, outbox: Outbox, *, tracker: Tracker, mounting: Mounting, gallery: LiveGallery
) -> Counts:
    messages, certificate_file = outbox.counts(), settings.mqtt.tls.cert_file
    return Counts(
        outbox=messages.waiting,
        dropped=messages.dropped,
        rejected=messages.rejected,
        unusable=tracker.unusable,
        flaws={str(flaw): count for flaw, count in tracker.flaws.items()},
        upside_down=mounting.upside_down,
        people=gallery.count,
        cert_days_left=certificate.days_left(certificate_file, clock.now().wall) if certificate_file else None,
    )
