"""Settings -> what an owner is shown of a running node: who is known, and what the camera sees."""

from collections.abc import Callable, Mapping

from node.assembly.broker import announced_traces
from node.assembly.review import build_naming
from node.assembly.vision import Vision, build_masks
from node.domain import Instant
from node.people.corrections import Corrections
from node.people.erasure import Erasure
from node.people.gallery import Gallery
from node.people.inspection import Inspector
from node.people.live_gallery import LiveGallery
from node.people.scoring import Scoring
from node.people.trace import Trace, TraceKind
from node.requests.overview import OverviewRequests
from node.requests.stills import Stills
from node.settings import Settings


def build_overview_requests(
    settings: Settings,
    scoring: Scoring,
    stored: Gallery,
    *,
    erasure: Erasure,
    last_seen: Mapping[str, Instant],
) -> OverviewRequests:
    """Return what carries out requests about who is known."""

    def traces(person: str) -> tuple[Trace, ...]:
        found = erasure.traces(person)
        return (*found, Trace(TraceKind.MEMORY), *announced_traces(settings)) if found else ()

    naming = build_naming(settings, scoring)
    shown = None if settings.people.source == "head" else naming
    # Of the disk, since the page's own process has perhaps just written there.
    return OverviewRequests(stored.load, Corrections(stored, naming), shown, last_seen=last_seen, traces=traces)


def build_stills(settings: Settings, vision: Vision, gallery: LiveGallery, recognizing: Callable[[], bool]) -> Stills:
    """Return what shows single frames."""
    masks = build_masks(settings)
    inspector = Inspector(vision.detector, vision.recognizer, lambda: gallery.matcher, masks)
    return Stills(masks, inspector.inspect, recognizing)
