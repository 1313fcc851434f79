"""Augmented views of a training picture."""

from pathlib import Path

import numpy as np

from models.data.augment import augmented, centre_crop
from models.recipe.recipe import load_recipe

VIEWS = load_recipe(Path(__file__).resolve().parents[4] / "models" / "configs" / "mobilefacenet.toml").views
STILL = VIEWS.model_copy(
    update={"shift_px": 0.0, "turn_deg": 0.0, "zoom": 0.0, "brightness": 0.0, "contrast": 0.0, "blur": 0.0}
)
CROP = np.random.default_rng(5).integers(0, 256, (128, 128, 3), dtype=np.uint8)


def test_the_first_view_is_the_middle() -> None:
    """The first view is a node's crop, without the margin."""
    assert np.array_equal(centre_crop(CROP, (112, 112)), CROP[8:120, 8:120])


def test_without_augmentation_only_the_mirror_is_left() -> None:
    """With all bounds at zero, a view is the middle or its mirror image, and both occur."""
    middle = centre_crop(CROP, (112, 112))
    kinds = set()
    for seed in range(12):
        view = augmented(CROP, (112, 112), STILL, np.random.default_rng(seed))
        kinds.add("plain" if np.array_equal(view, middle) else "mirror")
        assert np.array_equal(view, middle) or np.array_equal(view, middle[:, ::-1])
    assert kinds == {"plain", "mirror"}


def test_a_view_is_reproducible() -> None:
    """The same seed gives the same view, in any order."""
    first = augmented(CROP, (112, 112), VIEWS, np.random.default_rng((1, 2)))
    assert first.shape == (112, 112, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, augmented(CROP, (112, 112), VIEWS, np.random.default_rng((1, 2))))
    assert not np.array_equal(first, augmented(CROP, (112, 112), VIEWS, np.random.default_rng((1, 3))))
