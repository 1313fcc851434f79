"""The network: verified before it is used, its heads bound by name."""

import hashlib
import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from network_copies import copy_network

from node.contract import schema
from node.errors import ModelError
from node.system import bundled
from node.vision.sidecar import Alignment, Input
from node.vision.tflite import Network, find_runtime, quantised, started


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """Return a copy of the default network, its sidecar beside it."""
    return copy_network(tmp_path)


def change(path: Path, *keys: str, value: object) -> None:
    """Change one field of the sidecar."""
    sidecar = path.with_suffix(".json")
    content = json.loads(sidecar.read_text())
    place = content
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    sidecar.write_text(json.dumps(content))


def test_every_head_answers_by_name(copied: Path) -> None:
    """The embedding is of unit length and the classes are probabilities, within 1e-3."""
    network = Network(copied)
    crop = np.random.default_rng(0).integers(0, 255, (112, 112, 3), dtype=np.uint8)
    answers = network.infer(crop)
    assert {head: len(values) for head, values in answers.items()} == network.sidecar.heads.lengths
    assert float(np.linalg.norm(answers["embedding"])) == pytest.approx(1, abs=1e-3)
    for head in ("identity", "age", "ethnicity"):
        assert float(answers[head].sum()) == pytest.approx(1, abs=1e-3)


def test_answers_are_not_overwritten_by_the_next_call(copied: Path) -> None:
    """What was returned stays as it was: the interpreter's memory is not handed out."""
    network = Network(copied)
    rng = np.random.default_rng(0)
    first = network.infer(rng.integers(0, 255, (112, 112, 3), dtype=np.uint8))["embedding"]
    kept = first.copy()
    network.infer(rng.integers(0, 255, (112, 112, 3), dtype=np.uint8))
    np.testing.assert_array_equal(first, kept)


def test_the_sidecar_that_ships_fits_the_schema() -> None:
    """The contract and the file agree."""
    jsonschema.validate(json.loads(bundled.path(bundled.NETWORK).with_suffix(".json").read_text()), schema("sidecar"))


def test_a_missing_network_is_one_line(copied: Path) -> None:
    """The message names the file."""
    copied.unlink()
    with pytest.raises(ModelError, match=r"net\.tflite: No such file"):
        Network(copied)


def test_a_damaged_network_is_refused_by_its_hash(copied: Path) -> None:
    """One flipped bit is found before the runtime sees it."""
    content = bytearray(copied.read_bytes())
    content[len(content) // 2] ^= 1
    copied.write_bytes(content)
    with pytest.raises(ModelError, match="sha256"):
        Network(copied)


def test_a_file_that_is_no_network_is_refused_even_with_the_right_hash(copied: Path) -> None:
    """What the runtime cannot load is said as such."""
    copied.write_bytes(b"no network at all" * 10)
    change(copied, "sha256", value=hashlib.sha256(copied.read_bytes()).hexdigest())
    with pytest.raises(ModelError, match="cannot load it"):
        Network(copied)


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (("heads", "embedding", "length"), 128, "head embedding gives"),
        (("heads", "age", "labels"), ["young", "old"], "head age gives"),
        (("input", "size"), [160, 160], "its input is"),
        (("input", "name"), "picture", "no input 'picture'"),
    ],
)
def test_a_sidecar_that_does_not_fit_the_network_is_refused(
    copied: Path,
    keys: tuple[str, ...],
    value: object,
    message: str,
) -> None:
    """Shapes and names are compared with the file, head by head."""
    change(copied, *keys, value=value)
    with pytest.raises(ModelError, match=message):
        Network(copied)


def spec(dtype: Any, scale: float | None, zero_point: int | None) -> Input:  # noqa: ANN401 - a literal
    """Return the description of an input."""
    points = ((38.0, 52.0), (74.0, 52.0), (56.0, 72.0), (42.0, 92.0), (71.0, 92.0))
    return Input(
        name="image", size=(112, 112), dtype=dtype, scale=scale, zero_point=zero_point, colour="rgb",
        alignment=Alignment(template="t", points=points),
    )  # fmt: skip


def test_an_int8_input_is_quantised_by_scale_and_zero_point() -> None:
    """0, 128 and 255 of scale 1 and zero point -128 become -128, 0 and 127."""
    crop = np.array([[[0, 128, 255]]], np.uint8)
    np.testing.assert_array_equal(quantised(crop, spec("int8", 1.0, -128)), [[[-128, 0, 127]]])
    assert quantised(crop, spec("int8", 1.0, -128)).dtype == np.int8
    assert quantised(crop, spec("uint8", None, None)) is crop
    assert quantised(crop, spec("float32", None, None)).dtype == np.float32


@pytest.mark.parametrize("error", [ImportError("numpy.core.multiarray"), AttributeError("_ARRAY_API"), SystemError()])
def test_a_runtime_built_for_another_numpy_is_said(error: Exception) -> None:
    """It fails while it is imported, or only when it is used; each time one line names numpy."""

    def fail(*_: object, **__: object) -> None:
        raise error

    with pytest.raises(ModelError, match=r"tflite does not work with numpy [\d.]+ .*pip install 'numpy<2'"):
        find_runtime("tflite", fail)
    with pytest.raises(ModelError, match=r"net\.tflite: tflite does not work with numpy"):
        started(Path("net.tflite"), "tflite", fail, b"", 1)


def test_a_runtime_that_is_not_installed_is_said() -> None:
    """Both are named, and what to install."""

    def fail(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}")

    with pytest.raises(ModelError, match=r"ai-edge-litert: No module.*tflite-runtime: No module.*pip install"):
        find_runtime("auto", fail)
