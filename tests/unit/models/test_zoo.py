"""The networks that ship with the project, and their sidecars."""

import hashlib
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from node.contract import schema
from node.vision.tflite import Network

ZOO = Path(__file__).resolve().parents[3] / "models" / "zoo"
SIDECARS = sorted(ZOO.glob("*.json"))
LEAST = {
    "mobilefacenet": {"verification": 0.985, "nine": 0.98},
    "mobilenet": {"verification": 0.96, "nine": 0.98},
    "mobilenet_v2": {"verification": 0.96, "nine": 0.98},
    "inception_v3": {"verification": 0.945, "nine": 0.96},
}
"""By backbone, the least figures of a release, a percentage point below those that the zoo is expected to reach."""


@pytest.fixture(params=SIDECARS, ids=lambda path: path.stem)
def sidecar(request: pytest.FixtureRequest) -> Path:
    """Return each sidecar of the zoo in turn."""
    path: Path = request.param
    return path


def _content(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def test_the_default_network_is_in_the_zoo() -> None:
    """The wheel includes this one."""
    assert ZOO / "mobilefacenet.float32.json" in SIDECARS


def test_sidecars_fit_the_contract(sidecar: Path) -> None:
    """Every sidecar fits the schema and has the name of its file."""
    content = _content(sidecar)
    jsonschema.validate(content, schema("sidecar"), format_checker=jsonschema.FormatChecker())
    assert content["name"] == sidecar.stem


def test_hashes_match_the_files(sidecar: Path) -> None:
    """A sidecar belongs to its network."""
    found = hashlib.sha256(sidecar.with_suffix(".tflite").read_bytes()).hexdigest()
    assert found == _content(sidecar)["sha256"]


def test_thresholds_never_fall(sidecar: Path) -> None:
    """A larger gallery or a smaller rate never lowers a threshold."""
    table = {(row["fpir"], row["gallery"]): row["cosine"] for row in _content(sidecar)["thresholds"]["rows"]}
    rates = sorted({rate for rate, _ in table}, reverse=True)
    sizes = sorted({size for _, size in table})
    assert sizes == [1, 10, 50, 200]
    assert all(table[rate, a] <= table[rate, b] for rate in rates for a, b in pairwise(sizes))
    assert all(table[a, size] <= table[b, size] for size in sizes for a, b in pairwise(rates))


def test_figures_have_their_number_of_cases(sidecar: Path) -> None:
    """Published figures have their n, and the figures of the release are at least as good as required."""
    content = _content(sidecar)
    least = LEAST[content["backbone"]]
    figures = {(entry["data"], entry["figure"]): entry for entry in content["metrics"]}
    assert figures["lfw_people val", "verification, 10-fold balanced"]["value"] >= least["verification"]
    for head in ("identity", "age", "ethnicity"):
        assert figures["lfw9 test", head]["n"] == 83
        assert figures["lfw9 test", head]["value"] >= least["nine"]


def test_networks_run(sidecar: Path) -> None:
    """Every head has an output: an embedding of unit length, and scores that sum to one (tolerance 1e-3)."""
    network = Network(sidecar.with_suffix(".tflite"))
    crop = np.random.default_rng(1).integers(0, 256, (112, 112, 3), dtype=np.uint8)
    answers = dict(network.infer(crop))
    assert float(np.linalg.norm(answers.pop("embedding"))) == pytest.approx(1.0, abs=1e-3)
    assert set(answers) == {"identity", "age", "ethnicity"}
    for scores in answers.values():
        assert float(scores.sum()) == pytest.approx(1.0, abs=1e-3)
