"""The network in Keras: its backbone against the file that its weights come from, and its heads."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed: pip install 'facenode[train]'")
pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed: pip install 'facenode[litert]'")

import tiny
from ai_edge_litert.interpreter import Interpreter

from models.architecture import EMBEDDING, backbone, layer_names, network, private_pairs
from models.equalise import equalised
from models.errors import DataError
from models.recipe import load_recipe
from models.vectors import Array, unit_rows
from models.weights import read_convolutions

RECIPE = load_recipe(Path(__file__).resolve().parents[3] / "models" / "configs" / "mobilefacenet.toml")


def _crops(count: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (count, 112, 112, 3), dtype=np.uint8)


@pytest.mark.data
def test_the_embedding_is_that_of_the_original_file(data_dir: Path) -> None:
    """The backbone computes what the file computes: unit embeddings differ by at most 2e-6."""
    path = data_dir / RECIPE.weights.file
    original = Interpreter(str(path))
    original.allocate_tensors()
    crops = _crops(2)
    normalised = ((crops.astype(np.float32) - 127.5) / 128).astype(np.float32)
    original.set_tensor(original.get_input_details()[0]["index"], normalised)
    original.invoke()
    expected = unit_rows(original.get_tensor(original.get_output_details()[0]["index"]))
    found = unit_rows(np.asarray(backbone(read_convolutions(path, RECIPE.weights.sha256))(crops)[EMBEDDING]))
    assert float(np.abs(found - expected).max()) <= 2e-6


@pytest.mark.data
def test_the_weights_of_another_file_are_refused(data_dir: Path) -> None:
    """A recipe names the digest of its weights; another file is not taken for it."""
    with pytest.raises(DataError, match="another file"):
        read_convolutions(data_dir / RECIPE.weights.file, "0" * 64)


def test_missing_weights_are_named(tmp_path: Path) -> None:
    """The message names the file."""
    with pytest.raises(DataError, match=r"none\.tflite"):
        read_convolutions(tmp_path / "none.tflite")


def test_weights_of_another_network_are_refused() -> None:
    """Too few layers, too many, or others do not become some network."""
    layers = tiny.convolutions()
    with pytest.raises(DataError, match="end before layer embedding_project"):
        backbone(layers[:-1])
    with pytest.raises(DataError, match="more layers"):
        backbone((*layers, layers[-1]))
    with pytest.raises(DataError, match="no MobileFaceNet"):
        backbone((layers[1], *layers[1:]))


def test_heads_answer_by_name() -> None:
    """One network gives four heads: an embedding of unit length and shares that sum to one (tolerance 1e-5)."""
    trained = tiny.checkpoint()
    model = network(backbone(tiny.convolutions()), trained.means, 16.0, trained.scales, trained.groups)
    answers: dict[str, Array] = {name: np.asarray(value) for name, value in model(_crops(3)).items()}
    assert {name: value.shape for name, value in answers.items()} == {
        "embedding": (3, 16),
        "identity": (3, 9),
        "age": (3, 3),
        "ethnicity": (3, 5),
    }
    assert np.linalg.norm(answers["embedding"], axis=1) == pytest.approx(1.0, abs=1e-5)
    for head in ("identity", "age", "ethnicity"):
        assert answers[head].sum(axis=1) == pytest.approx(1.0, abs=1e-5)


def test_identity_is_the_softmax_of_scaled_cosines() -> None:
    """The closed set is no training: 16 times the cosine to each person's mean (tolerance 1e-5)."""
    trained = tiny.checkpoint()
    model = network(backbone(tiny.convolutions()), trained.means, 16.0, trained.scales, trained.groups)
    answers = {name: np.asarray(value) for name, value in model(_crops(3)).items()}
    scores = np.exp(16.0 * answers["embedding"] @ unit_rows(trained.means).T)
    assert answers["identity"] == pytest.approx(scores / scores.sum(axis=1, keepdims=True), abs=1e-5)


def test_equalisation_leaves_the_function_unchanged() -> None:
    """Moving scales between layers changes no answer: taps differ by at most 1e-5 of the greatest."""
    layers = tiny.convolutions()
    evener = equalised(layers, private_pairs())
    before, after = backbone(layers)(_crops(2)), backbone(evener)(_crops(2))
    for tap, value in before.items():
        expected = np.asarray(value)
        assert float(np.abs(np.asarray(after[tap]) - expected).max()) <= 1e-5 * float(np.abs(expected).max()), tap


def test_equalisation_evens_the_weights() -> None:
    """Between an expansion and its depthwise convolution each channel has the same greatest weight on both sides."""
    layers = tiny.convolutions()
    number = layer_names().index("stage28_0_expand")
    evener = equalised(layers, [(number, number + 1)])
    made = np.abs(evener[number].kernel).max(axis=(0, 1, 2))
    read = np.abs(evener[number + 1].kernel).max(axis=(0, 1, 3))
    assert made == pytest.approx(read, rel=1e-4)


def test_shared_outputs_are_not_equalised() -> None:
    """What a sum or a head reads keeps its scale."""
    names = layer_names()
    firsts = {names[first] for first, _ in private_pairs()}
    assert "stage14_6_project" not in firsts
    assert "last" not in firsts
    assert {"stem", "stage14_3_expand", "stage7_2_depthwise", "whole_face"} <= firsts
