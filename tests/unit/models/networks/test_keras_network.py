"""The network in Keras: its backbone against the file that its weights come from, and its heads."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed: pip install 'facenode[train]'")
pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed: pip install ai-edge-litert")

import tiny_network
from ai_edge_litert.interpreter import Interpreter

from models.arrays import Array, unit_rows
from models.errors import DataError
from models.evaluation.calibration import apply_temperature
from models.names import EMBEDDING
from models.networks.backbones import BACKBONES
from models.networks.keras_network import keras_backbone, keras_network
from models.networks.tflite_weights import read_convolutions
from models.recipe.recipe import load_recipe

PLAN = BACKBONES["mobilefacenet"]()
RECIPE = load_recipe(Path(__file__).resolve().parents[4] / "models" / "configs" / "mobilefacenet.toml")


def _crops(count: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (count, 112, 112, 3), dtype=np.uint8)


@pytest.mark.data
def test_the_embedding_equals_that_of_the_original_file(data_dir: Path) -> None:
    """The backbone computes what the file computes: unit embeddings differ by at most 2e-6."""
    path = data_dir / RECIPE.weights.file
    original = Interpreter(str(path))
    original.allocate_tensors()
    crops = _crops(2)
    normalised = ((crops.astype(np.float32) - 127.5) / 128).astype(np.float32)
    original.set_tensor(original.get_input_details()[0]["index"], normalised)
    original.invoke()
    expected = unit_rows(original.get_tensor(original.get_output_details()[0]["index"]))
    found = unit_rows(
        np.asarray(keras_backbone(PLAN, read_convolutions(path, RECIPE.weights.sha256))(crops)[EMBEDDING])
    )
    assert float(np.abs(found - expected).max()) <= 2e-6


def test_weights_of_another_network_are_refused() -> None:
    """Too few layers, too many, or layers of other shapes are errors."""
    layers = tiny_network.convolutions()
    with pytest.raises(DataError, match="another network"):
        keras_backbone(PLAN, layers[:-1])
    with pytest.raises(DataError, match="another network"):
        keras_backbone(PLAN, (*layers, layers[-1]))
    with pytest.raises(DataError, match="layer stem has weights of another shape"):
        keras_backbone(PLAN, (layers[1], *layers[1:]))


def test_the_network_has_four_named_heads() -> None:
    """One network gives four heads: an embedding of unit length and shares that sum to one (tolerance 1e-5)."""
    trained = tiny_network.checkpoint()
    model = keras_network(
        keras_backbone(PLAN, tiny_network.convolutions()), trained.means, 16.0, trained.scales, trained.groups
    )
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
    """The closed set is not trained: 16 times the cosine to each person's mean (tolerance 1e-5)."""
    trained = tiny_network.checkpoint()
    model = keras_network(
        keras_backbone(PLAN, tiny_network.convolutions()), trained.means, 16.0, trained.scales, trained.groups
    )
    answers = {name: np.asarray(value) for name, value in model(_crops(3)).items()}
    scores = np.exp(16.0 * answers["embedding"] @ unit_rows(trained.means).T)
    assert answers["identity"] == pytest.approx(scores / scores.sum(axis=1, keepdims=True), abs=1e-5)


def test_a_temperature_is_part_of_the_network() -> None:
    """The scores of a head with temperature 2 are those without it, softened by 2 (tolerance 1e-5)."""
    trained = tiny_network.checkpoint()
    answers = []
    for temperature in (1.0, 2.0):
        groups = {name: replace(group, temperature=temperature) for name, group in trained.groups.items()}
        model = keras_network(
            keras_backbone(PLAN, tiny_network.convolutions()), trained.means, 16.0, trained.scales, groups
        )
        answers.append({name: np.asarray(value) for name, value in model(_crops(3)).items()})
    plain, soft = answers
    for head in ("age", "ethnicity"):
        assert soft[head] == pytest.approx(apply_temperature(plain[head], 2.0), abs=1e-5)
    assert np.array_equal(soft["identity"], plain["identity"])
