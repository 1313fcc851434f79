"""Damaged and forged sidecars and network files -> a network with usable outputs, or one error that says where.

python -m tests.fuzz.networks --seconds 60

A network file with a matching hash in its sidecar is trusted like a program, so it is not fuzzed here.
"""

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
from node.vision.sidecar import Sidecar, load_sidecar
from node.vision.tflite import Network, verified
from tests.fuzz.driver import Target, main
from tests.fuzz.mutation import Bytes, Json

_RATES, _SIZES = (0.001, 0.003, 0.01), (0, 1, 10, 1000)
_IMAGE = np.full((240, 320, 3), 99, np.uint8)
_FACE = Face(Box(0.4, 0.3, 0.2, 0.3), ((0.45, 0.4), (0.55, 0.4), (0.5, 0.47), (0.46, 0.54), (0.54, 0.54)), 0.9)


def build(folder: Path) -> Sequence[Target]:
    """Return one target for sidecars and one for networks."""
    source = bundled.path(bundled.NETWORK)
    network, sidecar = folder / "net.tflite", folder / "net.json"
    shutil.copy(source, network)
    whole = source.with_suffix(".json").read_bytes()

    def check_sidecar(content: bytes) -> str:
        sidecar.write_bytes(content)
        try:
            found = load_sidecar(sidecar)
        except ModelError as error:
            _assert_explained(error, sidecar)
            return "refused"
        _read_fields(found)
        try:
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

    return (
        Target("sidecars", Json([_shortened(json.loads(whole))]), check_sidecar),
        Target("networks", Bytes([source.read_bytes()]), check_network),
    )


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
    for rate in _RATES:
        for people in _SIZES:
            try:
                assert -1 <= sidecar.thresholds.cosine(rate, people) <= 1
            except ModelError as error:
                assert "people.max_fpir" in str(error)


if __name__ == "__main__":
    raise SystemExit(main(build))
