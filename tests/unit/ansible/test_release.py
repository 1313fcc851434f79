"""A release of the fleet: built once, never changed, rejected if its files have changed."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parents[3] / "ansible" / "tools" / "release.py"
SIDECAR = {"sha256": "3f9a1c02" + "0" * 56, "heads": {"embedding": {"space": "tiny-1"}}}


def release(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the tool that builds releases."""
    command = [sys.executable, str(TOOL), "--folder", str(folder), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"LC_ALL": "C.UTF-8"})


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """Return a minimal wheel of the program, without dependencies."""
    path = tmp_path / "facenode-1.2.3-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("facenode-1.2.3.dist-info/METADATA", "Metadata-Version: 2.1\nName: facenode\nVersion: 1.2.3\n")
        archive.writestr("node/artefacts/mobilefacenet.float32.json", json.dumps(SIDECAR))
    return path


def test_the_manifest_describes_the_release(tmp_path: Path, wheel: Path) -> None:
    """It names version and network as `health` reports them, and the checksum of the program."""
    done = release(tmp_path / "fleet", "--name", "one", "--wheel", wheel)
    assert (done.returncode, done.stdout) == (0, "changed\n"), done.stderr
    content = json.loads((tmp_path / "fleet/releases/one/release.json").read_text())
    assert (content["version"], content["model"], content["space"]) == ("1.2.3", "3f9a1c02", "tiny-1")
    assert len(content["wheel"]["sha256"]) == 64
    assert release(tmp_path / "fleet", "--name", "one").stdout == "up to date\n"


def test_a_network_of_its_own_is_copied_into_the_release(tmp_path: Path, wheel: Path) -> None:
    """Network and sidecar are copied with their checksums, and the manifest names this network."""
    network = tmp_path / "other.tflite"
    network.write_bytes(b"network")
    network.with_suffix(".json").write_text(json.dumps(SIDECAR | {"sha256": "ab" * 32}))
    done = release(tmp_path / "fleet", "--name", "two", "--wheel", wheel, "--model", network)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "fleet/releases/two"
    content = json.loads((folder / "release.json").read_text())
    assert (content["network"], content["model"]) == ("other.tflite", "abababab")
    assert sorted(content["model_files"]) == ["other.json", "other.tflite"]
    assert (folder / "model/other.tflite").read_bytes() == b"network"


def test_the_cohort_of_a_network_is_copied_with_it(tmp_path: Path, wheel: Path) -> None:
    """A node refuses a network whose cohort is missing, so that a release without it is none."""
    network, cohort = tmp_path / "other.tflite", tmp_path / "other.cohort.npy"
    network.write_bytes(b"network")
    described = {"sha256": "ab" * 32, "cohort": {"file": cohort.name}}
    network.with_suffix(".json").write_text(json.dumps(SIDECAR | described))
    done = release(tmp_path / "fleet", "--name", "one", "--wheel", wheel, "--model", network)
    assert done.returncode == 1
    assert done.stderr.endswith(
        "other.cohort.npy: no such file: the network needs its cohort beside it: copy it again\n"
    )
    cohort.write_bytes(b"cohort")
    done = release(tmp_path / "fleet", "--name", "one", "--wheel", wheel, "--model", network)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "fleet/releases/one"
    content = json.loads((folder / "release.json").read_text())
    assert sorted(content["model_files"]) == ["other.cohort.npy", "other.json", "other.tflite"]
    assert (folder / "model/other.cohort.npy").read_bytes() == b"cohort"


def test_a_program_that_changed_after_the_build_is_rejected(tmp_path: Path, wheel: Path) -> None:
    """A file that does not match its checksum never reaches a node."""
    assert release(tmp_path / "fleet", "--name", "one", "--wheel", wheel).returncode == 0
    next((tmp_path / "fleet/releases/one").glob("*.whl")).write_bytes(b"else")
    done = release(tmp_path / "fleet", "--name", "one")
    assert done.returncode == 1
    assert "does not match its checksum" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--name", "../up"), "invalid name"),
        (("--name", "new"), "this release does not exist yet"),
        (("--name", "new", "--wheel", "WHEEL", "--kind", "mips-3.13"), "mips-3.13 is not a kind of machine"),
    ],
)
def test_an_impossible_release_is_rejected_in_one_line(
    tmp_path: Path, wheel: Path, arguments: tuple[str, ...], why: str
) -> None:
    """An integrator never sees a traceback."""
    given = [str(wheel) if argument == "WHEEL" else argument for argument in arguments]
    done = release(tmp_path / "fleet", *given)
    assert done.returncode == 1
    assert why in done.stderr
    assert "Traceback" not in done.stderr
