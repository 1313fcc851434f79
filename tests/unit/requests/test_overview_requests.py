"""What is answered about everybody: how surely they are recognized, and what would help."""

import json
from pathlib import Path
from typing import Any

from makers import START, instant
from samples import sample

from node.contract.payloads import timestamp
from node.people.corrections import Corrections
from node.people.gallery import Gallery
from node.people.likeness import Comparison
from node.requests.answer import Answer
from node.requests.local_request import ListPhotos, ShowOverview
from node.requests.overview import OverviewRequests


def overview_requests(gallery: Gallery, naming: Comparison | None) -> OverviewRequests:
    """Return what answers about these people, of whom Ada was seen at `START`."""
    compare = None if naming is None else lambda _: naming
    seen = {"ada": instant(0)}
    return OverviewRequests(gallery.load, Corrections(gallery), compare, last_seen=seen, traces=lambda _: ())


def answered(handle: Any, request: object) -> list[dict[str, Any]]:  # noqa: ANN401 - any handler
    """Return the data of an answer."""
    answers: list[bytes] = []
    handle(request, instant(0), Answer("local", answers.append))
    return list(json.loads(answers[0])["data"])


def test_everybody_is_listed_with_what_would_help_them(tmp_path: Path) -> None:
    """Two photos that are alike are one view of three that are wanted; one of a stranger to them is weak."""
    gallery = Gallery(tmp_path)
    gallery.add("ada", "Ada", "s", [sample(1, 0, 0), sample(0.99, 0.1, 0)])
    gallery.add("bob", "Bob", "s", [sample(0, 1, 0), sample(0, 0, 1)])
    requests = overview_requests(gallery, Comparison("s", 3, 0.5))
    ada, bob = answered(requests.people, ShowOverview())
    assert (ada["recognized"], ada["comparable"], ada["more"], ada["childlike"]) == (2, 2, 2, False)
    assert ada["last_seen"] == timestamp(START)
    assert (bob["recognized"], bob["comparable"], bob["last_seen"]) == (0, 2, None)
    assert bob["more"] >= 1
    assert [photo["weak"] for photo in answered(requests.photos, ListPhotos("bob"))] == [True, True]


def test_where_the_closed_set_decides_nothing_is_said_about_photos(tmp_path: Path) -> None:
    """The people are listed all the same."""
    gallery = Gallery(tmp_path)
    gallery.add("ada", "Ada", "s", [sample(1, 0, 0)])
    (ada,) = answered(overview_requests(gallery, None).people, ShowOverview())
    assert (ada["name"], ada["recognized"], ada["comparable"], ada["more"]) == ("Ada", None, None, None)
