"""Pretrained weights of Keras applications in our plans."""

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed: pip install 'facenode[train]'")
pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'facenode[train]'")

import keras
import torch

from models.errors import DataError
from models.networks.backbones import BACKBONES
from models.networks.keras_network import keras_backbone
from models.networks.pretrained import read_pretrained
from models.networks.torch_network import TorchNetwork
from models.recipe.recipe import load_recipe

DISTILLED = ("mobilenet", "mobilenet_v2", "inception_v3")
CONFIGS = Path(__file__).resolve().parents[4] / "models" / "configs"


def _faces(count: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (count, 112, 112, 3), dtype=np.uint8)


@pytest.mark.parametrize(("name", "application"), [("mobilenet_v2", "MobileNetV2"), ("inception_v3", "InceptionV3")])
def test_pretrained_weights_compute_what_keras_computes(name: str, application: str, tmp_path: Path) -> None:
    """With an application's weights, our plan computes its last map: the mean differs by at most 1e-4.

    Random weights stay below 6, where ReLU equals ReLU6.
    """
    plan = BACKBONES[name]()
    file = tmp_path / "pretrained.npz"
    keras.utils.set_random_seed(1)
    model = getattr(keras.applications, application)(include_top=False, weights=None, input_shape=(112, 112, 3))
    np.savez(file, **{f"{number:04d}": value for number, value in enumerate(model.get_weights())})
    start = read_pretrained(plan, file)
    torch.manual_seed(1)
    network = TorchNetwork(plan, {})
    network.load_weights(start, torch.from_numpy(_faces(2)))
    faces = _faces(2)
    scaled = ((faces - np.array(plan.mean)) / np.array(plan.spread)).astype(np.float32)
    expected = np.asarray(model(scaled, training=False))
    taps = keras_backbone(plan, network.folded())(faces)
    assert expected.max() < 6
    if "last" in taps:
        found = np.asarray(taps["last"])
        means = expected.mean(axis=(1, 2))
    else:  # of its upper and its lower half
        found = np.asarray(taps["last_top"])
        means = expected[:, :2].mean(axis=(1, 2))
    assert found == pytest.approx(means, abs=1e-4 * max(1.0, float(np.abs(means).max())))


def test_pretrained_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    """The message names the file and the backbone."""
    file = tmp_path / "pretrained.npz"
    np.savez(file, **{"0000": np.zeros((3, 3, 3, 32), dtype=np.float16)})
    with pytest.raises(DataError, match=r"pretrained\.npz: the weights are not those of a mobilenet"):
        read_pretrained(BACKBONES["mobilenet"](), file)
    file.write_bytes(b"no archive")
    with pytest.raises(DataError, match="not a file of pretrained weights"):
        read_pretrained(BACKBONES["mobilenet"](), file)
    with pytest.raises(DataError, match="part of the face data"):
        read_pretrained(BACKBONES["mobilenet"](), tmp_path / "none.npz")


@pytest.mark.data
@pytest.mark.parametrize("name", DISTILLED)
def test_the_pretrained_weights_of_a_recipe_fit_its_plan(name: str, data_dir: Path) -> None:
    """Each recipe names a file with the weights of its backbone; only the end has random weights."""
    recipe = load_recipe(CONFIGS / f"{name}.toml")
    start = read_pretrained(BACKBONES[name](), data_dir / recipe.weights.file, recipe.weights.sha256)
    assert len(start) == len(BACKBONES[name]().convolutions) - 2
    assert all(math.isfinite(float(np.abs(part.kernel).max())) for part in start)
