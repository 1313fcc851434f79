"""A face, its frame and its aligned crop -> the flaws that make the look unusable, and its weight."""

from dataclasses import dataclass
from typing import Protocol

import cv2

from node.domain import Face, Flaw, Image
from node.vision.aligner import Aligned
from node.vision.orientation import Orientation


class Gates(Protocol):
    """The bounds of a usable look; `events.gates` of the settings."""

    @property
    def min_face_px(self) -> int:
        """Least width of a face in the full-resolution frame."""

    @property
    def max_cut(self) -> float:
        """Greatest share of the aligned face that may lie beyond the frame's edge, 0..1."""

    @property
    def min_sharpness(self) -> float:
        """Least variance of the Laplacian, gray levels squared."""

    @property
    def min_light(self) -> float:
        """Least mean luminance, 0..255."""

    @property
    def max_light(self) -> float:
        """Greatest mean luminance, 0..255."""

    @property
    def min_contrast(self) -> float:
        """Least standard deviation of the luminance, gray levels."""

    @property
    def min_keypoint_score(self) -> float:
        """Least confidence of the detector, 0..1."""

    @property
    def max_misfit(self) -> float:
        """Greatest distance of the keypoints from a frontal face's, in distances between the eyes."""

    @property
    def min_upright(self) -> float:
        """Least lead of an orientation, -1..1."""


@dataclass(frozen=True, slots=True)
class Quality:
    """The measurements that the gates test.

    Attributes:
        width_px: width of the face in the full-resolution frame.
        cut: share of the crop that lies beyond the frame's edge, 0..1.
        sharpness: variance of the Laplacian of the crop's luminance, gray levels squared.
        light: mean luminance of the crop, 0..255.
        contrast: standard deviation of the crop's luminance, gray levels.
        keypoint_score: the detector's confidence, 0..1.
        misfit: distance of the keypoints from a frontal face's, in distances between the eyes.
    """

    width_px: float
    cut: float
    sharpness: float
    light: float
    contrast: float
    keypoint_score: float
    misfit: float


def measure(face: Face, image: Image, aligned: Aligned) -> Quality:
    """Return the quality of a look; `image` has full resolution, shape (height, width, 3), uint8, RGB."""
    grey = cv2.cvtColor(aligned.crop, cv2.COLOR_RGB2GRAY)
    (light,), (contrast,) = (each[0] for each in cv2.meanStdDev(grey))
    _, ((deviation,),) = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))
    return Quality(
        width_px=face.box.width * image.shape[1],
        cut=aligned.cut,
        sharpness=float(deviation) ** 2,
        light=float(light),
        contrast=float(contrast),
        keypoint_score=face.score,
        misfit=aligned.misfit,
    )


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A measurement that a gate does not let through.

    Attributes:
        flaw: the gate.
        what: `width`, `cut`, `blurred`, `dark`, `bright`, `flat`, `unclear`, `turned` or `tilted`.
        measured: in the unit of the gate.
        needed: the bound that it misses.
    """

    flaw: Flaw
    what: str
    measured: float
    needed: float


def shortfalls(quality: Quality, gates: Gates) -> tuple[Shortfall, ...]:
    """Return the measurements that fail a gate, without that of the orientation; empty if the look is usable."""
    least = (
        (Flaw.SIZE, "width", quality.width_px, gates.min_face_px),
        (Flaw.BLUR, "blurred", quality.sharpness, gates.min_sharpness),
        (Flaw.LIGHT, "dark", quality.light, gates.min_light),
        (Flaw.LIGHT, "flat", quality.contrast, gates.min_contrast),
        (Flaw.KEYPOINTS, "unclear", quality.keypoint_score, gates.min_keypoint_score),
    )
    most = (
        (Flaw.EDGE, "cut", quality.cut, gates.max_cut),
        (Flaw.LIGHT, "bright", quality.light, gates.max_light),
        (Flaw.KEYPOINTS, "turned", quality.misfit, gates.max_misfit),
    )
    below = [Shortfall(*each) for each in least if each[2] < each[3]]
    above = [Shortfall(*each) for each in most if each[2] > each[3]]
    return tuple(sorted((*below, *above), key=lambda each: _ORDER[each.flaw]))


def flaws(quality: Quality, gates: Gates) -> tuple[Flaw, ...]:
    """Return the gates that a look fails, without that of the orientation; empty if it is usable."""
    return tuple(dict.fromkeys(each.flaw for each in shortfalls(quality, gates)))


def can_be_oriented(found: tuple[Flaw, ...]) -> bool:
    """Return whether the detector can say how a face with these flaws is turned: it must see enough of the face."""
    return not set(found) - {Flaw.KEYPOINTS}


_ORDER = {flaw: number for number, flaw in enumerate(Flaw)}


def tilt(orientation: Orientation, gates: Gates) -> tuple[Flaw, ...]:
    """Return the flaw of a face that is not upright; empty if it is."""
    return (Flaw.TILT,) if orientation.lead < gates.min_upright else ()


_FULL_WIDTH_PX, _FULL_SHARPNESS, _PROFILE_MISFIT = 112.0, 150.0, 0.4


def weight(quality: Quality) -> float:
    """Return how much a look counts among the looks at the same face, 0..1.

    The product of three factors: width, sharpness and pose. They are 1 for a face as wide as the network's input, as
    sharp as the median of the portraits that the gates were measured on, and frontal. The factors are our own
    choice and express no more than a preference.
    """
    size = min(1.0, quality.width_px / _FULL_WIDTH_PX)
    sharpness = min(1.0, quality.sharpness / _FULL_SHARPNESS)
    pose = max(0.1, 1.0 - quality.misfit / _PROFILE_MISFIT)
    return size * sharpness * pose
