"""The losses of each step -> a table and a plot."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np

from models.arrays import Array
from models.errors import TrainingError

mpl.use("Agg")
from matplotlib import pyplot as plt

_POINTS = 200
"""Points of a curve at most, each a mean over neighbouring steps; single steps are noise."""


def write_curves(curve: Mapping[str, Sequence[float]], folder: Path) -> Path:
    """Write `losses.csv`, one row per step, and `curve.png`; return the path of the plot.

    Args:
        curve: by name, the loss of each step.
        folder: where both files go.

    Raises:
        TrainingError: the folder is not writable.
    """
    picture = folder / "curve.png"
    names = list(curve)
    figure, axes = plt.subplots(len(names), 1, figsize=(7, 1.5 * len(names)), sharex=True, squeeze=False)
    for name, axis in zip(names, axes[:, 0], strict=True):
        steps, means = _means(curve[name])
        axis.plot(steps, means, linewidth=1.2)
        axis.set_ylabel(name)
        axis.grid(alpha=0.3)
    axes[-1, 0].set_xlabel("step")
    figure.tight_layout()
    try:
        with (folder / "losses.csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["step", *names])
            rows.writerows([step, *values] for step, values in enumerate(zip(*curve.values(), strict=True), 1))
        figure.savefig(picture, dpi=110, metadata={"Software": None})
    except OSError as error:
        raise TrainingError(
            f"{folder}: {error.strerror or error}: the loss curve needs a writable disk with free space"
        ) from error
    finally:
        plt.close(figure)
    return picture


def _means(values: Sequence[float]) -> tuple[Array, Array]:
    """Return the last step of each interval and the mean of its values."""
    parts = np.array_split(np.asarray(values, dtype=np.float32), min(_POINTS, len(values)))
    ends = np.cumsum([len(part) for part in parts]).astype(np.float32)
    return ends, np.array([part.mean() for part in parts], dtype=np.float32)
