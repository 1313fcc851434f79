"""Settings -> the gallery of a node, what decides about identity, and what erases people."""

import logging
from collections.abc import Callable, Sequence

from node.assembly.vision import build_sidecar, network_path
from node.clock import BootClock, Clock, SystemClock
from node.durations.file import DurationsFile
from node.errors import ModelError
from node.outbox.outbox import Outbox
from node.people.crop import fitted
from node.people.enrolment import Enrollee, people_with
from node.people.erasure import Erasure
from node.people.gallery import Gallery
from node.people.likeness import Comparison, same_person
from node.people.matcher import HeadMatcher, Matcher
from node.people.person import Person
from node.people.reembedding import Embed
from node.people.scoring import Scoring
from node.people.store import Store
from node.people.undo_log import UndoLog
from node.review.files import ReviewFiles, ReviewTraces
from node.settings import Settings
from node.system.machine import Machine
from node.vision.cohort import load_cohort
from node.vision.sidecar import Sidecar
from node.vision.tflite import Network

_log = logging.getLogger(__name__)


def build_scoring(settings: Settings, sidecar: Sidecar) -> Scoring:
    """Return how the embeddings of the network that the settings name are compared.

    A network without a cohort decides by the cosine alone, and a log line says so.

    Raises:
        ModelError: the network's cohort is missing or damaged.
    """
    scoring = read_scoring(settings, sidecar)
    if scoring.cohort is None and settings.people.source == "gallery":
        _log.warning(
            "network: %s has no cohort: the cosine alone decides about names, so strangers of some groups and children "
            "are called by a name more often than people.max_fpir says",
            sidecar.name,
        )
    return scoring


def read_scoring(settings: Settings, sidecar: Sidecar) -> Scoring:
    """Return how the embeddings of a network are compared, without a word about it.

    Where the network's closed set decides, its cohort is not needed.

    Raises:
        ModelError: the network's cohort is missing or damaged.
    """
    if settings.people.source == "head":
        return Scoring.of(sidecar, None)
    return Scoring.of(sidecar, load_cohort(network_path(settings), sidecar))


def build_gallery(
    settings: Settings, scoring: Scoring | None = None, clock: Clock | None = None, boots: BootClock | None = None
) -> Gallery:
    """Return the gallery of this node; with the scoring, one that refuses embeddings of a wrong length."""
    lengths = {scoring.head.space: scoring.head.length} if scoring else {}
    log = _build_undo_log(settings, clock, boots)
    return Gallery(settings.storage.dir / "people", lengths, scoring=scoring, log=log)


def _build_undo_log(settings: Settings, clock: Clock | None = None, boots: BootClock | None = None) -> UndoLog:
    return UndoLog(settings.storage.dir, clock or SystemClock(), boots or Machine())


def build_matcher(
    settings: Settings, sidecar: Sidecar, scoring: Scoring, people: Sequence[Person] | None = None
) -> Matcher:
    """Return what decides about identity: the gallery over these people, or over those on disk, or the closed set.

    Raises:
        ModelError: the network has no identity head, or its thresholds lack the rate that the settings ask for.
    """
    if settings.people.source == "head":
        if sidecar.heads.identity is None:
            raise ModelError(f"{sidecar.name}: people.source = 'head', but the network has no identity head")
        return HeadMatcher(sidecar.heads.identity)
    known = build_gallery(settings, scoring).load() if people is None else people
    return scoring.matcher(known, settings.people.max_fpir)


def build_enrollee(settings: Settings, scoring: Scoring, gallery: Gallery) -> Callable[[str, bool], Enrollee]:
    """Return what returns a person to be enrolled, among everybody who is known at that moment."""

    def enrollee(person: str, force: bool) -> Enrollee:  # noqa: FBT001 - handed over as a plain function
        people = people_with(gallery.load(), person)
        return Enrollee(person, scoring.matcher(people, settings.people.max_fpir), force=force)

    return enrollee


def build_embed(network: Network) -> Embed:
    """Return what embeds a kept crop again, whichever network it was cut for."""
    size = network.sidecar.input.size
    return lambda crop: network.infer(fitted(crop, size))["embedding"]


def build_erasure(settings: Settings, outbox: Outbox | None, forget: Callable[[str], None] = lambda _: None) -> Erasure:
    """Return what erases people of this node: from its files, the outbox where there is one, and memory."""
    folder = settings.storage.dir
    store = Store(folder / "people", {})
    traces = ReviewTraces(ReviewFiles(folder), store.anchors, lambda: _same_person(settings))
    return Erasure(store, outbox, forget, (DurationsFile(folder), _build_undo_log(settings), traces))


def _same_person(settings: Settings) -> Comparison | None:
    """Return how faces that may be of one person are compared; None without a readable network."""
    try:
        return same_person(read_scoring(settings, build_sidecar(settings)))
    except ModelError:
        return None
