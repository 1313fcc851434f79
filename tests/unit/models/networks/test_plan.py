"""The plans of the backbones, and that both frameworks build the same network from one."""

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
from models.networks.backbones import BACKBONES, EMBEDDING_LENGTH
from models.networks.keras_network import keras_backbone
from models.networks.plan import PICTURE, Plan
from models.networks.pretrained import read_pretrained
from models.networks.torch_network import TorchNetwork
from models.recipe.recipe import load_recipe

CONVOLUTIONS = {"mobilefacenet": 52, "mobilenet": 29, "mobilenet_v2": 54, "inception_v3": 96}
DISTILLED = ("mobilenet", "mobilenet_v2", "inception_v3")


def _faces(count: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (count, 112, 112, 3), dtype=np.uint8)


@pytest.fixture(params=BACKBONES)
def plan(request: pytest.FixtureRequest) -> Plan:
    """Return the plan of each backbone in turn."""
    return BACKBONES[request.param]()


def test_each_step_reads_earlier_ones(plan: Plan) -> None:
    """A plan can be built from its first step to its last, and no name stands for two steps."""
    known = {PICTURE}
    for step in plan.steps:
        assert set(step.sources) <= known, step.name
        assert step.name not in known
        known.add(step.name)
    assert {band.step for band in plan.taps.values()} <= known


def test_a_plan_has_the_layers_of_its_paper(plan: Plan) -> None:
    """Of MobileNet 27 convolutions, of MobileNetV2 52, of InceptionV3 94, and the two of our end."""
    assert len(plan.convolutions) == CONVOLUTIONS[plan.name]
    assert plan.convolutions[-1].outputs == EMBEDDING_LENGTH


@pytest.mark.parametrize("name", DISTILLED)
def test_what_is_trained_is_what_is_exported(name: str) -> None:
    """Training and export build one network: the embedding differs by at most 1e-4 of its length, batch norm folded.

    The statistics are those of other faces, so the test sees whether they are folded in.
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


def test_measured_statistics_change_no_answer() -> None:
    """Starting weights come without statistics; taking them from faces leaves the function as it was (to 1e-3)."""
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


def test_a_settled_network_is_trained_as_it_will_be_used() -> None:
    """In training it answers what it answers in use, whatever the batch (to 1e-4), and its gains still learn."""
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


@pytest.mark.parametrize(("name", "application"), [("mobilenet_v2", "MobileNetV2"), ("inception_v3", "InceptionV3")])
def test_starting_weights_give_what_keras_gives(name: str, application: str, tmp_path: Path) -> None:
    """An application's weights, put into our plan, compute its last map: its mean differs by at most 1e-4.

    Random weights keep below 6, where ReLU and ReLU6 are one.
    """
    plan = BACKBONES[name]()
    file = tmp_path / "start.npz"
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


def test_starting_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    """The message names the file and the backbone."""
    file = tmp_path / "start.npz"
    np.savez(file, **{"0000": np.zeros((3, 3, 3, 32), dtype=np.float16)})
    with pytest.raises(DataError, match=r"start\.npz: holds other weights than a mobilenet has"):
        read_pretrained(BACKBONES["mobilenet"](), file)
    file.write_bytes(b"no archive")
    with pytest.raises(DataError, match="no file of starting weights"):
        read_pretrained(BACKBONES["mobilenet"](), file)
    with pytest.raises(DataError, match="belong to the face data"):
        read_pretrained(BACKBONES["mobilenet"](), tmp_path / "none.npz")


@pytest.mark.data
@pytest.mark.parametrize("name", DISTILLED)
def test_the_starting_weights_fit_the_plan(name: str, data_dir: Path) -> None:
    """Each recipe names a file whose weights are those of its backbone, and only the end is left to chance."""
    recipe = load_recipe(Path(__file__).resolve().parents[4] / "models" / "configs" / f"{name}.toml")
    start = read_pretrained(BACKBONES[name](), data_dir / recipe.weights.file, recipe.weights.sha256)
    assert len(start) == CONVOLUTIONS[name] - 2
    assert all(math.isfinite(float(np.abs(part.kernel).max())) for part in start)
