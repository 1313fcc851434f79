"""`check` says which network would run, and how it would decide about names."""

import json
from pathlib import Path

import pytest
from cohorts import array_file, description, random_units
from network_copies import copy_network

from node.diagnostics.network import network_finding
from node.errors import ModelError
from node.people.scoring import Scoring
from node.vision.cohort import load_cohort
from node.vision.sidecar import Sidecar
from node.vision.tflite import Network

COSINE = ", without a cohort: strangers of some groups are named more often than people.max_fpir says"


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """Return a copy of the default network without a cohort."""
    copied = copy_network(tmp_path)
    content = json.loads(copied.with_suffix(".json").read_text())
    del content["cohort"]
    copied.with_suffix(".json").write_text(json.dumps(content))
    return copied


def add_cohort(network: Path) -> Path:
    """Give a network a cohort, and return its file."""
    content = json.loads(network.with_suffix(".json").read_text())
    file = network.with_suffix(".cohort.npy")
    file.write_bytes(array_file(random_units(9, content["heads"]["embedding"]["length"]).astype("float16")))
    section = description(file.read_bytes(), file.name, thresholds=content["thresholds"])
    network.with_suffix(".json").write_text(json.dumps(content | {"cohort": section}))
    return file


def said(path: Path, *, compared: bool = True) -> tuple[bool, str]:
    """Return the finding about a network, without what depends on the runtime."""

    def scoring(sidecar: Sidecar) -> Scoring:
        return Scoring.of(sidecar, load_cohort(path, sidecar))

    finding = network_finding(lambda: Network(path), scoring if compared else None)
    assert finding.name == "network"
    return finding.ok, finding.text.replace(" on tflite", "").replace(" on litert", "")


def test_a_network_with_a_cohort_is_named_with_its_version(network: Path) -> None:
    """A network without one works too, and the line says what that means, unless the closed set decides."""
    ok, plain = said(network, compared=False)
    assert ok
    assert plain.startswith("mobilefacenet.float32 ")
    assert said(network) == (True, f"{plain}{COSINE}")
    add_cohort(network)
    assert said(network) == (True, plain)


def test_a_network_that_cannot_be_loaded_is_one_line(network: Path) -> None:
    """The error is the finding, also where the cohort is damaged."""
    add_cohort(network).write_bytes(b"else")
    ok, text = said(network)
    assert not ok
    assert "net.cohort.npy: sha256 is " in text

    def damaged() -> Network:
        raise ModelError("a.tflite: sha256 is 1, its sidecar says 2")

    assert network_finding(damaged, None).text == "a.tflite: sha256 is 1, its sidecar says 2"
