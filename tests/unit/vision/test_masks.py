"""Masks: which faces, which motion and which pixels are not looked at."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from makers import face, instant

from node.camera.image_file import read_image
from node.domain import Box, Face, Frame, Image, Tick, Track
from node.system import bundled
from node.vision.detector import Detector
from node.vision.jpeg import face_jpeg, frame_jpeg, portrait_jpeg
from node.vision.masks import NO_MASKS, Masks
from node.vision.motion import Motion
from node.vision.search import Search
from node.vision.tflite import find_runtime
from node.vision.tracked_search import TrackedSearch

LEFT_HALF = Box(0.0, 0.0, 0.5, 1.0)
IMAGE = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)

FPS = 10

part_of_view = st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))


def patched(left: int, light: int, seed: int = 0) -> Image:
    """Return a room with sensor noise of three gray levels, and a patch as large as a face at a place."""
    image = (100 + np.random.default_rng(seed).normal(0, 3, (480, 640, 3))).astype(np.uint8)
    image[60:140, left : left + 60] = light
    return image


@pytest.mark.parametrize(
    ("left", "masked"), [(0.0, True), (0.39, True), (0.4, True), (0.401, False), (0.6, False), (-0.09, True)]
)
def test_a_face_is_masked_when_its_middle_lies_inside(left: float, *, masked: bool) -> None:
    """The edge belongs to the mask. Somebody who only leans into it is still seen."""
    somebody = face(left=left, size=0.2)
    assert Masks([LEFT_HALF]).visible([somebody]) == (() if masked else (somebody,))


def test_the_other_faces_stay_in_their_order() -> None:
    """The largest comes first, as the detector returns them."""
    faces = [face(left=0.6, size=0.3), face(left=0.1), face(left=0.8, size=0.1)]
    assert Masks([LEFT_HALF, Box(0.9, 0.9, 0.1, 0.1)]).visible(faces) == (faces[0], faces[2])
    assert NO_MASKS.visible(faces) == tuple(faces)


@given(st.lists(part_of_view, max_size=4), st.integers(1, 9), st.integers(1, 9))
def test_a_cell_is_masked_only_if_all_of_it_lies_inside(
    parts: list[tuple[float, float, float, float]], rows: int, columns: int
) -> None:
    """Half of a cell may show somebody who is not masked. To a millionth of a cell."""
    masks = [Box(*part) for part in parts]
    cells = Masks(masks).open_cells(rows, columns)
    if not masks:
        assert cells is None
        return
    assert cells is not None
    for row, column in np.ndindex(rows, columns):
        cell = Box(column / columns, row / rows, 1 / columns, 1 / rows)
        inside = any(_within(mask, cell, 1e-9) for mask in masks)
        nearly = any(_within(mask, cell, 1e-5) for mask in masks)
        assert inside <= (not cells[row, column]) <= nearly


def _within(mask: Box, cell: Box, room: float) -> bool:
    return (
        mask.left <= cell.left + room
        and mask.top <= cell.top + room
        and mask.left + mask.width >= cell.left + cell.width - room
        and mask.top + mask.height >= cell.top + cell.height - room
    )


def test_motion_inside_a_mask_is_no_reason_to_search() -> None:
    """A television would have every frame searched; somebody beside it still does."""
    masks = Masks([Box(0.0, 0.0, 0.4, 1.0)])

    def searched(left: int) -> int:
        """Return how many of 4 s of frames are searched from the 4th second on, while something moves at a place."""
        motion, count = Motion(masks), 0
        for number in range(8 * FPS):
            shown = Frame(patched(left + (number % 5) * 9, 20 + 90 * (number % 3), number))
            looked = motion.needs_search(instant(number / FPS), shown, anyone_in_view=False)
            count += looked and number >= 4 * FPS
        return count

    assert searched(20) == 4  # once a second all the same
    assert searched(400) == 4 * FPS


def test_motion_inside_a_mask_is_no_new_face_beside_somebody() -> None:
    """While somebody is followed, what moves in a mask has nothing searched everywhere."""

    def everywhere(masks: Masks) -> int:
        tracked, count = TrackedSearch(masks), 0
        tracks: tuple[Track, ...] = ()
        her = face(0.65, 0.45, 0.1)
        for number in range(20):
            image = patched(10 + (number % 3) * 65, 250)
            at = instant(number / FPS)
            regions = tracked.regions(at, Frame(image), tracks, (480, 640))
            found = tracked.faces([(her,)]) if regions else None
            if found is None:
                count += 1
                tracked.searched_everywhere(at, Frame(image), (her,))
            tracks = (Track(1, her, at, at),)
        return count

    assert everywhere(Masks([Box(0.0, 0.0, 0.4, 1.0)])) == 4  # every fifth frame all the same
    assert everywhere(NO_MASKS) >= 8


@pytest.fixture(scope="module")
def detector() -> Detector:
    """Return the detector that ships."""
    return Detector(bundled.detector(find_runtime("auto")[0]))


@pytest.mark.parametrize("tracked", [False, True])
def test_a_search_returns_nobody_who_is_masked(detector: Detector, media_dir: Path, *, tracked: bool) -> None:
    """Two people in view and one behind a mask: only the other is found, frame for frame, in regions too."""
    portrait = np.zeros((480, 640, 3), np.uint8)
    for name, left in (("astronaut", 0), ("grace_hopper", 320)):
        picture = _scaled(media_dir / f"{name}.jpg")
        portrait[: picture.shape[0], left : left + picture.shape[1]] = picture
    masks = Masks([LEFT_HALF])
    search = Search(detector, tracked=TrackedSearch(masks) if tracked else None, masks=masks)
    tracks: tuple[Track, ...] = ()
    for number in range(8):
        at = instant(number / FPS)
        found = search.faces(Tick(at, Frame(portrait)), tracks).faces
        assert found is not None
        assert [each.box.centre[0] > 0.5 for each in found] == [True]
        tracks = (Track(1, found[0], at, at),)
    assert len(Search(detector).faces(Tick(instant(0), Frame(portrait)), ()).faces or ()) == 2


def _scaled(path: Path) -> Image:
    image = read_image(path)
    scaled: Image = cv2.resize(image, (320, round(320 * image.shape[0] / image.shape[1]))).astype(np.uint8)
    return scaled[:480]


def test_no_picture_that_leaves_the_loop_shows_what_is_masked() -> None:
    """The pixels are gray in a whole frame and around a face; the frame itself stays as it is."""
    masks, before = Masks([Box(0.25, 0.5, 0.25, 0.5)]), IMAGE.copy()
    shown = masks.covered(IMAGE)
    assert (shown[60:, 40:80] == 127).all()
    shown[60:, 40:80] = IMAGE[60:, 40:80]
    assert np.array_equal(shown, IMAGE)
    part = masks.covered(IMAGE, (slice(50, 100), slice(70, 100)))
    assert (part[10:, :10] == 127).all()
    assert np.array_equal(part[:10], IMAGE[50:60, 70:100])
    assert np.array_equal(part[:, 10:], IMAGE[50:100, 80:100])
    assert np.array_equal(IMAGE, before)
    everything = Masks([Box(0, 0, 1, 1)])
    pictures: Sequence[Callable[[Masks], bytes]] = (
        lambda given: frame_jpeg(IMAGE, masks=given),
        lambda given: face_jpeg(IMAGE, Box(0.4, 0.4, 0.2, 0.2), masks=given),
        lambda given: portrait_jpeg(IMAGE, Box(0.4, 0.4, 0.2, 0.2), given),
    )
    for picture in pictures:
        assert _spread(picture(everything)) < 2
        assert _spread(picture(NO_MASKS)) > 20


def _spread(content: bytes) -> float:
    decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    return float(decoded.std())


def test_a_still_shows_where_the_masks_are_and_what_is_beneath() -> None:
    """The rest is as it was; inside it is darker, but no even color."""
    masks = Masks([Box(0.25, 0.5, 0.5, 0.5)])
    drawn, before = masks.drawn(IMAGE), IMAGE.copy()
    inside = drawn[70:110, 50:110]
    assert np.array_equal(drawn[:60], IMAGE[:60])
    assert inside.mean() < 0.7 * IMAGE[70:110, 50:110].mean()
    assert inside.std() > 20
    assert np.array_equal(IMAGE, before)
    assert np.array_equal(NO_MASKS.drawn(IMAGE), IMAGE)


def test_masks_cost_no_time() -> None:
    """The most masks, and ten faces: less than half a millisecond of processor time a frame. A search takes several."""
    masks = Masks([Box(number / 40, 0.5, 0.02, 0.4) for number in range(32)])
    faces: list[Face] = [face(left=number / 12, size=0.08) for number in range(10)]
    taken_ms = []
    for _ in range(10):
        began_s = time.thread_time()
        for _ in range(100):
            masks.visible(faces)
            masks.open_cells(48, 64)
        taken_ms.append((time.thread_time() - began_s) * 1e3 / 100)
    assert min(taken_ms) < 0.5
