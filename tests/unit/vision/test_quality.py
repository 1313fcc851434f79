"""Gates: a look that is too small, cut, blurred, dark or turned is no evidence, and its flaws say why."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from makers import face

from node.domain import Flaw
from node.settings import GateSettings
from node.vision.aligner import Aligned
from node.vision.orientation import Orientation
from node.vision.quality import Quality, can_be_oriented, flaws, measure, shortfalls, tilt

GOOD = Quality(width_px=80, cut=0.0, sharpness=300, light=120, contrast=40, keypoint_score=0.9, misfit=0.05)


@pytest.mark.parametrize(
    ("change", "flaw"),
    [
        ({"width_px": 20}, Flaw.SIZE),
        ({"cut": 0.4}, Flaw.EDGE),
        ({"sharpness": 3}, Flaw.BLUR),
        ({"light": 12}, Flaw.LIGHT),
        ({"light": 250}, Flaw.LIGHT),
        ({"contrast": 2}, Flaw.LIGHT),
        ({"keypoint_score": 0.5}, Flaw.KEYPOINTS),
        ({"misfit": 0.6}, Flaw.KEYPOINTS),
    ],
)
def test_each_gate_has_its_own_flaw(change: dict[str, float], flaw: Flaw) -> None:
    """One bad measurement gives one flaw."""
    assert flaws(replace(GOOD, **change), GateSettings()) == (flaw,)


def test_each_failed_measurement_says_what_was_measured_and_what_is_needed() -> None:
    """An owner reads what to change; several of one gate are all named, in the order of the gates."""
    gates = GateSettings()
    poor = replace(GOOD, width_px=28, light=gates.min_light - 1, contrast=gates.min_contrast - 1, misfit=0.6)
    found = [(each.flaw, each.what, each.measured, each.needed) for each in shortfalls(poor, gates)]
    assert found == [
        (Flaw.SIZE, "width", 28, gates.min_face_px),
        (Flaw.LIGHT, "dark", gates.min_light - 1, gates.min_light),
        (Flaw.LIGHT, "flat", gates.min_contrast - 1, gates.min_contrast),
        (Flaw.KEYPOINTS, "turned", 0.6, gates.max_misfit),
    ]
    assert flaws(poor, gates) == (Flaw.SIZE, Flaw.LIGHT, Flaw.KEYPOINTS)


def test_a_good_look_has_no_flaw() -> None:
    """The defaults let an ordinary face pass."""
    assert flaws(GOOD, GateSettings()) == ()


def test_a_face_that_is_surer_when_it_is_turned_is_tilted() -> None:
    """The bound is a setting, and -1 accepts every face."""
    assert tilt(Orientation(-0.01, 180), GateSettings()) == (Flaw.TILT,)
    assert tilt(Orientation(0.0, 180), GateSettings()) == ()
    assert tilt(Orientation(0.1, 180), GateSettings(min_upright=0.2)) == (Flaw.TILT,)
    assert tilt(Orientation(-1.0, 180), GateSettings(min_upright=-1)) == ()


def test_only_a_face_that_is_seen_well_can_be_oriented() -> None:
    """Of a small, cut, blurred or dark face the detector says too little; keypoints that do not fit may be a turn's."""
    assert can_be_oriented(())
    assert can_be_oriented((Flaw.KEYPOINTS,))
    for flaw in (Flaw.SIZE, Flaw.EDGE, Flaw.BLUR, Flaw.LIGHT):
        assert not can_be_oriented((flaw, Flaw.KEYPOINTS))


def test_all_flaws_are_reported() -> None:
    """A dark, tiny face has both."""
    assert flaws(replace(GOOD, width_px=5, light=3), GateSettings()) == (Flaw.SIZE, Flaw.LIGHT)


def test_blurring_lowers_sharpness_and_darkening_lowers_light() -> None:
    """Each measurement follows its name."""
    noise = np.random.default_rng(1).integers(0, 255, (112, 112, 3), dtype=np.uint8)
    image = np.zeros((480, 640, 3), np.uint8)
    sharp = measure(face(), image, Aligned(noise, 0.0))
    soft = measure(face(), image, Aligned(np.asarray(cv2.GaussianBlur(noise, (9, 9), 3), np.uint8), 0.0))
    dark = measure(face(), image, Aligned((noise // 8).astype(np.uint8), 0.0))
    assert soft.sharpness < sharp.sharpness / 20
    assert dark.light == pytest.approx(sharp.light / 8, abs=1.0)


def test_the_width_is_in_pixels_of_the_full_image() -> None:
    """A face of width 0.2 in 640 pixels is 128 pixels wide."""
    image, crop = np.zeros((480, 640, 3), np.uint8), Aligned(np.zeros((8, 8, 3), np.uint8), 0)
    assert measure(face(size=0.2), image, crop).width_px == pytest.approx(128, abs=1e-6)
