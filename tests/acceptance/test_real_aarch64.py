"""A Raspberry Pi's processor, emulated by qemu, gives the results of x86-64, from picture to person."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from machine_roots import ROOT, RUNTIMES, SUITES, MachineRoots
from uncaptured_output import print_line

from models.data.crops import Cut, FaceCropper, read_image
from models.data.manifests import lfw_people
from node.camera.video import read_video
from node.domain import Image
from node.vision.sidecar import load_sidecar

__all__ = ["print_line"]

pytestmark = pytest.mark.timeout(7200)
ZOO = sorted((ROOT / "models" / "zoo").glob("*.tflite"))
FACES = 200
ENROLLED, PROBES = range(0, 41, 10), range(45, 120, 10)
"""Frames of the clip that enroll its man, and frames that probe for him. They are decoded once, since the processors
decode the clip to pictures that differ by up to two grey levels."""

_PARTS = {"stills": ENROLLED, "probes": PROBES}

LEAST_COSINE = 0.999
SCORE_TOLERANCE = 0.011
"""Scores are printed with two decimals, so rounding can make a difference of 0.01."""
BOX_TOLERANCE = 0.0021
"""Fractions of the frame, printed with three decimals: about a pixel of 640, since decoders and resizing may differ."""
SAME_ROUNDING_PYTHON = "3.13"
"""Tested with ai-edge-litert, whose XNNPACK gives 8-bit networks the same codes on every processor."""
EIGHT_BIT_LEAST, EIGHT_BIT_MEAN, EIGHT_BIT_WINNERS = 0.95, 0.99, 0.1
"""tflite-runtime has its own 8-bit kernels, which round some codes in a thousand of each layer differently on another
processor. On 20 faces the mean cosine is 0.995; to float32 it is 0.988 on either processor."""
EIGHT_BIT_LOSS = 0.003
"""The greatest allowed difference of the two processors' mean cosines to float32."""

PrintLine = Callable[[str], None]
Outputs = Mapping[str, npt.NDArray[np.float32]]


def _eight_bit(network: Path) -> bool:
    return load_sidecar(network.with_suffix(".json")).quantisation != "float32"


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MachineRoots]:
    """Return Debian 12 and 13 on both processors, each with the program and its dependencies."""
    names = [f"{architecture}-{python}" for python in SUITES for architecture in ("x86_64", "aarch64")]
    with closing(MachineRoots(tmp_path_factory.mktemp("kinds"), *names)) as roots:
        yield roots


@pytest.fixture(scope="module")
def pictures(machines: MachineRoots, media_dir: Path) -> None:
    """Write portraits and frames of the clip to the folder that all machines share."""
    folders = {number: machines.shared / name for name, part in _PARTS.items() for number in part}
    for folder in dict.fromkeys(folders.values()):
        folder.mkdir()
    for portrait in media_dir.glob("*.jpg"):
        shutil.copy(portrait, machines.shared / "probes")
    for number, frame in enumerate(read_video(media_dir / "carphone.mp4")):
        if number in folders:
            cv2.imwrite(str(folders[number] / f"{number:03}.png"), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))


@pytest.fixture(scope="module")
def faces(machines: MachineRoots, data_dir: Path) -> Callable[[Path], str]:
    """Return a function that writes aligned faces, of people no network was trained on, and returns their path."""
    samples = [sample for sample in lfw_people(data_dir) if sample.split == "val"]
    shutil.copy(ROOT / "tests" / "acceptance" / "network_outputs.py", machines.shared)
    shutil.copytree(ROOT / "models" / "zoo", machines.shared / "zoo")
    paths: dict[Cut, str] = {}

    def write(network: Path) -> str:
        wanted = load_sidecar(network.with_suffix(".json")).input
        cut = Cut(wanted.alignment.points, wanted.size)
        if cut not in paths:
            cutter = FaceCropper(cut)
            found = (cutter.crop(read_image(sample.path)) for sample in samples)
            paths[cut] = f"faces-{len(paths)}.npy"
            np.save(machines.shared / paths[cut], _first(FACES, found))
        return f"/mnt/{paths[cut]}"

    return write


@pytest.mark.parametrize("python", SUITES)
@pytest.mark.usefixtures("pictures")
def test_both_processors_recognize_the_same_people(machines: MachineRoots, python: str, print_line: PrintLine) -> None:
    """Enrollment, decoding, detection, alignment, gates, network and matching agree on portraits and frames of a clip.

    The same faces are found with the same person, groups and flaws, with boxes within BOX_TOLERANCE, scores within
    SCORE_TOLERANCE and embeddings with a cosine of at least LEAST_COSINE.
    """
    here, there = (_recognized(machines, f"{architecture}-{python}") for architecture in ("x86_64", "aarch64"))
    assert [(where, len(faces)) for where, faces in here] == [(where, len(faces)) for where, faces in there]
    pairs = [
        pair for (_, ours), (_, theirs) in zip(here, there, strict=True) for pair in zip(ours, theirs, strict=True)
    ]
    known = [ours["identity"]["id"] for ours, _ in pairs].count("ada")
    scores = max(float(np.abs(np.subtract(_scores(ours), _scores(theirs))).max()) for ours, theirs in pairs)
    boxes = max(float(np.abs(np.subtract(ours["box"], theirs["box"])).max()) for ours, theirs in pairs)
    cosine = min(float(np.dot(ours["embedding"], theirs["embedding"])) for ours, theirs in pairs)
    labels = [(_labels(ours), _labels(theirs)) for ours, theirs in pairs]
    print_line(
        f"aarch64, Python {python}: {len(pairs)} faces, {known} of them ada; "
        f"{sum(a != b for a, b in labels)} with other labels; scores within {scores:.2f}, boxes within {boxes:.3f}, "
        f"least cosine {cosine:.6f}"
    )
    assert 0 < known < len(pairs)
    assert all(a == b for a, b in labels)
    assert scores <= SCORE_TOLERANCE
    assert boxes <= BOX_TOLERANCE
    assert cosine >= LEAST_COSINE


@pytest.mark.parametrize(
    ("network", "python"),
    [(path, python) for path in ZOO for python in SUITES if python == SAME_ROUNDING_PYTHON or not _eight_bit(path)],
    ids=lambda given: getattr(given, "stem", given),
)
def test_a_network_gives_the_same_outputs_on_both_processors(
    machines: MachineRoots, faces: Callable[[Path], str], network: Path, python: str, print_line: PrintLine
) -> None:
    """On 200 faces every head has the same winner, and the embeddings nearly coincide.

    The cosine is at least LEAST_COSINE.
    """
    here, there = _both(machines, python, network, faces(network))
    margins = _margins(here, there)
    print_line(_summary(network, python, here, there))
    assert len(here["embedding"]) == FACES
    assert not margins
    assert _cosines(here, there).min() >= LEAST_COSINE


@pytest.mark.parametrize("python", [python for python in SUITES if python != SAME_ROUNDING_PYTHON])
@pytest.mark.parametrize("network", [path for path in ZOO if _eight_bit(path)], ids=lambda path: path.stem)
def test_an_eight_bit_network_is_as_close_to_float32_on_both_processors(
    machines: MachineRoots, faces: Callable[[Path], str], network: Path, python: str, print_line: PrintLine
) -> None:
    """Where kernels round differently, its distance to the float32 network differs by at most EIGHT_BIT_LOSS.

    Between the processors the cosine is at least EIGHT_BIT_LEAST, on average at least EIGHT_BIT_MEAN, and at most a
    share of EIGHT_BIT_WINNERS of all heads' winners differs.
    """
    given = faces(network)
    here, there = _both(machines, python, network, given)
    print_line(_summary(network, python, here, there))
    assert len(here["embedding"]) == FACES
    assert _cosines(here, there).min() >= EIGHT_BIT_LEAST
    assert _cosines(here, there).mean() >= EIGHT_BIT_MEAN
    assert len(_margins(here, there)) <= EIGHT_BIT_WINNERS * FACES * (len(here) - 1)
    float32_file = network.with_name(f"{network.stem.rpartition('.')[0]}.float32.tflite")
    if float32_file.exists():
        exact = _outputs(machines, f"x86_64-{python}", float32_file, given)
        ours, theirs = (float(_cosines(exact, outputs).mean()) for outputs in (here, there))
        print_line(f"  mean cosine to float32: {ours:.4f} on x86-64, {theirs:.4f} on aarch64")
        assert theirs >= ours - EIGHT_BIT_LOSS


def _first(count: int, crops: Iterator[Image | None]) -> npt.NDArray[np.uint8]:
    """Return the first crops of pictures in which a face is found."""
    found = []
    for crop in crops:
        if crop is not None:
            found.append(crop)
        if len(found) == count:
            break
    return np.stack(found)


def _recognized(machines: MachineRoots, kind: str) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the faces of each picture, after enrolling the man of the clip on that kind of machine."""
    own = ("--set", f"storage.dir=/mnt/storage-{kind}", "--set", f"model.runtime={RUNTIMES[kind.split('-')[1]]}")
    machines.python(kind, "-m", "node.cli", "people", "add", "ada", "/mnt/stills", *own)
    printed = machines.python(kind, "-m", "node.cli", "recognize", "/mnt/probes", "--json", "--embedding", *own)
    lines = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    return [(f"{line['path']} {line.get('frame', '')}", line["faces"]) for line in lines]


def _labels(face: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what the program says about a face, without the numbers."""
    return face["identity"]["id"], face["age"]["group"], face["ethnicity"]["group"], face.get("flaws")


def _scores(face: Mapping[str, Any]) -> tuple[float, ...]:
    return face["score"], *(face[head]["score"] for head in ("identity", "age", "ethnicity"))


def _outputs(machines: MachineRoots, kind: str, network: Path, faces: str) -> Outputs:
    outputs = f"{network.stem}-{kind}.npz"
    if not (machines.shared / outputs).exists():
        machines.python(
            kind,
            "/mnt/network_outputs.py",
            f"/mnt/zoo/{network.name}",
            RUNTIMES[kind.split("-")[1]],
            faces,
            f"/mnt/{outputs}",
        )
    with np.load(machines.shared / outputs) as content:
        return dict(content)


def _both(machines: MachineRoots, python: str, network: Path, faces: str) -> tuple[Outputs, Outputs]:
    """Return the outputs on x86-64 and on aarch64."""
    return _outputs(machines, f"x86_64-{python}", network, faces), _outputs(
        machines, f"aarch64-{python}", network, faces
    )


def _summary(network: Path, python: str, here: Outputs, there: Outputs) -> str:
    margins, cosines = _margins(here, there), _cosines(here, there)
    heads = [head for head in here if head != "embedding"]
    furthest = max(float(np.abs(here[head] - there[head]).max()) for head in heads)
    count = len(cosines)
    return (
        f"{network.stem} on aarch64, Python {python}, {count} faces: {len(margins)} of {count * len(heads)} winners "
        f"differ{f' (scores at most {max(margins):.4f} apart)' if margins else ''}, scores within {furthest:.4f}, "
        f"cosine {cosines.min():.6f} at the least, {cosines.mean():.6f} on average"
    )


def _cosines(here: Outputs, there: Outputs) -> npt.NDArray[np.float32]:
    cosines: npt.NDArray[np.float32] = np.sum(here["embedding"] * there["embedding"], axis=1)
    return cosines


def _margins(here: Outputs, there: Outputs) -> list[float]:
    """Return, for each head and face with another winner, the difference of the two scores on x86-64."""
    found = []
    for head in here.keys() - {"embedding"}:
        ours, theirs = here[head].argmax(axis=1), there[head].argmax(axis=1)
        rows = np.flatnonzero(ours != theirs)
        found += [float(here[head][row, ours[row]] - here[head][row, theirs[row]]) for row in rows]
    return found
