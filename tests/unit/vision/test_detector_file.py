"""The detector's file and its sidecar: what does not fit together is an error that says what to do."""

import hashlib
import json
from pathlib import Path

import pytest

from node.errors import ModelError
from node.vision.detector import Detector
from node.vision.detector_file import read_detector

FOLDER = Path(__file__).resolve().parents[3] / "models" / "detector"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """Return a copy of the detector."""
    for name in ("yunet.float32.tflite", "yunet.float32.json"):
        (tmp_path / name).write_bytes((FOLDER / name).read_bytes())
    return tmp_path / "yunet.float32.tflite"


@pytest.mark.parametrize("form", ["float32", "int8"])
def test_the_files_that_ship_fit_their_sidecars(form: str) -> None:
    """Each sidecar names its own file, where it is from, and the command that made it."""
    path = FOLDER / f"yunet.{form}.tflite"
    sidecar, content = read_detector(path)
    assert sidecar.name == path.stem
    assert sidecar.quantisation == form
    assert content == path.read_bytes()
    described = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert {"origin", "terms", "command", "metrics"} <= described.keys()


def test_a_changed_file_is_refused(copied: Path) -> None:
    """The digest of the sidecar does not match."""
    content = bytearray(copied.read_bytes())
    content[-1] ^= 1
    copied.write_bytes(content)
    with pytest.raises(ModelError, match=r"yunet\.float32\.tflite: sha256 is .*install the program again"):
        read_detector(copied)


@pytest.mark.parametrize("name", ["yunet.float32.tflite", "yunet.float32.json"])
def test_a_missing_file_is_named(copied: Path, name: str) -> None:
    """With what to do."""
    copied.with_name(name).unlink()
    with pytest.raises(ModelError, match=rf"{name}: No such file or directory: install the program again"):
        read_detector(copied)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sha256": "short"}, "sha256: "),
        ({"network": "other"}, "network: "),
        ({"quantisation": None}, "quantisation: "),
    ],
)
def test_a_sidecar_that_does_not_describe_a_detector_is_refused(
    copied: Path, change: dict[str, object], message: str
) -> None:
    """The field is named."""
    described = copied.with_suffix(".json")
    described.write_text(json.dumps(json.loads(described.read_text()) | change), encoding="utf-8")
    with pytest.raises(ModelError, match=message):
        read_detector(copied)


def test_a_sidecar_that_is_no_json_is_refused(copied: Path) -> None:
    """It is named, and nothing is loaded."""
    copied.with_suffix(".json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match=r"yunet\.float32\.json: .*install the program again"):
        read_detector(copied)


def test_a_huge_file_is_not_read(copied: Path) -> None:
    """YuNet takes a quarter of a megabyte."""
    with copied.open("r+b") as file:
        file.truncate(1 << 33)
    with pytest.raises(ModelError, match="install the program again"):
        read_detector(copied)


def test_a_file_that_is_no_network_is_refused(copied: Path) -> None:
    """A digest that fits is not enough."""
    copied.write_bytes(b"no network")
    described = copied.with_suffix(".json")
    changed = json.loads(described.read_text()) | {"sha256": hashlib.sha256(b"no network").hexdigest()}
    described.write_text(json.dumps(changed), encoding="utf-8")
    with pytest.raises(ModelError, match="cannot load it"):
        Detector(copied)
