"""Portraits -> a folder of frames in which people come and go again and again, each time as a new visit."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

PASSING = {"camera.fps": 10, "events.cool_down_s": 0, "events.leave_after_s": 0.5}
"""Settings with which each appearance is a visit of its own."""
HERE, AWAY = 12, 10
"""Frames for which somebody is in view, and out of view."""


def passing_visitors(folder: Path, portraits: Sequence[Path], times: int = 60) -> dict[str, object]:
    """Make the frames, and return the settings of a node that plays them.

    Args:
        folder: made for them.
        portraits: who comes, one after the other.
        times: how often all of them come.
    """
    folder.mkdir()
    cv2.imwrite(str(folder.with_suffix(".png")), np.zeros((240, 320, 3), np.uint8))
    number = 0
    for _ in range(times):
        for portrait in portraits:
            for frame in range(HERE + AWAY):
                shown = portrait if frame < HERE else folder.with_suffix(".png")
                (folder / f"{number:06}{shown.suffix}").symlink_to(shown)
                number += 1
    return {"camera.source": f"images:{folder}", **PASSING}
