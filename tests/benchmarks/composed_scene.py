"""People of the media that ship with the program -> frames in which they stand, sway, walk and enter."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from timed_camera import room

from node.camera.image_file import read_image
from node.camera.video import read_video
from node.domain import Image

SIZE = (480, 640)
"""Height and width of the frames, pixels."""

Looks = tuple[Image, ...]
"""What somebody looks like from frame to frame, over and over; each as large as the others, the face in the middle."""

_PLACES = ((110, 140), (270, 150), (420, 130), (560, 160), (190, 350), (350, 340), (500, 360))
"""Where people stand, (x, y) of the face, pixels."""

_PATCH = 2.0
"""Side of the picture of a person, in lengths of the longer side of the face."""

_STILLS = {"astronaut": (178, 63, 90, 113), "grace_hopper": (183, 120, 170, 212)}
"""Boxes of the faces in the portraits: left, top, width and height, pixels."""

_MAN = (55, 33, 50, 63)
"""Box of the face in the clip, about."""

_NOISE = 3.0
_SWAY_FRAMES = 20


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in a scene.

    Attributes:
        looks: what they look like.
        place: (x, y) of the face at the beginning, pixels.
        step: pixels each way from frame to frame.
        sway: pixels to either side by which they sway.
        enters: the first frame that shows them.
        leaves: the first frame that shows them no more.
    """

    looks: Looks
    place: tuple[float, float]
    step: tuple[float, float] = (0.0, 0.0)
    sway: float = 0.0
    enters: int = 0
    leaves: int = 1 << 30


def cast(media: Path, face_px: int) -> list[Looks]:
    """Return seven people with faces of this height: the man of the clip, two portraits, and mirror images."""
    man = tuple(_patch(frame, _MAN, face_px) for frame in read_video(media / "carphone.mp4"))
    stills = [(_patch(read_image(media / f"{name}.jpg"), box, face_px),) for name, box in _STILLS.items()]
    mirrored = [tuple(np.ascontiguousarray(each[:, ::-1]) for each in looks) for looks in (man, *stills)]
    return [man, *stills, *mirrored, man[60:]]


def standing(people: Sequence[Looks], sway: float = 3.0, *, enter: Sequence[int] = ()) -> list[Person]:
    """Return people at places of their own who sway a little.

    Args:
        people: at most seven.
        sway: pixels.
        enter: the frames at which the last of them enter; the others are there from the beginning.
    """
    first = [0] * (len(people) - len(enter))
    return [
        Person(looks, place, sway=sway, enters=enters)
        for looks, place, enters in zip(people, _PLACES, (*first, *enter), strict=False)
    ]


def frames(people: Sequence[Person], count: int, seed: int = 0) -> Iterator[Image]:
    """Yield frames of a room with people, shape (480, 640, 3), uint8, RGB, with sensor noise; later people in front."""
    random, empty = np.random.default_rng(seed), room()
    for number in range(count):
        image = empty.copy()
        for person in people:
            if person.enters <= number < person.leaves:
                _put(image, person, number)
        noise = random.standard_normal(image.shape, dtype=np.float32) * np.float32(_NOISE)
        yield (image + noise).clip(0, 255).astype(np.uint8)


def _put(image: Image, person: Person, number: int) -> None:
    shown = number - person.enters
    patch = person.looks[number % len(person.looks)]
    swayed = person.sway * math.sin(2 * math.pi * (number + person.place[0]) / _SWAY_FRAMES)
    left = round(person.place[0] + shown * person.step[0] + swayed) - patch.shape[1] // 2
    top = round(person.place[1] + shown * person.step[1]) - patch.shape[0] // 2
    x, y = max(0, left), max(0, top)
    part = patch[y - top : image.shape[0] - top, x - left : image.shape[1] - left]
    if part.size and left < image.shape[1] and top < image.shape[0]:
        image[y : y + part.shape[0], x : x + part.shape[1]] = part


def _patch(image: Image, box: tuple[int, int, int, int], face_px: int) -> Image:
    """Return the surroundings of a face, square, the face in the middle and of this height; edges are repeated."""
    left, top, width, height = box
    side = round(_PATCH * height)
    x, y = left + width // 2 - side // 2, top + height // 2 - side // 2
    rows = np.arange(y, y + side).clip(0, image.shape[0] - 1)
    columns = np.arange(x, x + side).clip(0, image.shape[1] - 1)
    scaled = round(_PATCH * face_px)
    method = cv2.INTER_AREA if scaled < side else cv2.INTER_LINEAR
    patch: Image = cv2.resize(image[rows][:, columns], (scaled, scaled), interpolation=method).astype(np.uint8)
    return patch
