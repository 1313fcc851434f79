"""Settings -> the gallery of a node, what decides about identity, and what erases people."""

from collections.abc import Callable, Sequence

from node.assembly.review import same_person
from node.assembly.vision import build_sidecar
from node.clock import BootClock, Clock, SystemClock
from node.durations.file import DurationsFile
from node.errors import ModelError
from node.outbox.outbox import Outbox
from node.people.crop import fitted
from node.people.enrolment import Enrollee, people_with
from node.people.erasure import Erasure
from node.people.gallery import Gallery
from node.people.matcher import GalleryMatcher, HeadMatcher, Matcher
from node.people.person import Person
from node.people.reembedding import Embed
from node.people.store import Store
from node.people.undo_log import UndoLog
from node.review.files import ReviewFiles, ReviewTraces
from node.settings import Settings
from node.system.machine import Machine
from node.vision.sidecar import Sidecar
from node.vision.tflite import Network


def build_gallery(
    settings: Settings, sidecar: Sidecar | None = None, clock: Clock | None = None, boots: BootClock | None = None
) -> Gallery:
    """Return the gallery of this node; with a sidecar, one that refuses embeddings of a wrong length."""
    head = sidecar.heads.embedding if sidecar else None
    lengths = {head.space: head.length} if head else {}
    return Gallery(settings.storage.dir / "people", lengths, _build_undo_log(settings, clock, boots))


def _build_undo_log(settings: Settings, clock: Clock | None = None, boots: BootClock | None = None) -> UndoLog:
    return UndoLog(settings.storage.dir, clock or SystemClock(), boots or Machine())


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


def build_enrollee(settings: Settings, sidecar: Sidecar, gallery: Gallery) -> Callable[[str, bool], Enrollee]:
    """Return what returns a person to be enrolled, among everybody who is known at that moment."""

    def enrollee(person: str, force: bool) -> Enrollee:  # noqa: FBT001 - handed over as a plain function
        people = people_with(gallery.load(), person)
        return Enrollee(person, build_gallery_matcher(settings, sidecar, people), force=force)

    return enrollee


def build_embed(network: Network) -> Embed:
    """Return what embeds a kept crop again, whichever network it was cut for."""
    size = network.sidecar.input.size
    return lambda crop: network.infer(fitted(crop, size))["embedding"]


def build_erasure(settings: Settings, outbox: Outbox | None, forget: Callable[[str], None] = lambda _: None) -> Erasure:
    """Return what erases people of this node: from its files, the outbox where there is one, and memory."""
    folder = settings.storage.dir
    store = Store(folder / "people", {})
    traces = ReviewTraces(ReviewFiles(folder), store.faces, lambda: _least_alike(settings))
    return Erasure(store, outbox, forget, (DurationsFile(folder), _build_undo_log(settings), traces))


def _least_alike(settings: Settings) -> float:
    """Return the score from which on two faces may be of one person; without a readable network, any two may."""
    try:
        return same_person(build_sidecar(settings))
    except ModelError:
        return -1.0
