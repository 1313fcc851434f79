"""The weights of a `.tflite` file."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed: pip install 'facenode[train]'")
pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed: pip install ai-edge-litert")

from models.arrays import unit_rows
from models.catalogue import ZOO
from models.errors import DataError
from models.names import EMBEDDING
from models.networks.backbones import BACKBONES
from models.networks.keras_network import keras_backbone
from models.networks.tflite_weights import read_convolutions
from models.recipe.recipe import load_recipe
from node.vision.tflite import Network

RECIPE = load_recipe(Path(__file__).resolve().parents[4] / "models" / "configs" / "mobilefacenet.toml")


def _crops(count: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (count, 112, 112, 3), dtype=np.uint8)


@pytest.mark.data
def test_a_file_with_another_digest_is_refused(data_dir: Path) -> None:
    """A recipe states the digest of its weights; another file is an error."""
    with pytest.raises(DataError, match="another file"):
        read_convolutions(data_dir / RECIPE.weights.file, "0" * 64)


def test_a_missing_file_of_weights_is_named(tmp_path: Path) -> None:
    """The message names the file."""
    with pytest.raises(DataError, match=r"none\.tflite"):
        read_convolutions(tmp_path / "none.tflite")


@pytest.mark.parametrize("name", ["mobilefacenet", "mobilenet", "mobilenet_v2"])
def test_a_backbone_is_read_back_from_a_file_of_the_zoo(name: str) -> None:
    """With the weights read, unit embeddings differ from those of the file by at most 1e-5."""
    path, crops = ZOO / f"{name}.float32.tflite", _crops(2)
    kept = keras_backbone(BACKBONES[name](), read_convolutions(path))
    found, whole = unit_rows(np.asarray(kept(crops)[EMBEDDING])), Network(path)
    for crop, row in zip(crops, found, strict=True):
        assert row == pytest.approx(whole.infer(crop)[EMBEDDING], abs=1e-5)


def test_a_file_without_float32_weights_is_refused(tmp_path: Path) -> None:
    """The message says which file to name, for an 8-bit network and for a file that is not a network."""
    (tmp_path / "a.tflite").write_bytes(b"no network")
    with pytest.raises(DataError, match=r"a\.tflite: not a \.tflite file: name a float32 network"):
        read_convolutions(tmp_path / "a.tflite")
    with pytest.raises(DataError, match=r"int8\.tflite: .* name the float32 file"):
        read_convolutions(ZOO / "mobilefacenet.int8.tflite")


@pytest.mark.parametrize("kept", [9, 2000, 100_000])
def test_a_truncated_file_is_refused(tmp_path: Path, kept: int) -> None:
    """A partial download is an error in one line, not a traceback."""
    whole = (ZOO / "mobilenet_v2.float32.tflite").read_bytes()
    (tmp_path / "a.tflite").write_bytes(whole[:kept])
    with pytest.raises(DataError, match=r"a\.tflite: .*(damaged|not a \.tflite file)"):
        read_convolutions(tmp_path / "a.tflite")
