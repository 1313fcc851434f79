"""Settings -> the inbox: the faces of recent visits, and what an owner decides about them."""

from collections.abc import Callable, Sequence

from node.assembly.vision import build_masks
from node.clock import BootClock, Clock
from node.domain import Vector
from node.people.corrections import Corrections
from node.people.gallery import Gallery
from node.people.likeness import Nearest, nearest
from node.people.live_gallery import LiveGallery
from node.people.matcher import GalleryMatcher, Matcher
from node.people.reembedding import Embed
from node.requests.corrections import CorrectionRequests
from node.requests.review import ReviewRequests
from node.review.actions import ReviewActions
from node.review.collector import Collector
from node.review.files import ReviewFiles
from node.review.grouping import Compare
from node.review.inbox import Keeping, ReviewInbox
from node.settings import Settings
from node.vision.jpeg import portrait_jpeg
from node.vision.sidecar import Sidecar

_SAME_STRANGER_FPIR = 0.01


def same_person(sidecar: Sidecar) -> float:
    """Return the least score at which two faces count as one person's: where 1 % of strangers would be mistaken."""
    return sidecar.thresholds.cosine(_SAME_STRANGER_FPIR, 1)


def build_collector(
    settings: Settings,
    sidecar: Sidecar,
    clock: Clock,
    boots: BootClock,
    faces: Callable[[str], Sequence[Vector]] = lambda _: (),
) -> Collector:
    """Return what gathers the faces of visits, with what is on the disk.

    Args:
        settings: all of them.
        sidecar: of the network.
        clock: the time.
        boots: says which boot of the machine this is.
        faces: returns the embeddings of the faces of a person.
    """
    keeping = Keeping(
        days=settings.review.keep_days,
        pictures=settings.page.door != "off",
        space=sidecar.heads.embedding.space,
        same=same_person(sidecar),
    )
    inbox = ReviewInbox(keeping, ReviewFiles(settings.storage.dir), clock, boots, faces)
    inbox.load()
    masks = build_masks(settings)
    return Collector(inbox, lambda image, box: portrait_jpeg(image, box, masks))


def build_review_actions(settings: Settings, collector: Collector, gallery: Gallery, embed: Embed) -> ReviewActions:
    """Return what lists the inbox and decides about its entries."""
    return ReviewActions(collector, gallery, keep_crops=settings.people.keep_crops, embed=embed)


def build_review_requests(
    settings: Settings, collector: Collector, stored: Gallery, gallery: LiveGallery, embed: Embed
) -> tuple[CorrectionRequests, ReviewRequests]:
    """Return what carries out requests that correct people, and those about the inbox."""
    actions = build_review_actions(settings, collector, stored, embed)
    corrections = CorrectionRequests(
        Corrections(stored),
        stored.changes,
        changed=gallery.invalidate,
        undone=lambda action: actions.restore(action.entries),
    )
    review = ReviewRequests(actions, lambda: build_compare(gallery.matcher), changed=gallery.invalidate)
    return corrections, review


def build_compare(matcher: Matcher) -> Compare:
    """Return what returns the person who is nearest to a face; nobody where the network's closed set decides."""
    if not isinstance(matcher, GalleryMatcher):
        return lambda _: None

    def compare(embedding: Vector) -> Nearest | None:
        return nearest(matcher, embedding)

    return compare
