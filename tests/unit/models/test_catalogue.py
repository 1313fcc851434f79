"""The sidecars of a folder of networks."""

import json
from pathlib import Path

import pytest

from models.catalogue import shipped, temperatures, unquantised
from models.errors import TrainingError


def _sidecar(folder: Path, name: str, backbone: str, form: str, space: str = "s") -> Path:
    path = folder / f"{name}.json"
    heads = {"embedding": {"length": 192, "space": space}, "age": {"labels": ["young", "senior"], "temperature": 0.7}}
    path.write_text(json.dumps({"backbone": backbone, "quantisation": form, "heads": heads}))
    return path


def test_networks_are_listed_in_one_order(tmp_path: Path) -> None:
    """The default backbone is first, and float32 is first for each backbone, whatever the file names."""
    last = _sidecar(tmp_path, "a", "inception_v3", "int8")
    third = _sidecar(tmp_path, "b", "mobilenet", "float32")
    second = _sidecar(tmp_path, "c", "mobilefacenet", "int8")
    first = _sidecar(tmp_path, "d", "mobilefacenet", "float32")
    assert shipped(tmp_path) == [first, second, third, last]


def test_a_folder_without_networks_is_an_error(tmp_path: Path) -> None:
    """Measuring nothing must not look like success."""
    with pytest.raises(TrainingError, match="export a network first"):
        shipped(tmp_path)


def test_temperatures_are_those_of_the_sidecar(tmp_path: Path) -> None:
    """A head without one is left out."""
    assert temperatures(_sidecar(tmp_path, "a", "mobilenet", "int8")) == {"age": 0.7}


def test_a_quantised_network_has_an_unquantised_one_of_its_space(tmp_path: Path) -> None:
    """Another space is another network; without one in float32, the quantised network stands for itself."""
    exact = _sidecar(tmp_path, "a", "mobilenet", "float32", "one")
    coarse = _sidecar(tmp_path, "b", "mobilenet", "int8", "one")
    alone = _sidecar(tmp_path, "c", "inception_v3", "int8", "two")
    assert [unquantised(path) for path in (exact, coarse, alone)] == [exact, exact, alone]


def test_a_damaged_sidecar_is_named(tmp_path: Path) -> None:
    """The message names the file."""
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(TrainingError, match=r"a\.json.*cannot be read"):
        shipped(tmp_path)
