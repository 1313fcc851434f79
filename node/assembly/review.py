"""Settings -> the inbox: the faces of recent visits, and what an owner decides about them."""

from collections.abc import Callable, Sequence

from node.assembly.vision import build_masks
from node.clock import BootClock, Clock
from node.domain import Vector
from node.people.corrections import Corrections
from node.people.gallery import Gallery
from node.people.likeness import Comparison, Nearest, nearest, same_person
from node.people.live_gallery import LiveGallery
from node.people.matcher import GalleryMatcher, Matcher
from node.people.person import Anchor
from node.people.reembedding import Embed
from node.people.scoring import Scoring
from node.requests.corrections import CorrectionRequests
from node.requests.review import ReviewRequests
from node.review.actions import ReviewActions
from node.review.collector import Collector
from node.review.files import ReviewFiles
from node.review.grouping import Compare
from node.review.inbox import Keeping, ReviewInbox
from node.settings import Settings
from node.vision.jpeg import portrait_jpeg


def build_collector(
    settings: Settings,
    scoring: Scoring,
    clock: Clock,
    boots: BootClock,
    anchors: Callable[[str], Sequence[Anchor]] = lambda _: (),
) -> Collector:
    """Return what gathers the faces of visits, with what is on the disk.

    Args:
        settings: all of them.
        scoring: how the embeddings of the network are compared.
        clock: the time.
        boots: says which boot of the machine this is.
        anchors: returns those of a person.
    """
    keeping = Keeping(
        days=settings.review.keep_days,
        pictures=settings.page.door != "off",
        same=same_person(scoring),
    )
    inbox = ReviewInbox(keeping, ReviewFiles(settings.storage.dir), clock, boots, anchors)
    inbox.load()
    masks = build_masks(settings)
    return Collector(inbox, lambda image, box: portrait_jpeg(image, box, masks))


def build_review_actions(settings: Settings, collector: Collector, gallery: Gallery, embed: Embed) -> ReviewActions:
    """Return what lists the inbox and decides about its entries."""
    return ReviewActions(collector, gallery, keep_crops=settings.people.keep_crops, embed=embed)


def build_review_requests(  # noqa: PLR0913 - whatever decides about entries
    settings: Settings, scoring: Scoring, collector: Collector, stored: Gallery, *, gallery: LiveGallery, embed: Embed
) -> tuple[CorrectionRequests, ReviewRequests]:
    """Return what carries out requests that correct people, and those about the inbox."""
    actions = build_review_actions(settings, collector, stored, embed)
    corrections = CorrectionRequests(
        Corrections(stored, build_naming(settings, scoring)),
        stored.changes,
        changed=gallery.invalidate,
        undone=lambda action: actions.restore(action.entries),
    )
    review = ReviewRequests(actions, lambda: build_compare(gallery.matcher), changed=gallery.invalidate)
    return corrections, review


def build_naming(settings: Settings, scoring: Scoring) -> Callable[[int], Comparison]:
    """Return what returns how faces that get a name are compared among a number of people."""
    return lambda people: Comparison.of(scoring, settings.people.max_fpir, people)


def build_compare(matcher: Matcher) -> Compare:
    """Return what returns the person who is nearest to a face; nobody where the network's closed set decides."""
    if not isinstance(matcher, GalleryMatcher):
        return lambda _: None

    def compare(embedding: Vector) -> Nearest | None:
        return nearest(matcher, embedding)

    return compare
