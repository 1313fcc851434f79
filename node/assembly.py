"""Settings -> the parts that a node and the commands are made of: here and in `app` concrete classes are named."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from node import __version__
from node.clock import Clock
from node.contract import payloads
from node.contract.topics import Topics
from node.errors import ModelError
from node.homeassistant.announcer import Introduction, Withdrawal
from node.homeassistant.discovery import Device
from node.homeassistant.entity_keys import FILE, Residents
from node.mqtt.connect import connect
from node.mqtt.link import Client
from node.mqtt.publisher import Connect
from node.mqtt.retained import Board
from node.outbox.outbox import Outbox
from node.people.crop import fitted
from node.people.gallery import Gallery
from node.people.matcher import GalleryMatcher, HeadMatcher, Matcher
from node.people.person import Person
from node.people.reembedding import Embed
from node.requests.inbox import OFFERED, Verb
from node.settings import Settings
from node.system import bundled
from node.vision.detector import Detector
from node.vision.recognizer import Recognizer
from node.vision.sidecar import Sidecar, load_sidecar
from node.vision.tflite import Network


@dataclass(frozen=True, slots=True)
class Eyes:
    """What sees: built once."""

    detector: Detector
    recognizer: Recognizer
    network: Network


def build_eyes(settings: Settings, heads: Iterable[str]) -> Eyes:
    """Return detector and network as the settings name them, with those heads of the network that are asked for."""
    model = settings.model
    network = Network(model.path or bundled.path(bundled.NETWORK), model.runtime, model.threads)
    detector = Detector(bundled.path(bundled.DETECTOR), settings.detector.width, settings.detector.min_score)
    return Eyes(detector, Recognizer(network, settings.events.gates, heads), network)


def build_sidecar(settings: Settings) -> Sidecar:
    """Return what is known of the network that the settings name, without loading it."""
    return load_sidecar((settings.model.path or bundled.path(bundled.NETWORK)).with_suffix(".json"))


def build_gallery(settings: Settings, sidecar: Sidecar | None = None) -> Gallery:
    """Return the gallery of this node; with a sidecar, one that refuses embeddings of a wrong length."""
    head = sidecar.heads.embedding if sidecar else None
    return Gallery(settings.storage.dir / "people", {head.space: head.length} if head else {})


def build_embed(network: Network) -> Embed:
    """Return what embeds a kept crop again, whatever network it was cut for."""
    size = network.sidecar.input.size
    return lambda crop: network.infer(fitted(crop, size))["embedding"]


def build_matcher(settings: Settings, sidecar: Sidecar, people: tuple[Person, ...] | None = None) -> Matcher:
    """Return who decides about identity; with `gallery`, over the people given, else over those on disk.

    Raises:
        ModelError: `head` is asked for and the network has no identity head, or its table lacks the asked rate.
    """
    if settings.people.source == "head":
        if sidecar.heads.identity is None:
            raise ModelError(f"{sidecar.name}: people.source = 'head', but the network has no identity head")
        return HeadMatcher(sidecar.heads.identity)
    known = build_gallery(settings, sidecar).load() if people is None else people
    return build_gallery_matcher(settings, sidecar, known)


def build_gallery_matcher(settings: Settings, sidecar: Sidecar, people: Sequence[Person]) -> GalleryMatcher:
    """Return the matcher over these people, with the threshold of so many.

    Raises:
        ModelError: the network's table lacks the asked rate.
    """
    threshold = sidecar.thresholds.cosine(settings.people.max_fpir, len(people))
    return GalleryMatcher(people, sidecar.heads.embedding.space, threshold)


def wanted_heads(settings: Settings) -> list[str]:
    """Return the heads whose scores are wanted: what is published, and identity only where that head decides."""
    published: list[str] = [task for task in settings.publish.tasks if task != "identity"]
    return [*published, "identity"] if settings.people.source == "head" else published


def event_labels(settings: Settings, sidecar: Sidecar) -> dict[str, tuple[str, ...]]:
    """Return the labels of the heads that events carry."""
    return {head: sidecar.heads.labels(head) for head in settings.publish.tasks if head != "identity"}


def build_connector(settings: Settings, topics: Topics) -> Connect:
    """Return what makes one connection attempt, with the last will of this node."""
    client = Client(topics.client_id, (topics.status, payloads.OFFLINE))
    return lambda report: connect(settings.mqtt, client, report)


def build_introduction(settings: Settings, topics: Topics, board: Board) -> Introduction | Withdrawal | None:
    """Return what tells Home Assistant of this node and its people, or that it is gone; None where it never knew."""
    folder = settings.storage.dir
    if settings.homeassistant.enabled:
        return Introduction(topics, describe_device(settings), Residents(folder), board)
    if (folder / FILE).exists():
        return Withdrawal(topics, describe_device(settings), Residents(folder), board)
    return None


def describe_device(settings: Settings) -> Device:
    """Return what Home Assistant is told of this node."""
    node = settings.node
    # Whoever the network knows by itself cannot be enrolled.
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


def build_outbox(settings: Settings, clock: Clock) -> Outbox:
    """Return the outbox of this node."""
    storage = settings.storage
    return Outbox(storage.dir, clock, live_s=settings.mqtt.live_s, max_rows=storage.max_rows, max_mb=storage.max_mb)
