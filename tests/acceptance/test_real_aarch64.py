"""A Raspberry Pi's processor, played by qemu, gives the answers of x86-64: from picture to person, and each network."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from kindroot import ROOT, SUITES, Kinds
from saying import say

from models.data.crops import Cut, FaceCropper, read_image
from models.data.manifests import lfw_people
from node.camera.video import read_video
from node.domain import Image
from node.vision.sidecar import load_sidecar

__all__ = ["say"]

pytestmark = pytest.mark.timeout(7200)
ZOO = sorted((ROOT / "models" / "zoo").glob("*.tflite"))
FACES = 200
ENROLLED, PROBES = range(0, 41, 10), range(45, 120, 10)
"""Frames of the clip from which its man is enrolled, and in which he is looked for. They are decoded once: by
itself each processor makes pictures of the clip that differ by up to two grey levels."""

_PARTS = {"stills": ENROLLED, "probes": PROBES}

LEAST_COSINE = 0.999
SCORE_TOLERANCE = 0.011
"""Scores are printed with two decimals: two that round apart differ by 0.01."""
BOX_TOLERANCE = 0.0021
"""Fractions of the frame, printed with three decimals: about a pixel of 640, as decoders and resizing may differ."""
ROUNDS_ALIKE = "3.13"
"""The Python whose runtime is ai-edge-litert: XNNPACK computes its networks of 8 bits, on every processor to the same
codes."""
EIGHT_BIT_LEAST, EIGHT_BIT_MEAN, EIGHT_BIT_WINNERS = 0.95, 0.99, 0.1
"""tflite-runtime has kernels of its own for 8 bits, and they round otherwise on another processor: some codes in a
thousand of each layer. On 20 faces the mean cosine is 0.995; to float32 it is 0.988 on either."""
EIGHT_BIT_LOSS = 0.003
"""How much further from float32 the mean cosine may be on one processor than on the other."""

Say = Callable[[str], None]
Predictions = Mapping[str, npt.NDArray[np.float32]]


def _eight_bit(network: Path) -> bool:
    return load_sidecar(network.with_suffix(".json")).quantisation != "float32"


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Kinds:
    """Return Debian 12 and 13 on both processors, each with the program and what it needs."""
    names = [f"{architecture}-{python}" for python in SUITES for architecture in ("x86_64", "aarch64")]
    return Kinds(tmp_path_factory.mktemp("kinds"), *names)


@pytest.fixture(scope="module")
def pictures(kinds: Kinds, media_dir: Path) -> None:
    """Lay portraits and frames of the clip where all kinds of machines see them."""
    folders = {number: kinds.shared / name for name, part in _PARTS.items() for number in part}
    for folder in dict.fromkeys(folders.values()):
        folder.mkdir()
    for portrait in media_dir.glob("*.jpg"):
        shutil.copy(portrait, kinds.shared / "probes")
    for number, frame in enumerate(read_video(media_dir / "carphone.mp4")):
        if number in folders:
            cv2.imwrite(str(folders[number] / f"{number:03}.png"), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))


@pytest.fixture(scope="module")
def faces(kinds: Kinds, data_dir: Path) -> Callable[[Path], str]:
    """Return what lays aligned faces of people no network was trained on beside a network, and says where."""
    samples = [sample for sample in lfw_people(data_dir) if sample.split == "val"]
    shutil.copy(ROOT / "tests" / "acceptance" / "zooanswers.py", kinds.shared)
    shutil.copytree(ROOT / "models" / "zoo", kinds.shared / "zoo")
    laid: dict[Cut, str] = {}

    def lay(network: Path) -> str:
        wanted = load_sidecar(network.with_suffix(".json")).input
        cut = Cut(wanted.alignment.points, wanted.size)
        if cut not in laid:
            cutter = FaceCropper(cut)
            found = (cutter.crop(read_image(sample.path)) for sample in samples)
            laid[cut] = f"faces-{len(laid)}.npy"
            np.save(kinds.shared / laid[cut], _first(FACES, found))
        return f"/mnt/{laid[cut]}"

    return lay


@pytest.mark.parametrize("python", SUITES)
@pytest.mark.usefixtures("pictures")
def test_the_same_people_are_seen(kinds: Kinds, python: str, say: Say) -> None:
    """Enrolment, decoding, detection, alignment, gates, network and matching: two portraits and frames of a clip.

    The same faces are found, each with the same person, groups and flaws; boxes within BOX_TOLERANCE, scores within
    SCORE_TOLERANCE, the cosine of the embeddings at least LEAST_COSINE.
    """
    here, there = (_recognised(kinds, f"{architecture}-{python}") for architecture in ("x86_64", "aarch64"))
    assert [(where, len(faces)) for where, faces in here] == [(where, len(faces)) for where, faces in there]
    pairs = [
        pair for (_, ours), (_, theirs) in zip(here, there, strict=True) for pair in zip(ours, theirs, strict=True)
    ]
    known = [ours["identity"]["id"] for ours, _ in pairs].count("ada")
    scores = max(float(np.abs(np.subtract(_scores(ours), _scores(theirs))).max()) for ours, theirs in pairs)
    boxes = max(float(np.abs(np.subtract(ours["box"], theirs["box"])).max()) for ours, theirs in pairs)
    cosine = min(float(np.dot(ours["embedding"], theirs["embedding"])) for ours, theirs in pairs)
    said = [(_said(ours), _said(theirs)) for ours, theirs in pairs]
    say(
        f"aarch64, Python {python}: {len(pairs)} faces, {known} of them ada; {sum(a != b for a, b in said)} said to be "
        f"another; scores within {scores:.2f}, boxes within {boxes:.3f}, least cosine {cosine:.6f}"
    )
    assert 0 < known < len(pairs)
    assert all(a == b for a, b in said)
    assert scores <= SCORE_TOLERANCE
    assert boxes <= BOX_TOLERANCE
    assert cosine >= LEAST_COSINE


@pytest.mark.parametrize(
    ("network", "python"),
    [(path, python) for path in ZOO for python in SUITES if python == ROUNDS_ALIKE or not _eight_bit(path)],
    ids=lambda given: getattr(given, "stem", given),
)
def test_a_network_answers_alike(
    kinds: Kinds, faces: Callable[[Path], str], network: Path, python: str, say: Say
) -> None:
    """On 200 faces of people it was not trained on, every head has the same winner, and embeddings all but coincide.

    The cosine is at least LEAST_COSINE.
    """
    here, there = _both(kinds, python, network, faces(network))
    margins = _margins(here, there)
    say(_in_words(network, python, here, there))
    assert len(here["embedding"]) == FACES
    assert not margins
    assert _cosines(here, there).min() >= LEAST_COSINE


@pytest.mark.parametrize("python", [python for python in SUITES if python != ROUNDS_ALIKE])
@pytest.mark.parametrize("network", [path for path in ZOO if _eight_bit(path)], ids=lambda path: path.stem)
def test_an_eight_bit_network_answers_as_well_by_kernels_that_round_otherwise(
    kinds: Kinds, faces: Callable[[Path], str], network: Path, python: str, say: Say
) -> None:
    """On the same faces it is as near to its float32 twin, where there is one, as on x86-64 (within EIGHT_BIT_LOSS).

    From processor to processor the cosine is at least EIGHT_BIT_LEAST and EIGHT_BIT_MEAN on average, and at most a
    share of EIGHT_BIT_WINNERS of all heads' winners differ.
    """
    given = faces(network)
    here, there = _both(kinds, python, network, given)
    say(_in_words(network, python, here, there))
    assert len(here["embedding"]) == FACES
    assert _cosines(here, there).min() >= EIGHT_BIT_LEAST
    assert _cosines(here, there).mean() >= EIGHT_BIT_MEAN
    assert len(_margins(here, there)) <= EIGHT_BIT_WINNERS * FACES * (len(here) - 1)
    twin = network.with_name(f"{network.stem.rpartition('.')[0]}.float32.tflite")
    if twin.exists():
        exact = _answers(kinds, f"x86_64-{python}", twin, given)
        ours, theirs = (float(_cosines(exact, answers).mean()) for answers in (here, there))
        say(f"  mean cosine to float32: {ours:.4f} on x86-64, {theirs:.4f} on aarch64")
        assert theirs >= ours - EIGHT_BIT_LOSS


def _first(count: int, crops: Iterator[Image | None]) -> npt.NDArray[np.uint8]:
    """Return the first so many crops, of the pictures in which a face is found."""
    found = []
    for crop in crops:
        if crop is not None:
            found.append(crop)
        if len(found) == count:
            break
    return np.stack(found)


def _recognised(kinds: Kinds, kind: str) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the faces of each picture, after the man of the clip was enrolled on that kind of machine."""
    own = ("--set", f"storage.dir=/mnt/storage-{kind}")
    kinds.python(kind, "-m", "node.cli", "people", "add", "ada", "/mnt/stills", *own)
    printed = kinds.python(kind, "-m", "node.cli", "recognize", "/mnt/probes", "--json", "--embedding", *own)
    lines = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    return [(f"{line['path']} {line.get('frame', '')}", line["faces"]) for line in lines]


def _said(face: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what is said of a face, but for its numbers."""
    return face["identity"]["id"], face["age"]["group"], face["ethnicity"]["group"], face.get("flaws")


def _scores(face: Mapping[str, Any]) -> tuple[float, ...]:
    return face["score"], *(face[head]["score"] for head in ("identity", "age", "ethnicity"))


def _answers(kinds: Kinds, kind: str, network: Path, faces: str) -> Predictions:
    answers = f"{network.stem}-{kind}.npz"
    if not (kinds.shared / answers).exists():
        kinds.python(kind, "/mnt/zooanswers.py", f"/mnt/zoo/{network.name}", faces, f"/mnt/{answers}")
    with np.load(kinds.shared / answers) as content:
        return dict(content)


def _both(kinds: Kinds, python: str, network: Path, faces: str) -> tuple[Predictions, Predictions]:
    """Return the answers on x86-64 and on aarch64."""
    return _answers(kinds, f"x86_64-{python}", network, faces), _answers(kinds, f"aarch64-{python}", network, faces)


def _in_words(network: Path, python: str, here: Predictions, there: Predictions) -> str:
    margins, cosines = _margins(here, there), _cosines(here, there)
    heads = [head for head in here if head != "embedding"]
    furthest = max(float(np.abs(here[head] - there[head]).max()) for head in heads)
    count = len(cosines)
    return (
        f"{network.stem} on aarch64, Python {python}, {count} faces: {len(margins)} of {count * len(heads)} winners "
        f"differ{f' (scores at most {max(margins):.4f} apart)' if margins else ''}, scores within {furthest:.4f}, "
        f"cosine {cosines.min():.6f} at the least, {cosines.mean():.6f} on average"
    )


def _cosines(here: Predictions, there: Predictions) -> npt.NDArray[np.float32]:
    cosines: npt.NDArray[np.float32] = np.sum(here["embedding"] * there["embedding"], axis=1)
    return cosines


def _margins(here: Predictions, there: Predictions) -> list[float]:
    """Return, for each head and face with another winner, how far apart x86-64 has the two."""
    found = []
    for head in here.keys() - {"embedding"}:
        ours, theirs = here[head].argmax(axis=1), there[head].argmax(axis=1)
        rows = np.flatnonzero(ours != theirs)
        found += [float(here[head][row, ours[row]] - here[head][row, theirs[row]]) for row in rows]
    return found
