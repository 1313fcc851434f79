"""Bad input ends in one line that says what, where and what to do, with the exit code of the contract."""

import json
import re
import shutil
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from facenode import Outcome, facenode

from node.system import bundled


@pytest.fixture
def settings(tmp_path: Path, media_dir: Path) -> dict[str, object]:
    """Return settings under which a command would work."""
    return {"storage.dir": tmp_path / "storage", "camera.source": f"images:{media_dir}"}


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """Return a copy of the default network, its sidecar beside it."""
    source = bundled.path(bundled.NETWORK)
    shutil.copy(source, tmp_path / "net.tflite")
    shutil.copy(source.with_suffix(".json"), tmp_path / "net.json")
    return tmp_path / "net.tflite"


def says(outcome: Outcome, code: int, message: str) -> None:
    """Assert the exit code, one line of error with the message, and no traceback."""
    assert outcome.code == code, outcome.err
    lines = [line for line in outcome.err.splitlines() if line.startswith("facenode: ")]
    assert len(lines) == 1, outcome.err
    assert re.search(message, lines[0]), lines[0]
    assert "Traceback" not in outcome.err


def test_a_missing_network_ends_with_78(settings: dict[str, object], tmp_path: Path) -> None:
    """A service manager that honours 78 does not restart it."""
    outcome = facenode("run", settings=settings | {"model.path": tmp_path / "none.tflite"})
    says(outcome, 78, r"model\.path = .*none\.tflite.* \(variable FACENODE_MODEL__PATH\)")


def test_a_damaged_network_ends_with_78(settings: dict[str, object], network: Path) -> None:
    """The hash does not fit."""
    network.write_bytes(network.read_bytes()[:-100])
    says(facenode("run", settings=settings | {"model.path": network}), 78, r"net\.tflite: sha256 is .* damaged")


def test_a_sidecar_that_does_not_fit_ends_with_78(settings: dict[str, object], network: Path) -> None:
    """One label too many is seen before the first frame."""
    sidecar = network.with_suffix(".json")
    content = json.loads(sidecar.read_text())
    content["heads"]["age"]["labels"].append("ancient")
    sidecar.write_text(json.dumps(content))
    says(facenode("run", settings=settings | {"model.path": network}), 78, r"head age gives \(1, 3\).*\(1, 4\)")


def test_a_missing_sidecar_ends_with_78(settings: dict[str, object], network: Path) -> None:
    """A network is nothing without its description."""
    network.with_suffix(".json").unlink()
    says(facenode("run", settings=settings | {"model.path": network}), 78, r"net\.json: .*needs its sidecar")


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("camera.fps", "fast", r"camera\.fps = 'fast' \(variable FACENODE_CAMERA__FPS\)"),
        ("camra.fps", "5", r"did you mean FACENODE_CAMERA__FPS"),
        ("camera.fsp", "5", r"did you mean fps"),
    ],
)
def test_a_wrong_setting_ends_with_78(settings: dict[str, object], variable: str, value: str, message: str) -> None:
    """The line names the variable."""
    says(facenode("run", settings=settings | {variable: value}), 78, message)


def test_a_wrong_settings_file_ends_with_78(settings: dict[str, object], tmp_path: Path) -> None:
    """The line names the file and the place in it."""
    path = tmp_path / "facenode.toml"
    path.write_text("[mqtt]\nport = 18830\nhost = \n")
    says(facenode("run", "--config", path, settings=settings), 78, r"facenode\.toml: not a TOML file.*line 3")


@pytest.mark.parametrize("content", [None, b"", b"not a clip"])
def test_a_clip_that_cannot_be_read_ends_with_1(
    settings: dict[str, object], tmp_path: Path, content: bytes | None
) -> None:
    """A fault at run time; the line names the clip."""
    path = tmp_path / "clip.mp4"
    if content is not None:
        path.write_bytes(content)
    outcome = facenode("run", settings=settings | {"camera.source": f"video:{path}", "mqtt.port": 9})
    says(outcome, 1, r"clip\.mp4")


def test_a_picture_that_cannot_be_read_is_said_and_the_others_come(
    settings: dict[str, object], tmp_path: Path, media_dir: Path
) -> None:
    """`recognize` ends with 1, and still tells of what it could read."""
    shutil.copy(media_dir / "astronaut.jpg", tmp_path / "b.jpg")
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff cut short")
    outcome = facenode("recognize", tmp_path, "--json", settings=settings)
    says(outcome, 1, r"a\.jpg: not a readable image")
    assert [json.loads(line)["path"] for line in outcome.out.splitlines()] == [str(tmp_path / "b.jpg")]


def test_a_detector_that_finds_nothing_cannot_be_measured(settings: dict[str, object]) -> None:
    """`bench` names the setting."""
    says(facenode("bench", "--runs", "1", settings=settings | {"detector.min_score": 0.99}), 78, r"detector\.min_score")


def test_a_folder_without_pictures_is_said(settings: dict[str, object], tmp_path: Path) -> None:
    """`recognize` ends with 1: a wrong folder does not look like one where nobody is."""
    (tmp_path / "notes.txt").write_text("none")
    says(facenode("recognize", tmp_path, settings=settings), 1, "no picture found")


@pytest.mark.parametrize("ending", ["", ".jpg", ".mp4"])
def test_a_path_that_no_disk_takes_is_said(settings: dict[str, object], tmp_path: Path, ending: str) -> None:
    """The system refuses the name itself; `recognize` ends with 1 and one line."""
    path = tmp_path / ("x" * 300 + ending)
    says(facenode("recognize", path, settings=settings), 1, r"xxx(\.jpg|\.mp4)?: ")


def test_a_file_of_54_bytes_that_claims_a_gigabyte_is_refused(settings: dict[str, object], tmp_path: Path) -> None:
    """Its head says 20000 x 20000 pixels: on a Pi the system would end whatever process is largest."""
    head = struct.pack("<2sIIIIiiHHIIIIII", b"BM", 54, 0, 54, 40, 20_000, 20_000, 1, 24, 0, 0, 0, 0, 0, 0)
    (tmp_path / "huge.bmp").write_bytes(head)
    says(facenode("recognize", tmp_path / "huge.bmp", settings=settings), 1, r"huge\.bmp: .*use a smaller one")


def test_a_picture_two_pixels_high_has_no_face(settings: dict[str, object], tmp_path: Path) -> None:
    """There the detector's network makes infinite numbers."""
    cv2.imwrite(str(tmp_path / "strip.png"), np.full((2, 1500, 3), 200, np.uint8))
    outcome = facenode("recognize", tmp_path / "strip.png", settings=settings)
    assert (outcome.code, outcome.out) == (0, f"{tmp_path / 'strip.png'}: no face\n")


def test_photos_without_a_usable_face_enrol_nobody(settings: dict[str, object], tmp_path: Path) -> None:
    """Each photo's reason is said, and nothing is written."""
    (tmp_path / "noise.png").write_bytes(b"no picture")
    outcome = facenode("people", "add", "ada", tmp_path / "noise.png", settings=settings)
    assert outcome.code == 1
    assert re.search(r"noise\.png: not used: .*not a readable image", outcome.err)
    assert "nobody was enrolled" in outcome.err
    assert facenode("people", "list", "--json", settings=settings).out == ""


@pytest.mark.parametrize("person", ["Ada Lovelace", "unknown", "../ada"])
def test_a_bad_id_enrols_nobody(settings: dict[str, object], media_dir: Path, person: str) -> None:
    """The rule for ids is said."""
    outcome = facenode("people", "add", person, media_dir / "astronaut.jpg", settings=settings)
    says(outcome, 1, "cannot be a person's id|is not a valid id")


def test_removing_nobody_ends_with_1(settings: dict[str, object]) -> None:
    """The line says how to see who is known."""
    says(facenode("people", "remove", "ada", settings=settings), 1, "nobody is enrolled under this id")


@pytest.mark.parametrize("arguments", [(), ("fly",), ("recognize",), ("people", "add", "ada"), ("run", "--set", "x=1")])
def test_a_wrong_command_line_ends_with_2(settings: dict[str, object], arguments: tuple[str, ...]) -> None:
    """Usage is said, nothing is done."""
    outcome = facenode(*arguments, settings=settings)
    assert outcome.code == 2
    assert outcome.err
    assert "Traceback" not in outcome.err


def test_an_unreachable_broker_fails_the_check_and_is_named(settings: dict[str, object]) -> None:
    """`check` ends with 1; the line says that no server is listening."""
    outcome = facenode("check", settings=settings | {"mqtt.port": 9})
    assert outcome.code == 1
    assert re.search(r"^FAIL broker: tcp +localhost:9: no server is listening", outcome.out, re.MULTILINE)


def test_the_password_in_a_cameras_url_is_never_printed(settings: dict[str, object], tmp_path: Path) -> None:
    """Neither the log nor an error shows it."""
    url = "rtsp://me:s3cret@127.0.0.1:9/stream"
    source = {"camera.source": f"video:{url}", "camera.stall_s": 1, "camera.restart_after": 1, "mqtt.port": 9}
    outcome = facenode("run", settings=settings | source)
    assert outcome.code == 1
    assert "127.0.0.1:9" in outcome.err
    assert "s3cret" not in outcome.err + outcome.out
    assert not any(b"s3cret" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
