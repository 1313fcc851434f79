"""Settings -> the gallery of a node, what decides about identity, and what erases people."""

import logging
from collections.abc import Callable, Sequence

from node.assembly.review import same_person
from node.assembly.vision import build_sidecar, network_path
from node.clock import BootClock, Clock, SystemClock
from node.durations.file import DurationsFile
from node.errors import ModelError
from node.outbox.outbox import Outbox
from node.people.crop import fitted
from node.people.enrolment import Enrollee, people_with
from node.people.erasure import Erasure
from node.people.gallery import Gallery
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
    if settings.people.source == "head":
        return Scoring.of(sidecar, None)
    scoring = read_scoring(settings, sidecar)
    if scoring.cohort is None:
        _log.warning(
            "network: %s has no cohort: the cosine alone decides about names, so strangers of some groups and children "
            "are called by a name more often than people.max_fpir says",
            sidecar.name,
        )
    return scoring


def read_scoring(settings: Settings, sidecar: Sidecar) -> Scoring:
    """Return how the embeddings of a network are compared, without a word about it.

    Raises:
        ModelError: the network's cohort is missing or damaged.
    """
    return Scoring.of(sidecar, load_cohort(network_path(settings), sidecar))


def build_gallery(
    settings: Settings, scoring: Scoring | None = None, clock: Clock | None = None, boots: BootClock | None = None
) -> Gallery:
    """Return the gallery of this node; with the scoring, one that refuses embeddings of a wrong length."""
    head = scoring.head if scoring else None
    lengths = {head.space: head.length} if head else {}
    return Gallery(settings.storage.dir / "people", lengths, _build_undo_log(settings, clock, boots), scoring)


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
    traces = ReviewTraces(ReviewFiles(folder), store.faces, lambda: _least_alike(settings))
    return Erasure(store, outbox, forget, (DurationsFile(folder), _build_undo_log(settings), traces))


def _least_alike(settings: Settings) -> float:
    """Return the score from which on two faces may be of one person; without a readable network, any two may."""
    try:
        return same_person(build_sidecar(settings))
    except ModelError:
        return -1.0
