"""Aligned crops -> the features of a frozen backbone for views of them, cached on disk."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.data.augment import augmented, centre_crop
from models.data.cache import FOLDER, Arrays, compute_cached, digest
from models.recipe.sections import Views
from node.vision.tflite import find_runtime

_SIGNATURE = "serving_default"


class FeatureExtractor:
    """A TFLite file with one input and several outputs, run on one view at a time.

    Args:
        content: content of the file.
    """

    def __init__(self, content: bytes) -> None:
        _, interpreter_class = find_runtime("auto")
        interpreter = interpreter_class(model_content=content, num_threads=1)
        interpreter.allocate_tensors()
        self._run = interpreter.get_signature_runner(_SIGNATURE)
        (self._input,) = self._run.get_input_details()

    def taps(self, view: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        """Return the outputs by name, each of shape (n,), for a view of shape (height, width, 3), uint8, RGB."""
        return {name: value[0] for name, value in self._run(**{self._input: view[np.newaxis]}).items()}


def load_features(
    what: str,
    images: npt.NDArray[np.uint8],
    content: bytes,
    size: tuple[int, int],
    *,
    views: Views | None = None,
    seed: int = 0,
    cache: Path = FOLDER,
    workers: int = 0,
) -> Arrays:
    """Return the backbone's outputs by name, each of shape (n, views, channels), float32.

    Args:
        what: name of the pictures, for the progress line.
        images: aligned crops, shape (n, height, width, 3), uint8, RGB, with or without a margin.
        content: the backbone's TFLite file.
        size: height and width of its input, pixels.
        views: bounds of the augmentation; the first view is never augmented, and None makes only that one.
        seed: seed of the augmentation; each picture and view has its own random numbers, in any order.
        cache: the folder of the cache.
        workers: number of threads; 0 is one per core.
    """
    count = views.count if views else 1

    def make(part: Sequence[int]) -> Arrays:
        extractor = FeatureExtractor(content)
        rows = []
        for index in part:
            crops = [centre_crop(images[index], size)]
            if views:
                rngs = (np.random.default_rng((seed, index, number)) for number in range(1, count))
                crops += [augmented(images[index], size, views, rng) for rng in rngs]
            rows.append([extractor.taps(crop) for crop in crops])
        return {name: np.array([[taps[name] for taps in row] for row in rows]) for name in rows[0][0]}

    network = hashlib.sha256(content).hexdigest()
    pictures = hashlib.sha256(images.tobytes()).hexdigest()
    key = digest(network, pictures, size, views, seed if views else 0)
    return compute_cached(f"features of {what}", range(len(images)), make, cache / "features", key, workers=workers)
