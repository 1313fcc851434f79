"""Search around tracks: when a frame is searched in regions, and when everywhere."""

from collections.abc import Sequence

import numpy as np
import pytest
from makers import face, instant

from node.domain import Face, Frame, Image, Track
from node.vision.regions import Region
from node.vision.tracked_search import TrackedSearch

SIZE = (480, 640)
FPS = 10
EVERY, PAUSE = 5, 4
HER = face(0.45, 0.45, 0.1)


class Viewer:
    """A search of frames in which everybody is found; it records which frames were searched everywhere.

    Args:
        fps: frames a second.
    """

    def __init__(self, fps: float = FPS) -> None:
        self._tracked, self._fps = TrackedSearch(), fps
        self._tracks: tuple[Track, ...] = ()
        self._number = 0
        self.everywhere: list[bool] = []

    def show(self, image: Image, faces: Sequence[Face] = (HER,), *, found: bool = True) -> None:
        """Search a frame that shows these faces; whether regions show them."""
        at, frame = instant(self._number / self._fps), Frame(image)
        regions = self._tracked.regions(at, frame, self._tracks, SIZE)
        seen = self._tracked.faces([faces if found else (), *[()] * (len(regions) - 1)]) if regions else None
        if seen is None:
            self._tracked.searched_everywhere(at, frame, faces)
            seen = tuple(faces)
        self.everywhere.append(not regions or not found)
        self._tracks = tuple(Track(number, each, at, at) for number, each in enumerate(seen))
        self._number += 1


def room(seed: int = 0) -> Image:
    """Return an empty room with sensor noise of three gray levels."""
    noisy: Image = (90 + np.random.default_rng(seed).normal(0, 3, (*SIZE, 3))).astype(np.uint8)
    return noisy


def patched(left: int, top: int, light: int = 200, seed: int = 0) -> Image:
    """Return the room with a bright patch of 40 pixels."""
    image = room(seed)
    image[top : top + 40, left : left + 40] = light
    return image


def test_a_still_view_is_searched_everywhere_in_every_fifth_frame() -> None:
    """Sensor noise is no motion."""
    viewer = Viewer()
    for number in range(16):
        viewer.show(room(number))
    assert viewer.everywhere == [number % EVERY == 0 for number in range(16)]


@pytest.mark.parametrize(("fps", "every"), [(1, 1), (2, 1), (4, 2), (6, 3)])
def test_a_slow_camera_is_searched_everywhere_twice_a_second(fps: float, every: int) -> None:
    """However few frames that are."""
    viewer = Viewer(fps)
    for number in range(8):
        viewer.show(room(number))
    assert viewer.everywhere == [number % every == 0 for number in range(8)]


@pytest.mark.parametrize("appears", range(1, 11))
def test_something_new_outside_waits_for_one_frame_at_most(appears: int) -> None:
    """In whichever frame it appears."""
    viewer = Viewer()
    for number in range(appears + 2):
        viewer.show(patched(40, 40, seed=number) if number >= appears else room(number))
    assert any(viewer.everywhere[appears:])


def test_while_much_moves_every_other_frame_is_searched_everywhere() -> None:
    """Never all of them: that would be as if nobody was followed."""
    viewer = Viewer()
    for number in range(12):
        viewer.show(patched(50 * number, 10))
    assert viewer.everywhere == [number % 2 == 0 for number in range(12)]


def test_motion_inside_a_region_is_no_reason() -> None:
    """A face moves: it is found there."""
    viewer = Viewer()
    for number in range(10):
        viewer.show(patched(300 + number % 2 * 20, 230, 60 + 20 * number))
    assert viewer.everywhere == [number % EVERY == 0 for number in range(10)]


def test_a_brighter_lamp_is_no_reason() -> None:
    """It brightens every cell alike, and what a region covers does not count among them."""
    viewer = Viewer()
    for number in range(10):
        viewer.show((room(number) * (1 + 0.02 * number)).astype(np.uint8))
    assert viewer.everywhere == [number % EVERY == 0 for number in range(10)]


def test_a_slow_fade_outside_adds_up() -> None:
    """A change of a few gray levels a frame is compared with the frame last searched everywhere."""
    viewer = Viewer()
    for number in range(5):
        viewer.show(patched(40, 40, 90 + 6 * number))
    assert viewer.everywhere == [True, False, False, False, True]


def test_after_a_missing_face_some_frames_are_searched_everywhere() -> None:
    """The frame itself, and the next four: it may be missing again, and to search twice costs more than once."""
    viewer = Viewer()
    viewer.show(room())
    viewer.show(room(), found=False)
    for _ in range(PAUSE + 1):
        viewer.show(room())
    assert viewer.everywhere == [True, True, *[True] * PAUSE, False]


@pytest.mark.parametrize("faces", [(), (face(0.2, 0.2, 0.6),)], ids=["nobody", "a large face"])
def test_without_regions_every_frame_is_searched_everywhere(faces: tuple[Face, ...]) -> None:
    """Also when somebody was in view before."""
    viewer = Viewer()
    viewer.show(room())
    for _ in range(2 * EVERY):
        viewer.show(room(), faces, found=False)
    assert all(viewer.everywhere)


def test_a_region_moves_ahead_with_its_face() -> None:
    """A face of 640 pixels a second is expected 64 pixels further after a tenth of one."""
    lefts = []
    for speed in (0.0, 1.0):
        (region,) = regions_around(Track(1, HER, instant(0), instant(0), speed=(speed, 0.0)))
        lefts.append(region.left)
    assert lefts[1] - lefts[0] == 64


def test_a_track_that_was_not_seen_in_the_last_search_has_no_region() -> None:
    """It is hidden or gone; the one in view keeps its region."""
    hidden = Track(2, face(0.05, 0.05, 0.1), instant(-1), instant(-0.1))
    (region,) = regions_around(Track(1, HER, instant(0), instant(0)), hidden)
    assert region.left > 200


def regions_around(*tracks: Track) -> Sequence[Region]:
    """Return where the second frame is searched."""
    tracked, frame = TrackedSearch(), Frame(room())
    tracked.regions(instant(0), frame, (), SIZE)
    tracked.searched_everywhere(instant(0), frame, (HER,))
    return tracked.regions(instant(0.1), frame, tracks, SIZE)


def test_after_a_change_of_the_frames_size_everywhere_is_searched() -> None:
    """The light of the two cannot be compared."""
    tracked = TrackedSearch()
    tracked.regions(instant(0), Frame(room()), (), SIZE)
    tracked.searched_everywhere(instant(0), Frame(room()), (HER,))
    regions = tracked.regions(instant(0.1), Frame(room()), (Track(1, HER, instant(0), instant(0)),), SIZE)
    assert tracked.faces([(HER,)] * len(regions))
    seen = (Track(1, HER, instant(0), instant(0.1)),)
    assert not tracked.regions(instant(0.2), Frame(room()[::2]), seen, (240, 640))
