"""The network in PyTorch, and that Keras builds the same one from a plan."""

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed: pip install 'facenode[train]'")
pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'facenode[train]'")

import torch

from models.networks.backbones import BACKBONES
from models.networks.keras_network import keras_backbone
from models.networks.torch_network import TorchNetwork

DISTILLED = ("mobilenet", "mobilenet_v2", "inception_v3")


def _faces(count: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (count, 112, 112, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", DISTILLED)
def test_the_trained_network_equals_the_exported_one(name: str) -> None:
    """PyTorch and Keras build one network: the embedding differs by at most 1e-4 of its length, batch norm folded.

    The statistics come from other faces, so the test fails if they are not folded in.
    """
    torch.manual_seed(1)
    plan = BACKBONES[name]()
    network = TorchNetwork(plan, {"age": 3})
    network.load_weights((), torch.from_numpy(_faces(4)))
    network.eval()
    faces = _faces(2)
    with torch.no_grad():
        expected = network(torch.from_numpy(faces))["embedding"].numpy()
    found = np.asarray(keras_backbone(plan, network.folded())(faces)["embedding"])
    assert float(np.abs(found - expected).max()) <= 1e-4 * float(np.linalg.norm(expected, axis=1).max())


def test_measuring_batch_norm_statistics_keeps_the_function() -> None:
    """Pretrained weights have no statistics; measuring them on faces keeps the function (tolerance 1e-3)."""
    torch.manual_seed(1)
    faces = torch.from_numpy(_faces(4))
    network = TorchNetwork(BACKBONES["mobilenet_v2"](), {})
    network.eval()
    with torch.no_grad():
        expected = network(faces)["embedding"].numpy()
    network.load_weights((), faces)
    with torch.no_grad():
        found = network(faces)["embedding"].numpy()
    assert float(np.abs(found - expected).max()) <= 1e-3 * float(np.abs(expected).max())


def test_with_frozen_batch_norm_training_mode_equals_evaluation_mode() -> None:
    """The output does not depend on the batch (tolerance 1e-4), and all parameters still have gradients."""
    torch.manual_seed(1)
    network = TorchNetwork(BACKBONES["mobilenet_v2"](), {})
    network.load_weights((), torch.from_numpy(_faces(4)))
    network.eval()
    faces = torch.from_numpy(_faces(2))
    with torch.no_grad():
        expected = network(faces)["embedding"]
    network.train()
    network.freeze_batch_norm()
    found = network(faces)["embedding"]
    assert float((found.detach() - expected).abs().max()) <= 1e-4 * float(expected.abs().max())
    found.sum().backward()
    assert all(value.grad is not None for value in network.parameters())
