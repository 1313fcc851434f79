"""Motion: what moves is searched, light and noise are not motion, and nobody stays hidden."""

import itertools

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from makers import instant

from node.domain import Frame, Image
from node.vision.motion import Light, Motion, differs

ROWS, COLUMNS = 480, 640
FPS = 10
LINGER_S, IDLE_S = 2.0, 1.0

seeds = st.integers(0, 2**16)


def room(seed: int) -> Image:
    """Return an empty room: light and dark areas of 20 to 160 gray levels, without anything small."""
    rough = np.random.default_rng(seed).uniform(20, 160, (5, 7, 1)).repeat(3, axis=2).astype(np.float32)
    smooth: Image = cv2.resize(rough, (COLUMNS, ROWS), interpolation=cv2.INTER_LINEAR).astype(np.uint8)
    return smooth


def noisy(image: Image, seed: int, spread: float) -> Image:
    """Return the image with sensor noise of so many gray levels (standard deviation) in each pixel."""
    noise = np.random.default_rng(seed).standard_normal(image.shape, dtype=np.float32) * np.float32(spread)
    return (image + noise).clip(0, 255).astype(np.uint8)


def lit(image: Image, gain: float, stripes: float = 0.0, phase: int = 0) -> Image:
    """Return the image under other light, with the stripes that a lamp on the mains leaves in a rolling shutter."""
    wave = gain * (1 + stripes * np.sin((np.arange(image.shape[0]) + phase) / 25))[:, np.newaxis, np.newaxis]
    changed: Image = (image * wave).clip(0, 255).astype(np.uint8)
    return changed


def covered(image: Image, left: int, top: int, width: int, factor: float) -> Image:
    """Return the image with a face-shaped patch, so much brighter or darker than what it covers."""
    changed = image.copy()
    part = changed[top : top + width * 5 // 4, left : left + width]
    part[:] = (part * factor).clip(0, 255).astype(np.uint8)
    return changed


def moved(before: Image, after: Image) -> bool:
    """Return whether the images differ."""
    light = Light()
    return differs(light.measure(before).copy(), light.measure(after))


@settings(max_examples=40, deadline=None)
@given(seed=seeds, gain=st.floats(0.85, 1.15), stripes=st.floats(0, 0.1), phase=st.integers(0, 200))
def test_light_and_noise_are_not_motion(seed: int, gain: float, stripes: float, phase: int) -> None:
    """A lamp 15 % brighter or darker, moving stripes of 10 %, and noise of eight gray levels per pixel."""
    empty = room(seed)
    before = noisy(lit(empty, 1.0, stripes), seed + 1, 8)
    after = noisy(lit(empty, gain, stripes, phase), seed + 2, 8)
    assert not moved(before, after)


@settings(max_examples=60, deadline=None)
@given(
    seed=seeds,
    corner=st.tuples(st.integers(0, COLUMNS - 36), st.integers(0, ROWS - 45)),
    width=st.integers(36, 500),
    factor=st.one_of(st.floats(1.5, 3.0), st.floats(0.1, 0.6)),
    gain=st.floats(0.9, 1.1),
)
def test_anything_as_large_as_a_face_that_stands_out_is_motion(
    seed: int, corner: tuple[int, int], width: int, factor: float, gain: float
) -> None:
    """From 36 px, anywhere, 50 % brighter or 40 % darker, also while the light changes."""
    empty = room(seed)
    there = covered(empty, *corner, min(width, COLUMNS * 9 // 10), factor)
    assert moved(noisy(empty, seed + 1, 4), noisy(lit(there, gain), seed + 2, 4))


@settings(max_examples=40, deadline=None)
@given(
    images=st.lists(st.integers(0, 3), min_size=1, max_size=80),
    anyone_in_view=st.sets(st.integers(0, 79), max_size=20),
)
def test_no_frame_waits_longer_than_the_idle_time(images: list[int], anyone_in_view: set[int]) -> None:
    """With somebody in view every frame is searched, and otherwise at least one every second."""
    shown = [Frame(np.full((48, 64, 3), 60 * number, np.uint8)) for number in range(4)]
    motion, searched_s = Motion(), 0.0
    for number, each in enumerate(images):
        at = instant(number / FPS)
        searched = motion.needs_search(at, shown[each], anyone_in_view=number in anyone_in_view)
        assert searched or number not in anyone_in_view
        searched_s = at.mono_s if searched else searched_s
        assert at.mono_s - searched_s < IDLE_S


def test_a_still_room_is_searched_once_a_second() -> None:
    """After the first two seconds, one frame of ten, despite sensor noise and a flickering lamp."""
    empty, motion = room(1), Motion()
    frames = [Frame(noisy(lit(empty, 1 + 0.05 * (n % 2), 0.05, 37 * n), n, 6)) for n in range(60)]
    searched = [
        motion.needs_search(instant(number / FPS), frame, anyone_in_view=False) for number, frame in enumerate(frames)
    ]
    begun = round(LINGER_S * FPS)
    assert all(searched[:begun])
    assert sum(searched[begun:]) == (60 - begun) / FPS / IDLE_S


def test_a_new_person_is_searched_for_at_once_and_for_a_while() -> None:
    """From the first frame that shows something new, for two seconds."""
    empty, motion = room(2), Motion()
    there = Frame(covered(empty, 300, 200, 60, 2.0))
    still = [motion.needs_search(instant(number / FPS), Frame(empty), anyone_in_view=False) for number in range(35)]
    assert not all(still[20:])
    assert all(motion.needs_search(instant(3.5 + number / FPS), there, anyone_in_view=False) for number in range(20))


def test_a_slow_fade_adds_up() -> None:
    """One gray level per frame is no motion between frames, but becomes one against the frame last searched."""
    empty = np.full((ROWS, COLUMNS, 3), 60, np.uint8)
    steps = [covered(empty, 300, 200, 80, 1 + 0.02 * number) for number in range(40)]
    assert not any(moved(before, after) for before, after in itertools.pairwise(steps))
    assert moved(steps[0], steps[-1])


def test_after_somebody_has_left_the_next_frame_is_searched() -> None:
    """The image from before they came is no longer valid."""
    motion, empty = Motion(), Frame(room(3))
    for number in range(40):
        motion.needs_search(instant(number / FPS), empty, anyone_in_view=False)
    assert motion.needs_search(instant(4.0), empty, anyone_in_view=True)
    assert motion.needs_search(instant(4.1), empty, anyone_in_view=False)


def test_the_small_image_is_compared_if_there_is_one() -> None:
    """The small image is less to read, and the full one is ignored."""
    motion, empty = Motion(), room(4)
    small = np.ascontiguousarray(empty[::2, ::2])
    for number in range(40):
        motion.needs_search(instant(number / FPS), Frame(empty, small), anyone_in_view=False)
    other = Frame(covered(empty, 100, 100, 200, 3.0), small)
    assert not motion.needs_search(instant(3.95), other, anyone_in_view=False)


def test_images_of_any_shape_are_measured() -> None:
    """A strip, a dot and a change of size are no error."""
    motion = Motion()
    for number, shape in enumerate([(1, 1), (3, 700), (700, 3), (144, 176), (720, 1280)]):
        assert motion.needs_search(instant(float(number)), Frame(np.zeros((*shape, 3), np.uint8)), anyone_in_view=False)


def test_only_the_cells_that_count_are_compared() -> None:
    """A change elsewhere is no motion, and does not hide one beside it in the same rows."""
    empty, light = room(5), Light()
    before = light.measure(empty).copy()
    there = light.measure(covered(empty, 100, 100, 200, 3.0)).copy()
    where = np.ones(before.shape, np.bool_)
    where[10:35, 10:30] = False
    assert differs(there, before)
    assert not differs(there, before, where)
    both = light.measure(covered(covered(empty, 100, 100, 200, 3.0), 400, 150, 60, 1.5))
    assert differs(both, before, where)
