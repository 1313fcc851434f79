"""From a checkpoint to files that a node can run."""

from pathlib import Path

import jsonschema
import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed: pip install 'facenode[train]'")
pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed: pip install ai-edge-litert")

import tiny_network

from models.errors import TrainingError
from models.evaluation.thresholds import ThresholdRow, Thresholds
from models.exporting.exporter import build
from models.exporting.sidecar import sidecar, write
from models.names import Quantisation
from models.networks.checkpoint import load_checkpoint, save_checkpoint
from models.networks.keras_network import keras_backbone, keras_network
from models.recipe.recipe import load_recipe
from node.contract import schema
from node.vision.tflite import Network

RECIPE = load_recipe(Path(__file__).resolve().parents[4] / "models" / "configs" / "mobilefacenet.toml")
CROPS = np.random.default_rng(2).integers(0, 256, (2, 112, 112, 3), dtype=np.uint8)
ROWS = (ThresholdRow(0.003, 1, 0.4, 10, 0.35, 0.45), ThresholdRow(0.003, 10, 0.5, 10, 0.44, 0.57))


@pytest.mark.parametrize("form", ["float32", "dynamic", "int8"])
def test_an_export_is_reproducible(form: Quantisation) -> None:
    """The hash of a network depends on its recipe and checkpoint alone."""
    trained = tiny_network.checkpoint()
    assert build(RECIPE, trained, form, CROPS) == build(RECIPE, trained, form, CROPS)


def test_a_node_runs_an_exported_network(tmp_path: Path) -> None:
    """The file gives the outputs of the Keras model in the node's runtime (tolerance 1e-4)."""
    trained = tiny_network.checkpoint()
    content = build(RECIPE, trained, "float32", CROPS)
    description = sidecar(RECIPE, trained, Thresholds(ROWS, 0.99), content, "float32")
    jsonschema.validate(description, schema("sidecar"))
    row = description["thresholds"]["rows"][1]
    assert (row["cosine"], row["low"], row["high"], row["strangers"]) == (0.5, 0.44, 0.57, 10)
    found = Network(write(tmp_path, description, content))
    crop = np.random.default_rng(1).integers(0, 256, (112, 112, 3), dtype=np.uint8)
    sharpness = RECIPE.heads.identity.sharpness
    model = keras_network(
        keras_backbone(tiny_network.PLAN, trained.convolutions),
        trained.means,
        sharpness,
        trained.scales,
        trained.groups,
    )
    expected = model(crop[np.newaxis])
    for head, values in found.infer(crop).items():
        assert values == pytest.approx(np.asarray(expected[head])[0], abs=1e-4), head


def test_a_checkpoint_is_read_back(tmp_path: Path) -> None:
    """Export reads the file that training wrote."""
    trained = tiny_network.checkpoint()
    save_checkpoint(trained, tmp_path / "c.npz")
    found = load_checkpoint(tmp_path / "c.npz", ("age", "ethnicity"))
    assert found.people == trained.people
    assert np.array_equal(found.means, trained.means)
    assert np.array_equal(found.groups["age"].taps["last_top"], trained.groups["age"].taps["last_top"])
    assert {name: group.temperature for name, group in found.groups.items()} == {"age": 0.5, "ethnicity": 2.0}


def test_a_missing_checkpoint_says_to_train_first(tmp_path: Path) -> None:
    """The message names the command."""
    with pytest.raises(TrainingError, match=r"models\.train"):
        load_checkpoint(tmp_path / "none.npz", ("age",))


def test_a_damaged_checkpoint_says_to_train_again(tmp_path: Path) -> None:
    """A truncated file is an error."""
    save_checkpoint(tiny_network.checkpoint(), tmp_path / "c.npz")
    (tmp_path / "c.npz").write_bytes((tmp_path / "c.npz").read_bytes()[:100])
    with pytest.raises(TrainingError, match="train again"):
        load_checkpoint(tmp_path / "c.npz", ("age",))
