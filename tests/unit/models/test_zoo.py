"""The networks that ship with the project, and their sidecars."""

import hashlib
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from models.exporting.cohort_thresholds import SIZES
from node.contract import schema
from node.vision.cohort import load_cohort
from node.vision.sidecar import load_sidecar
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
    """A larger gallery or a smaller rate never lowers a threshold, of the cosine or of the normalized score."""
    content = _content(sidecar)
    for thresholds, known in ((content["thresholds"], (1, 10, 50, 200)), (content["cohort"]["thresholds"], SIZES)):
        table = {(row["fpir"], row["gallery"]): row["cosine"] for row in thresholds["rows"]}
        rates = sorted({rate for rate, _ in table}, reverse=True)
        sizes = sorted({size for _, size in table})
        assert sizes == list(known)
        assert all(table[rate, a] <= table[rate, b] for rate in rates for a, b in pairwise(sizes))
        assert all(table[a, size] <= table[b, size] for size in sizes for a, b in pairwise(rates))


def test_every_network_has_its_cohort(sidecar: Path) -> None:
    """A node reads it, and the files of one space have the same one; at the default rate no group is left out."""
    found = load_sidecar(sidecar)
    cohort = load_cohort(sidecar.with_suffix(".tflite"), found)
    assert cohort is not None
    assert len(cohort.vectors) > 100
    beside = [load_sidecar(path) for path in SIDECARS]
    same = {each.cohort.sha256 for each in beside if each.cohort and each.heads.embedding == found.heads.embedding}
    assert same == {cohort.sha256}
    assert not [group for group in _content(sidecar)["cohort"]["unmet"] if group.endswith(" at 0.3 %")]


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
