"""The detector finds on a Raspberry Pi's processor, emulated by qemu, what it finds on x86-64."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from machine_roots import ROOT, RUNTIMES, SUITES, MachineRoots
from raspberry_pi_cpu import PI_4, PI_5, RaspberryPi
from uncaptured_output import print_line

from models.data.crops import read_image
from models.data.manifests import lfw_people
from models.data.scenes import SIZE, crowded

__all__ = ["print_line"]

pytestmark = pytest.mark.timeout(7200)
PICTURES, PORTRAITS, SEED = 10, 40, 3
TOLERANCE_PX = {"float32": 0.01, "int8": 0.5}
"""Greatest difference of a corner, a length or a keypoint, pixels of 640x480."""


class FoundFaces(NamedTuple):
    """What was found in all pictures.

    Attributes:
        runtime: the TFLite runtime.
        counts: number of faces in each picture.
        numbers: box and keypoints in pixels, and score, of all faces, shape (n, 15).
    """

    runtime: str
    counts: list[int]
    numbers: npt.NDArray[np.float64]


Find = Callable[[str, str, RaspberryPi], FoundFaces]


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MachineRoots]:
    """Return Debian 12 and 13 on both processors, each with the program and its dependencies."""
    names = [f"{architecture}-{python}" for python in SUITES for architecture in ("x86_64", "aarch64")]
    with closing(MachineRoots(tmp_path_factory.mktemp("kinds"), *names)) as roots:
        yield roots


@pytest.fixture(scope="module")
def find(machines: MachineRoots, data_dir: Path) -> Find:
    """Return a function that searches ten scenes with one to five faces on a kind of machine."""
    people = [sample for sample in lfw_people(data_dir) if sample.split == "val"][:PORTRAITS]
    scenes = np.stack(list(crowded([read_image(sample.path) for sample in people], PICTURES, SEED)))
    assert scenes.shape == (PICTURES, *SIZE, 3)
    np.save(machines.shared / "scenes.npy", scenes)
    shutil.copy(ROOT / "tests" / "acceptance" / "detector_faces.py", machines.shared)
    shutil.copytree(ROOT / "models" / "detector", machines.shared / "detector")

    def search(kind: str, form: str, pi: RaspberryPi) -> FoundFaces:
        file = f"/mnt/detector/yunet.{form}.tflite"
        output = machines.python(
            kind, "/mnt/detector_faces.py", file, RUNTIMES[kind.split("-")[1]], "/mnt/scenes.npy", pi=pi
        )
        printed = json.loads(next(line for line in output.splitlines() if line.startswith("{")))
        faces = printed["faces"]
        return FoundFaces(
            printed["runtime"], [len(each) for each in faces], np.array([row for each in faces for row in each])
        )

    return search


@pytest.mark.parametrize("pi", [PI_4, PI_5], ids=lambda pi: pi.core)
@pytest.mark.parametrize(("python", "form"), [("3.11", "float32"), ("3.13", "float32"), ("3.13", "int8")])
def test_the_detector_finds_the_same_faces_on_both_processors(
    find: Find, python: str, form: str, pi: RaspberryPi, print_line: Callable[[str], None]
) -> None:
    """The same faces of ten pictures in the same order, with boxes and keypoints within TOLERANCE_PX.

    The 8-bit kernels of tflite-runtime round differently on each processor; a node does not use them.
    """
    here, there = (find(f"{architecture}-{python}", form, pi) for architecture in ("x86_64", "aarch64"))
    assert here.runtime == there.runtime
    assert here.counts == there.counts
    apart_px = np.abs(here.numbers - there.numbers)[:, :-1]
    print_line(
        f"{form} on {here.runtime}, {pi.core}: {sum(here.counts)} faces of {PICTURES} pictures, "
        f"{apart_px.max():.4f} px apart at the most, {apart_px.mean():.4f} px on average"
    )
    assert sum(here.counts) >= PICTURES
    assert apart_px.max() <= TOLERANCE_PX[form]
