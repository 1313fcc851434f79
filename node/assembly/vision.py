"""Settings -> detector, recognizer and network, and what else looks at frames and photos."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from node.domain import Box
from node.settings import Settings
from node.system import blas, bundled
from node.system.machine import Machine
from node.vision import network_file, threads
from node.vision.detector import Detector
from node.vision.masks import Masks
from node.vision.motion import Motion
from node.vision.orientation import MIN_SCORE, OrientationMeter
from node.vision.photo_detector import LEAST_PX, PhotoDetector
from node.vision.recognizer import Recognizer
from node.vision.search import Search
from node.vision.sidecar import Sidecar, load_sidecar
from node.vision.tflite import Network, find_runtime
from node.vision.throttle import Throttle
from node.vision.tracked_search import TrackedSearch


@dataclass(frozen=True, slots=True)
class Vision:
    """Detector, recognizer and network, built once."""

    detector: Detector
    recognizer: Recognizer
    network: Network
    threads: int
    """Those of detector and network."""


def build_vision(settings: Settings, heads: Iterable[str]) -> Vision:
    """Return the detector and the network that the settings name; the recognizer keeps only these heads.

    OpenCV's threads are limited for the whole process.
    """
    blas.take_work_memory()
    threads.limit_opencv()
    model = settings.model
    path = network_file.checked(network_path(settings))
    runtime, _ = find_runtime(model.runtime)
    count = threads.chosen(model.threads, runtime)
    network = Network(path, model.runtime, count)
    detector = _detector(settings, runtime, settings.detector.width)
    orientation = OrientationMeter(Detector(bundled.detector(runtime), min_score=MIN_SCORE, runtime=model.runtime))
    return Vision(detector, Recognizer(network, orientation, settings.events.gates, heads), network, count)


def build_photo_detector(settings: Settings, vision: Vision) -> PhotoDetector:
    """Return what finds the faces of photos that an owner names; the detector of live frames if that is fine enough."""
    width, detector = settings.detector.width, vision.detector
    if width < LEAST_PX:
        width, detector = LEAST_PX, _detector(settings, vision.network.runtime, LEAST_PX)
    return PhotoDetector(detector, width)


def _detector(settings: Settings, runtime: str, width: int) -> Detector:
    model = settings.model
    count = threads.chosen(model.threads, runtime)
    return Detector(bundled.detector(runtime), width, settings.detector.min_score, model.runtime, count)


def build_search(settings: Settings, detector: Detector, machine: Machine, *, live: bool) -> Search:
    """Return what finds faces; of a recorded source every frame is searched, so that two replays agree."""
    throttle = Throttle(settings.health.max_cpu_c, machine.cpu_c) if live else None
    masks = build_masks(settings)
    motion = Motion(masks) if live and settings.detector.motion else None
    tracked = TrackedSearch(masks) if live and settings.detector.track else None
    return Search(detector, motion, throttle, tracked, masks)


def build_masks(settings: Settings) -> Masks:
    """Return the parts of the view that are not looked at."""
    return Masks([Box(*mask) for mask in settings.camera.masks])


def build_sidecar(settings: Settings) -> Sidecar:
    """Return the sidecar of the network that the settings name, without loading the network."""
    return load_sidecar(network_path(settings).with_suffix(".json"))


def network_path(settings: Settings) -> Path:
    """Return the path of the network that the settings name, or of the one that ships with the program."""
    return settings.model.path or bundled.path(bundled.NETWORK)


def wanted_heads(settings: Settings) -> list[str]:
    """Return the heads to run: those that are published, and the identity head where it decides."""
    published: list[str] = [task for task in settings.publish.tasks if task != "identity"]
    return [*published, "identity"] if settings.people.source == "head" else published


def event_labels(settings: Settings, sidecar: Sidecar) -> dict[str, tuple[str, ...]]:
    """Return the labels of the heads that events carry."""
    return {head: sidecar.heads.labels(head) for head in settings.publish.tasks if head != "identity"}
