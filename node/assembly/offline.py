"""Settings -> what carries out requests about people and the inbox on the files, while no node runs."""

from functools import cache

from node.assembly.people import (
    build_embed,
    build_enrollee,
    build_erasure,
    build_gallery,
    build_matcher,
    build_scoring,
)
from node.assembly.review import build_collector, build_compare, build_naming, build_review_actions
from node.assembly.vision import build_sidecar, build_vision
from node.clock import SystemClock
from node.domain import Image, Vector
from node.errors import PeopleError
from node.people.corrections import Corrections
from node.people.matcher import Matcher
from node.people.reembedding import Embed
from node.requests.corrections import CorrectionRequests
from node.requests.inbox_request import AssignEntries, ClearInbox, ListInbox, ShowEntry
from node.requests.local_request import (
    ListActions,
    ListPhotos,
    MergePeople,
    MovePhoto,
    RemovePhoto,
    ShowOverview,
    ShowPhoto,
    UndoAction,
)
from node.requests.offline import Handler, OfflineRequests
from node.requests.overview import OverviewRequests
from node.requests.people import PeopleRequests
from node.requests.recent_faces import RecentFaces
from node.requests.request import IgnorePerson, ListPeople, RenamePerson, Request
from node.requests.review import ReviewRequests
from node.settings import Settings
from node.system.machine import Machine


def build_offline_requests(settings: Settings) -> OfflineRequests:
    """Return what carries out requests on the files; the network is loaded with the first face that it must embed."""
    clock, machine, sidecar = SystemClock(), Machine(), build_sidecar(settings)
    scoring = build_scoring(settings, sidecar)
    gallery = build_gallery(settings, scoring, clock, machine)
    collector = build_collector(settings, scoring, clock, machine, gallery.changes.store.anchors)
    space, keep_crops = sidecar.heads.embedding.space, settings.people.keep_crops
    actions = build_review_actions(settings, collector, gallery, _late_embed(settings))
    naming = build_naming(settings, scoring)
    corrections = Corrections(gallery, naming)

    def matcher() -> Matcher:
        return build_matcher(settings, sidecar, scoring)

    def erase(person: str) -> None:
        raise PeopleError(f"{person}: only facenode people remove erases somebody while no node runs")

    people = PeopleRequests(
        gallery, RecentFaces(), space, enrollee=build_enrollee(settings, scoring, gallery), keep_crops=keep_crops,
        changed=_nothing, erase=erase,
    )  # fmt: skip
    overview = OverviewRequests(
        gallery.load,
        corrections,
        None if settings.people.source == "head" else naming,
        last_seen={},
        traces=build_erasure(settings, None).traces,
    )
    review = ReviewRequests(actions, lambda: build_compare(matcher()), changed=_nothing)
    changes = CorrectionRequests(
        corrections, gallery.changes, changed=_nothing, undone=lambda action: actions.restore(action.entries)
    )
    table: dict[type[Request], Handler] = {
        ListPeople: people.list,
        IgnorePerson: people.ignore,
        RenamePerson: changes.rename,
        ListPhotos: overview.photos,
        ShowOverview: overview.people,
        ShowPhoto: changes.photo,
        RemovePhoto: changes.remove_photo,
        MovePhoto: changes.move_photo,
        MergePeople: changes.merge,
        ListActions: changes.actions,
        UndoAction: changes.undo,
        ListInbox: review.list,
        ShowEntry: review.show,
        AssignEntries: review.assign,
        ClearInbox: review.clear,
    }
    return OfflineRequests(table, clock.now)


def _late_embed(settings: Settings) -> Embed:
    """Return what embeds a face, and loads the network with the first."""
    embed = cache(lambda: build_embed(build_vision(settings, ()).network))

    def embed_late(crop: Image) -> Vector:
        return embed()(crop)

    return embed_late


def _nothing() -> None:
    """Notify nobody: a node that starts later reads the files."""
