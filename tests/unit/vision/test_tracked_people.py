"""Search around tracks with the detector that ships: nobody is lost, nobody waits, and embeddings stay the same."""

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
from composed_scene import Looks, Person, cast, frames, standing
from makers import instant
from tracked_search_speed import Comparison, CountingDetector, compare

from node.assembly import Vision, build_search, build_vision
from node.camera.image_file import read_image
from node.camera.video import read_video
from node.domain import Frame, Image, Tick
from node.events.tracker import Tracker
from node.settings import Settings
from node.system import bundled
from node.system.machine import Machine
from node.vision.detector import Detector
from node.vision.regions import Region

LEAST_COSINE = 0.99
"""Least median cosine between the embeddings of a face found in a region and by a search of the whole frame."""

LEAST_COUNT = 40
"""Embeddings from which their median is judged: that of a few frames of one face is chance."""

MOST_DELAY = 1
"""Frames that a new face may wait."""


@pytest.fixture(scope="module")
def settings() -> Settings:
    """Return settings with one thread."""
    return Settings.model_validate({"model": {"threads": 1}})


@pytest.fixture(scope="module")
def vision(settings: Settings) -> Vision:
    """Return detector, recognizer and network as they ship."""
    return build_vision(settings, ())


@pytest.fixture(scope="module")
def people(media_dir: Path) -> list[Looks]:
    """Return seven people with faces of 60 pixels."""
    return cast(media_dir, 60)


def assert_same_embeddings(found: Comparison) -> None:
    """Assert that the median cosine is good, where there are enough of them."""
    assert len(found.cosines) < LEAST_COUNT or float(np.median(found.cosines)) >= LEAST_COSINE


def assert_as_good(found: Comparison) -> None:
    """Assert that no face was lost for longer than a frame, and that embeddings are the same."""
    assert found.faces > 0
    assert None not in found.delays
    waited = [delay for delay in found.delays if delay is not None]
    assert max(waited) <= MOST_DELAY
    assert found.lost <= sum(waited)
    assert found.everywhere < found.frames / 2
    assert_same_embeddings(found)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_people_who_stand_are_followed(settings: Settings, vision: Vision, people: list[Looks], count: int) -> None:
    """They sway by a few pixels, and the man of the clip talks."""
    found = compare(frames(standing(people[:count]), 30), settings, vision)
    assert_as_good(found)
    assert found.faces == 30 * count
    assert found.extra == 0


def test_people_who_walk_are_followed(settings: Settings, vision: Vision, people: list[Looks]) -> None:
    """By 50 pixels a second and more."""
    walking = [
        Person(looks, (60, 90 + 130 * row), step=(5.0 + row, 0.0)) for row, looks in zip(range(3), people, strict=False)
    ]
    assert_as_good(compare(frames(walking, 30), settings, vision))


@pytest.mark.parametrize("count", [1, 2, 5])
def test_new_people_wait_for_one_frame_at_most(
    settings: Settings, vision: Vision, people: list[Looks], count: int
) -> None:
    """They appear one after the other, beside somebody who is followed."""
    scene = standing(people[: count + 1], enter=[6 + 3 * number for number in range(count)])
    found = compare(frames(scene, 27), settings, vision)
    assert_as_good(found)
    assert len(found.delays) == count + 1


def test_embeddings_are_those_of_whole_searches(settings: Settings, vision: Vision, people: list[Looks]) -> None:
    """Of three people who sway, and of one alone: the median, and less strictly the lowest twentieth."""
    several, one = (
        compare(frames(standing(people[:count], 6.0), 20 * 4 // count), settings, vision) for count in (3, 1)
    )
    cosines = [*several.cosines, *one.cosines]
    assert len(cosines) > 2 * LEAST_COUNT
    assert float(np.median(cosines)) >= LEAST_COSINE
    assert float(np.percentile(cosines, 5)) >= 0.9


@pytest.mark.parametrize("count", [1, 2, 5])
def test_people_who_walk_into_view_wait_for_one_frame_at_most(
    settings: Settings, vision: Vision, people: list[Looks], count: int
) -> None:
    """From beyond the left edge, a row each, some in front of others."""
    entering = [
        Person(looks, (-40, 60 + 80 * row), step=(12.0, 0.0), enters=3 + 3 * row)
        for row, looks in enumerate(people[1 : count + 1])
    ]
    found = compare(frames([*entering, Person(people[0], (560, 240), sway=3)], 27), settings, vision)
    assert None not in found.delays
    assert max(delay for delay in found.delays if delay is not None) <= MOST_DELAY
    assert_same_embeddings(found)


@pytest.mark.data
@pytest.mark.parametrize("halved", [False, True])
@pytest.mark.parametrize("name", ["single_face.mp4", "WolfgangLanger_Pexels.mp4"])
def test_no_face_of_a_clip_is_lost(
    settings: Settings, vision: Vision, data_dir: Path, name: str, *, halved: bool
) -> None:
    """As it is, with a face too large for regions, and at half the size."""
    shown = itertools.islice(read_video(data_dir / "media" / name), 0, 96, 3)
    found = compare((np.ascontiguousarray(image[::2, ::2]) if halved else image for image in shown), settings, vision)
    assert found.faces == found.frames
    assert (found.lost, found.extra) == (0, 0)
    assert_same_embeddings(found)


def test_no_face_of_the_clip_that_ships_is_lost(settings: Settings, vision: Vision, media_dir: Path) -> None:
    """Its frames are hardly larger than a region."""
    found = compare(itertools.islice(read_video(media_dir / "carphone.mp4"), 0, 120, 4), settings, vision)
    assert (found.faces, found.lost, found.extra) == (30, 0, 0)


def test_a_region_is_searched_as_a_picture_of_its_own(settings: Settings, people: list[Looks]) -> None:
    """With the faces at their places in the frame, within 1e-3 pixels; also at its far edges and in a reduced frame."""
    detector = Detector(bundled.detector(build_vision(settings, ()).network.runtime))
    (image,) = frames([Person(people[1], (340, 300))], 1)
    image, corner = image[:410], np.array((224, 192))  # the region goes on below the picture
    (alone,) = detector.detect(Frame(np.ascontiguousarray(image[192:, 224:448])))
    for frame in (Frame(image), Frame(image.repeat(2, axis=0).repeat(2, axis=1))):
        ((found,),) = detector.detect_in(frame, [Region(224, 192, 224)])
        places = np.array(found.keypoints) * (640, 410)
        assert places == pytest.approx(np.array(alone.keypoints) * (224, 218) + corner, abs=1e-3)
        assert found.box.width * 640 == pytest.approx(alone.box.width * 224, abs=1e-3)


def everywhere(images: Iterable[Image], settings: Settings, *, live: bool) -> Sequence[bool]:
    """Return which frames a node's search searches everywhere."""
    detector = CountingDetector(bundled.detector(build_vision(settings, ()).network.runtime))
    search, tracker = build_search(settings, detector, Machine(), live=live), Tracker(settings.events)
    counts = [0]
    for number, image in enumerate(images):
        at = instant(number / 10)
        tracker.update(at, search.faces(Tick(at, Frame(image)), tracker.tracks).faces or ())
        counts.append(detector.count)
    return [after > before for before, after in itertools.pairwise(counts)]


@pytest.mark.parametrize(
    ("track", "live", "expected"),
    [(True, True, 2), (False, True, 10), (True, False, 10)],
    ids=["live", "turned off", "recorded"],
)
def test_every_frame_is_searched_whole_where_it_is_turned_off_or_recorded(
    people: list[Looks], *, track: bool, live: bool, expected: int
) -> None:
    """`detector.track`, and a recorded source, so that two replays agree."""
    settings = Settings.model_validate({"model": {"threads": 1}, "detector": {"track": track}})
    assert sum(everywhere(frames(standing(people[:2]), 10), settings, live=live)) == expected


def test_a_photo_is_searched_whole(settings: Settings) -> None:
    """Whatever was searched before."""
    detector = Detector(bundled.detector(build_vision(settings, ()).network.runtime))
    frame = Frame(read_image(bundled.path("media/astronaut.jpg")))
    before = detector.detect(frame)
    detector.detect_in(frame, [Region(0, 0, 96)])
    assert detector.detect(frame) == before
