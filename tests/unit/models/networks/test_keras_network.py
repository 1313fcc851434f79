"""The network in Keras: its backbone against the file that its weights come from, and its heads."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed: pip install 'facenode[train]'")
pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed: pip install 'facenode[litert]'")

import tiny_network
from ai_edge_litert.interpreter import Interpreter

from models.arrays import Array, unit_rows
from models.catalogue import ZOO
from models.errors import DataError
from models.evaluation.calibration import apply_temperature
from models.names import EMBEDDING
from models.networks.backbones import BACKBONES
from models.networks.convolution import Convolution
from models.networks.equalisation import equalise, inner_convolutions
from models.networks.keras_network import channel_ranges, keras_backbone, keras_network
from models.networks.plan import PICTURE, Activation, Plan, PlanBuilder
from models.networks.tflite_weights import read_convolutions
from models.recipe.recipe import load_recipe
from node.vision.tflite import Network

PLAN = BACKBONES["mobilefacenet"]()
RECIPE = load_recipe(Path(__file__).resolve().parents[4] / "models" / "configs" / "mobilefacenet.toml")


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
    found = unit_rows(
        np.asarray(keras_backbone(PLAN, read_convolutions(path, RECIPE.weights.sha256))(crops)[EMBEDDING])
    )
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


@pytest.mark.parametrize("name", ["mobilefacenet", "mobilenet", "mobilenet_v2"])
def test_a_backbone_comes_back_from_a_file_of_the_zoo(name: str) -> None:
    """Its weights are those that the file computes with: unit embeddings differ by at most 1e-5."""
    path, crops = ZOO / f"{name}.float32.tflite", _crops(2)
    kept = keras_backbone(BACKBONES[name](), read_convolutions(path))
    found, whole = unit_rows(np.asarray(kept(crops)[EMBEDDING])), Network(path)
    for crop, row in zip(crops, found, strict=True):
        assert row == pytest.approx(whole.infer(crop)[EMBEDDING], abs=1e-5)


def test_a_file_without_weights_in_float32_is_refused(tmp_path: Path) -> None:
    """The message says which file to name; one of 8 bits, or no network at all, is not guessed from."""
    (tmp_path / "a.tflite").write_bytes(b"no network")
    with pytest.raises(DataError, match=r"a\.tflite: not a \.tflite file: name a float32 network"):
        read_convolutions(tmp_path / "a.tflite")
    with pytest.raises(DataError, match=r"int8\.tflite: .* name the float32 file"):
        read_convolutions(ZOO / "mobilefacenet.int8.tflite")


@pytest.mark.parametrize("kept", [9, 2000, 100_000])
def test_a_file_that_was_cut_off_is_refused(tmp_path: Path, kept: int) -> None:
    """Half a download is one clear line, not an error from deep within."""
    whole = (ZOO / "mobilenet_v2.float32.tflite").read_bytes()
    (tmp_path / "a.tflite").write_bytes(whole[:kept])
    with pytest.raises(DataError, match=r"a\.tflite: .*(damaged|not a \.tflite file)"):
        read_convolutions(tmp_path / "a.tflite")


def test_weights_of_another_network_are_refused() -> None:
    """Too few layers, too many, or others do not become some network."""
    layers = tiny_network.convolutions()
    with pytest.raises(DataError, match="another network"):
        keras_backbone(PLAN, layers[:-1])
    with pytest.raises(DataError, match="another network"):
        keras_backbone(PLAN, (*layers, layers[-1]))
    with pytest.raises(DataError, match="layer stem has weights of another shape"):
        keras_backbone(PLAN, (layers[1], *layers[1:]))


def test_heads_answer_by_name() -> None:
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
    """The closed set is no training: 16 times the cosine to each person's mean (tolerance 1e-5)."""
    trained = tiny_network.checkpoint()
    model = keras_network(
        keras_backbone(PLAN, tiny_network.convolutions()), trained.means, 16.0, trained.scales, trained.groups
    )
    answers = {name: np.asarray(value) for name, value in model(_crops(3)).items()}
    scores = np.exp(16.0 * answers["embedding"] @ unit_rows(trained.means).T)
    assert answers["identity"] == pytest.approx(scores / scores.sum(axis=1, keepdims=True), abs=1e-5)


def test_a_temperature_is_part_of_the_network() -> None:
    """The scores of a head of temperature 2 are those without it, softened by 2 (tolerance 1e-5)."""
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


def test_equalisation_leaves_the_function_unchanged() -> None:
    """Moving scales between layers changes no answer: taps differ by at most 1e-5 of the greatest.

    The map of `last`, which the heads read as well, is divided; they are told by how much.
    """
    layers = tiny_network.convolutions()
    plain = keras_backbone(PLAN, layers)
    even = equalise(PLAN, layers, channel_ranges(PLAN, plain, _crops(4)))
    before, after = plain(_crops(2)), keras_backbone(PLAN, even.convolutions)(_crops(2))
    for tap, value in before.items():
        expected, found = (
            np.asarray(value),
            np.asarray(after[tap]) * (even.divided["last"] if tap in tiny_network.BANDS else 1),
        )
        assert float(np.abs(found - expected).max()) <= 1e-5 * float(np.abs(expected).max()), tap


def test_equalisation_evens_what_a_depthwise_convolution_reads() -> None:
    """Each channel between an expansion and its depthwise convolution then reaches to one (tolerance 1e-4)."""
    layers = tiny_network.convolutions()
    even = equalise(PLAN, layers, channel_ranges(PLAN, keras_backbone(PLAN, layers), _crops(4)))
    found = channel_ranges(PLAN, keras_backbone(PLAN, even.convolutions), _crops(4))["stage28_0_expand"]
    assert found == pytest.approx(np.ones_like(found), abs=1e-4)


@pytest.mark.parametrize(("activation", "reach"), [("prelu", 3.0), ("relu", 1.0)])
def test_only_what_is_quantised_counts_in_a_range(activation: Activation, reach: float) -> None:
    """A PReLU in 8 bits is several steps, a rectifier is one with its convolution: what it cuts off has no codes."""
    builder = PlanBuilder()
    x = builder.convolve("stem", PICTURE, 1, activation=activation)
    builder.convolve("end", x, 1, activation="none")
    plan = Plan("small", (127.5,) * 3, (127.5,) * 3, tuple(builder.steps), {})
    slope = np.full(1, 0.1, dtype=np.float32) if activation == "prelu" else None
    stem = Convolution(
        False, np.array([2.0, 0, 0], dtype=np.float32).reshape(1, 1, 3, 1), -np.ones(1, np.float32), slope
    )
    end = Convolution(False, np.ones((1, 1, 1, 1), dtype=np.float32), np.zeros(1, np.float32), None)
    crops = np.zeros((2, 4, 4, 3), dtype=np.uint8)  # black is -1, white 1: -3 and 1 after the convolution
    crops[1] = 255
    found = channel_ranges(plan, keras_backbone(plan, (stem, end), (4, 4)), crops, before=True)
    assert found["stem"] == pytest.approx([reach], abs=1e-5)


def test_unused_channels_keep_their_weights() -> None:
    """A channel that is always zero has no range to divide by."""
    layers = tiny_network.convolutions()
    even = equalise(PLAN, layers, {"stem": np.zeros(layers[0].kernel.shape[3], dtype=np.float32)})
    assert np.array_equal(even.convolutions[0].kernel, layers[0].kernel)


def test_what_enters_a_sum_is_not_equalised() -> None:
    """The residual maps are read by several layers and keep their scale."""
    found = set(inner_convolutions(PLAN))
    assert not {"stage28_0_project", "stage14_6_project", "embedding_project"} & found
    assert {"stem", "stage14_3_expand", "stage7_2_depthwise", "last", "whole_face", "whole_face_project"} <= found
