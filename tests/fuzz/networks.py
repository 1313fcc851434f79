"""Damaged and forged sidecars, cohorts and network files -> usable answers, or one error that says where.

python -m tests.fuzz.networks --seconds 60

A network file with a matching hash in its sidecar is trusted like a program, so it is not fuzzed here. A cohort's hash
is made to match, so that what reads the file is reached.
"""

import hashlib
import io
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from node.domain import Box, Face
from node.errors import ModelError
from node.system import bundled
from node.vision.aligner import Aligner
from node.vision.cohort import load_cohort
from node.vision.sidecar import Sidecar, load_sidecar
from node.vision.tflite import Network, verified
from tests.fuzz.driver import Target, main
from tests.fuzz.mutation import Bytes, Json

_ROWS, _TOLERANCE = 4, 0.01
_RATES, _SIZES = (0.001, 0.003, 0.01), (0, 1, 10, 1000)
_IMAGE = np.full((240, 320, 3), 99, np.uint8)
_FACE = Face(Box(0.4, 0.3, 0.2, 0.3), ((0.45, 0.4), (0.55, 0.4), (0.5, 0.47), (0.46, 0.54), (0.54, 0.54)), 0.9)


def build(folder: Path) -> Sequence[Target]:
    """Return one target each for sidecars, for networks and for cohorts."""
    source = bundled.path(bundled.NETWORK)
    network, sidecar, cohort = folder / "net.tflite", folder / "net.json", folder / "net.cohort.npy"
    shutil.copy(source, network)
    described = json.loads(source.with_suffix(".json").read_bytes())
    faces = _cohort(described["heads"]["embedding"]["length"])
    cohort.write_bytes(faces)
    described["cohort"] = _section(described, faces, cohort)
    whole = json.dumps(described).encode()

    def check_sidecar(content: bytes) -> str:
        sidecar.write_bytes(content)
        try:
            found = load_sidecar(sidecar)
        except ModelError as error:
            _assert_explained(error, sidecar)
            return "refused"
        _read_fields(found)
        try:
            load_cohort(network, found)
            runner = Network(network)
        except ModelError as error:
            _assert_explained(error, folder)
            return "refused by the network"
        answers = runner.infer(np.full((*found.input.size, 3), 99, np.uint8))
        assert all(np.isfinite(answer).all() for answer in answers.values())
        aligned = Aligner(found.input.alignment.points, found.input.size).align(_IMAGE, _FACE)
        assert aligned.crop.shape == (*found.input.size, 3)
        assert np.isfinite(aligned.misfit)
        return "taken"

    def check_network(content: bytes) -> str:
        network.write_bytes(content)
        sidecar.write_bytes(whole)
        try:
            verified(network)
        except ModelError as error:
            _assert_explained(error, network)
            return "refused"
        finally:
            shutil.copy(source, network)
        assert content == source.read_bytes()
        return "unchanged"

    def check_cohort(content: bytes) -> str:
        cohort.write_bytes(content)
        sidecar.write_bytes(json.dumps(described | {"cohort": _section(described, content, cohort)}).encode())
        try:
            found = load_cohort(network, load_sidecar(sidecar))
        except ModelError as error:
            _assert_explained(error, cohort)
            return "refused"
        assert found is not None
        usual = found.usual(found.vectors[:3])
        assert (np.abs(usual) <= 1 + _TOLERANCE).all()
        return "taken"

    return (
        Target("sidecars", Json([_shortened(described)]), check_sidecar),
        Target("networks", Bytes([source.read_bytes()]), check_network),
        Target("cohorts", Bytes([faces]), check_cohort),
    )


def _cohort(length: int) -> bytes:
    """Return a small cohort as a file."""
    numbers = np.random.default_rng(0).standard_normal((_ROWS, length))
    file = io.BytesIO()
    np.save(file, (numbers / np.linalg.norm(numbers, axis=1, keepdims=True)).astype(np.float16), allow_pickle=False)
    return file.getvalue()


def _section(described: dict[str, Any], content: bytes, path: Path) -> dict[str, Any]:
    """Return what the sidecar says about a cohort in a file with this content."""
    section = {"file": path.name, "sha256": hashlib.sha256(content).hexdigest(), "form": "mean", "weight": 0.8}
    return section | {"nearest": 2, "thresholds": described["thresholds"]}


def _shortened(sidecar: dict[str, Any]) -> dict[str, Any]:
    """Return a sidecar with few figures, so that most changes hit what a node reads."""
    return sidecar | {"metrics": sidecar["metrics"][:1], "training": {"data": [], "command": "none"}}


def _assert_explained(error: ModelError, path: Path) -> None:
    assert str(path) in str(error)
    assert "\n" not in str(error)


def _read_fields(sidecar: Sidecar) -> None:
    """Read the fields that a node reads."""
    assert np.isfinite(sidecar.input.alignment.points).all()
    assert sidecar.input.scale is None or sidecar.input.scale > 0
    for table in (sidecar.thresholds, *([sidecar.cohort.thresholds] if sidecar.cohort else [])):
        for rate in _RATES:
            for people in _SIZES:
                try:
                    assert -1 <= table.cosine(rate, people) <= 1
                except ModelError as error:
                    assert "people.max_fpir" in str(error)


if __name__ == "__main__":
    raise SystemExit(main(build))
