"""Damaged and forged sidecars and network files -> a network whose answers can be used, or one sentence of where not.

python -m tests.fuzz.networks --seconds 60

A network file whose sidecar carries its right hash is trusted, as a program is: it is not fuzzed here.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from node.errors import ModelError
from node.system import bundled
from node.vision.sidecar import Sidecar, load_sidecar
from node.vision.tflite import Network, verified
from tests.fuzz.driver import Target, main
from tests.fuzz.mutation import Bytes, Json

_RATES, _SIZES = (0.001, 0.003, 0.01), (0, 1, 10, 1000)


def build(folder: Path) -> Sequence[Target]:
    """Return one target for sidecars, one for networks."""
    source = bundled.path(bundled.NETWORK)
    network, sidecar = folder / "net.tflite", folder / "net.json"
    shutil.copy(source, network)
    whole = source.with_suffix(".json").read_bytes()

    def judge_sidecar(content: bytes) -> str:
        sidecar.write_bytes(content)
        try:
            found = load_sidecar(sidecar)
        except ModelError as error:
            _explains(error, sidecar)
            return "refused"
        _use(found)
        try:
            runner = Network(network)
        except ModelError as error:
            _explains(error, folder)
            return "refused by the network"
        answers = runner.infer(np.full((*found.input.size, 3), 99, np.uint8))
        assert all(np.isfinite(answer).all() for answer in answers.values())
        return "taken"

    def judge_network(content: bytes) -> str:
        network.write_bytes(content)
        sidecar.write_bytes(whole)
        try:
            verified(network)
        except ModelError as error:
            _explains(error, network)
            return "refused"
        finally:
            shutil.copy(source, network)
        assert content == source.read_bytes()
        return "unchanged"

    return (
        Target("sidecars", Json([_short(json.loads(whole))]), judge_sidecar),
        Target("networks", Bytes([source.read_bytes()]), judge_network),
    )


def _short(sidecar: dict[str, Any]) -> dict[str, Any]:
    """Return a sidecar with few figures, so that most changes meet what a node reads."""
    return sidecar | {"metrics": sidecar["metrics"][:1], "training": {"data": [], "command": "none"}}


def _explains(error: ModelError, path: Path) -> None:
    assert str(path) in str(error)
    assert "\n" not in str(error)


def _use(sidecar: Sidecar) -> None:
    """Ask what a node asks of it."""
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
