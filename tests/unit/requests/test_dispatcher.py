"""Each request goes to its handler, by one table that covers every verb."""

import json
from pathlib import Path
from typing import Any, get_args

from makers import instant
from review_scene import ReviewScene, embed

from node.contract.topics import Topics
from node.domain import Instant
from node.errors import PeopleError
from node.people.corrections import Corrections
from node.people.enrolment import Enrollee
from node.people.erasure import Erasure
from node.people.gallery import Gallery
from node.people.likeness import Comparison
from node.people.matcher import GalleryMatcher
from node.requests.answer import Answer
from node.requests.corrections import CorrectionRequests
from node.requests.dispatcher import Dispatcher, handlers
from node.requests.inbox import Inbox
from node.requests.overview import OverviewRequests
from node.requests.people import PeopleRequests
from node.requests.recent_faces import RecentFaces
from node.requests.request import TYPES, Check, Request
from node.requests.review import ReviewRequests
from node.requests.snapshots import Snapshots
from node.requests.stills import Stills
from node.requests.switches import SwitchRequests
from node.requests.verb import Verb
from node.review.actions import ReviewActions
from node.vision.masks import NO_MASKS


def check(request: Check, at: Instant, answer: Answer) -> None:
    """Answer at once."""
    del request, at
    answer.ok({"camera": "ok"})


def test_the_table_covers_every_verb_exactly(tmp_path: Path) -> None:
    """A verb without a handler, or a handler without a verb, is a mistake that no request may have to find."""
    gallery = Gallery(tmp_path)
    people = PeopleRequests(
        gallery,
        RecentFaces(),
        "s",
        enrollee=lambda person, _: Enrollee(person, GalleryMatcher((), "s", 0.5)),
        keep_crops=True,
        changed=lambda: None,
        erase=lambda _: None,
    )
    corrections = CorrectionRequests(Corrections(gallery), gallery.changes, changed=lambda: None)
    actions = ReviewActions(ReviewScene(tmp_path).collector, gallery, keep_crops=True, embed=embed)
    review = ReviewRequests(actions, lambda: lambda _: None, changed=lambda: None)
    snapshots = Snapshots("off", Topics("pi-1"), lambda _message: True, expire_s=60)
    table = handlers(
        check,
        switches=SwitchRequests(tmp_path, instant(0)),
        people=people,
        corrections=corrections,
        overview=OverviewRequests(
            gallery.load,
            Corrections(gallery),
            lambda _: Comparison("s", 3, 0.5),
            last_seen={},
            traces=Erasure(gallery.changes.store).traces,
        ),
        review=review,
        snapshots=snapshots,
        stills=Stills(NO_MASKS),
    )
    assert set(table) == set(TYPES.values()) == set(get_args(Request))
    assert [kind.verb for kind in TYPES.values()] == list(TYPES)
    assert set(TYPES) == set(Verb)


def test_each_request_is_answered_and_a_mistake_with_its_reason() -> None:
    """One that fails does not keep the next from being done."""
    answers: list[dict[str, Any]] = []
    inbox = Inbox(Topics("pi-1"), lambda _topic, _payload: None)
    failing = True

    def sometimes(request: Check, at: Instant, answer: Answer) -> None:
        """Fail the first time."""
        nonlocal failing
        if failing:
            failing = False
            raise PeopleError("ada: nobody is enrolled under this id")
        check(request, at, answer)

    for transaction in "ab":
        inbox.put(Check(), Answer(transaction, lambda payload: answers.append(json.loads(payload))))
    Dispatcher(inbox, {Check: sometimes}).dispatch(instant(0))
    assert answers == [
        {"transaction": "a", "status": "error", "error": "ada: nobody is enrolled under this id"},
        {"transaction": "b", "status": "ok", "data": {"camera": "ok"}},
    ]
