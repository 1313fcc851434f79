"""Bad input ends in one line that says what is wrong, where and what to do, with the exit code of the contract."""

import json
import os
import re
import shutil
import struct
from itertools import takewhile
from pathlib import Path

import cv2
import numpy as np
import pytest
from facenode_command import CommandResult, facenode
from network_copies import copy_network
from running_node import running_facenode

from tests.fuzz.forged_images import forged_jpeg


@pytest.fixture
def settings(tmp_path: Path, media_dir: Path) -> dict[str, object]:
    """Return settings with which a command would work."""
    return {"storage.dir": tmp_path / "storage", "camera.source": f"images:{media_dir}"}


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """Return a copy of the default network, its sidecar and its cohort."""
    return copy_network(tmp_path)


def assert_error(result: CommandResult, code: int, message: str) -> None:
    """Assert the exit code and a single error line with the message, without a traceback."""
    assert result.code == code, result.err
    lines = [line for line in result.err.splitlines() if line.startswith("facenode: ")]
    assert len(lines) == 1, result.err
    assert re.search(message, lines[0]), lines[0]
    assert "Traceback" not in result.err


def test_a_missing_network_exits_with_78(settings: dict[str, object], tmp_path: Path) -> None:
    """The exit code is 78, on which systemd does not restart the service."""
    result = facenode("run", settings=settings | {"model.path": tmp_path / "none.tflite"})
    assert_error(result, 78, r"model\.path = .*none\.tflite.* \(variable FACENODE_MODEL__PATH\)")


def test_a_damaged_network_exits_with_78(settings: dict[str, object], network: Path) -> None:
    """A network whose hash does not match its sidecar is refused."""
    network.write_bytes(network.read_bytes()[:-100])
    assert_error(facenode("run", settings=settings | {"model.path": network}), 78, r"net\.tflite: sha256 is .* damaged")


def test_a_mismatched_sidecar_exits_with_78(settings: dict[str, object], network: Path) -> None:
    """One label too many in the sidecar is found before the first frame."""
    sidecar = network.with_suffix(".json")
    content = json.loads(sidecar.read_text())
    content["heads"]["age"]["labels"].append("ancient")
    sidecar.write_text(json.dumps(content))
    assert_error(facenode("run", settings=settings | {"model.path": network}), 78, r"head age gives \(1, 3\).*\(1, 4\)")


def test_a_missing_sidecar_exits_with_78(settings: dict[str, object], network: Path) -> None:
    """A network without its sidecar is refused."""
    network.with_suffix(".json").unlink()
    assert_error(facenode("run", settings=settings | {"model.path": network}), 78, r"net\.json: .*needs its sidecar")


@pytest.mark.parametrize("content", [None, b"", b"\x93NUMPY\x01\x00"])
@pytest.mark.parametrize("command", ["run", "check", "people test"])
def test_a_missing_or_damaged_cohort_is_one_line(
    settings: dict[str, object], network: Path, command: str, content: bytes | None
) -> None:
    """The node does not decide by another score than its owner expects; exit code 78 as for the network itself."""
    (cohort,) = network.parent.glob("*.npy")
    cohort.unlink()
    if content is not None:
        cohort.write_bytes(content)
    result = facenode(*command.split(), settings=settings | {"model.path": network, "mqtt.host": "127.0.0.1"})
    said = rf"{cohort.name}: .*(needs its cohort beside it|is damaged or of another version)"
    if command == "check":
        assert result.code == 1
        assert re.search(rf"^FAIL network +.*{said}", result.out, re.MULTILINE), result.out
    else:
        assert_error(result, 78, said)


def test_a_network_without_a_cohort_runs_and_one_line_says_so(
    settings: dict[str, object], network: Path, media_dir: Path
) -> None:
    """It decides by its own thresholds of the cosine, as one of version 0.1.0 does."""
    sidecar = network.with_suffix(".json")
    content = json.loads(sidecar.read_text())
    del content["cohort"]
    sidecar.write_text(json.dumps(content))
    given = settings | {"model.path": network}
    assert facenode("people", "add", "eileen", media_dir / "astronaut.jpg", settings=given).code == 0
    result = facenode("recognize", media_dir / "astronaut.jpg", settings=given)
    assert result.code == 0
    assert "eileen 1.00" in result.out
    (line,) = result.err.splitlines()
    assert "WARNING network: mobilefacenet.float32 has no cohort: the cosine alone decides about names" in line
    assert not list(Path(str(settings["storage.dir"])).rglob("normalization.json"))


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("camera.fps", "fast", r"camera\.fps = 'fast' \(variable FACENODE_CAMERA__FPS\)"),
        ("camra.fps", "5", r"did you mean FACENODE_CAMERA__FPS"),
        ("camera.fsp", "5", r"did you mean fps"),
    ],
)
def test_an_invalid_setting_exits_with_78(settings: dict[str, object], variable: str, value: str, message: str) -> None:
    """The error names the environment variable."""
    assert_error(facenode("run", settings=settings | {variable: value}), 78, message)


def test_an_invalid_settings_file_exits_with_78(settings: dict[str, object], tmp_path: Path) -> None:
    """The error names the file and the line in it."""
    path = tmp_path / "facenode.toml"
    path.write_text("[mqtt]\nport = 18830\nhost = \n")
    assert_error(facenode("run", "--config", path, settings=settings), 78, r"facenode\.toml: not a TOML file.*line 3")


@pytest.mark.parametrize("content", [None, b"", b"not a clip"])
def test_an_unreadable_clip_exits_with_1(settings: dict[str, object], tmp_path: Path, content: bytes | None) -> None:
    """An unreadable clip is a fault at run time; the error names the clip."""
    path = tmp_path / "clip.mp4"
    if content is not None:
        path.write_bytes(content)
    result = facenode("run", settings=settings | {"camera.source": f"video:{path}", "mqtt.port": 9})
    assert_error(result, 1, r"clip\.mp4")


def test_an_unreadable_picture_is_reported_and_the_others_are_recognized(
    settings: dict[str, object], tmp_path: Path, media_dir: Path
) -> None:
    """`recognize` exits with 1 but still prints results for the readable pictures."""
    shutil.copy(media_dir / "astronaut.jpg", tmp_path / "b.jpg")
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff cut short")
    result = facenode("recognize", tmp_path, "--json", settings=settings)
    assert_error(result, 1, r"a\.jpg: not a readable image")
    assert [json.loads(line)["path"] for line in result.out.splitlines()] == [str(tmp_path / "b.jpg")]


def test_a_detector_that_finds_nothing_cannot_be_measured(settings: dict[str, object]) -> None:
    """`bench` names the setting that prevents detection."""
    assert_error(
        facenode("bench", "--runs", "1", settings=settings | {"detector.min_score": 0.99}), 78, r"detector\.min_score"
    )


def test_a_folder_without_pictures_exits_with_1(settings: dict[str, object], tmp_path: Path) -> None:
    """`recognize` exits with 1, so that a wrong folder does not look like one without faces."""
    (tmp_path / "notes.txt").write_text("none")
    assert_error(facenode("recognize", tmp_path, settings=settings), 1, "no picture found")


@pytest.mark.parametrize("ending", ["", ".jpg", ".mp4"])
def test_a_path_that_is_too_long_exits_with_1(settings: dict[str, object], tmp_path: Path, ending: str) -> None:
    """`recognize` prints one line for a path that the file system refuses."""
    path = tmp_path / ("x" * 300 + ending)
    assert_error(facenode("recognize", path, settings=settings), 1, r"xxx(\.jpg|\.mp4)?: ")


def test_a_file_of_54_bytes_that_claims_a_gigabyte_is_refused(settings: dict[str, object], tmp_path: Path) -> None:
    """A header of 20000 x 20000 pixels is refused before memory is allocated, since a Pi would run out of memory."""
    head = struct.pack("<2sIIIIiiHHIIIIII", b"BM", 54, 0, 54, 40, 20_000, 20_000, 1, 24, 0, 0, 0, 0, 0, 0)
    (tmp_path / "huge.bmp").write_bytes(head)
    assert_error(facenode("recognize", tmp_path / "huge.bmp", settings=settings), 1, r"huge\.bmp: .*use a smaller one")


def test_a_picture_two_pixels_high_has_no_face(settings: dict[str, object], tmp_path: Path) -> None:
    """A picture for which the detector's network returns infinite numbers has no face."""
    cv2.imwrite(str(tmp_path / "strip.png"), np.full((2, 1500, 3), 200, np.uint8))
    result = facenode("recognize", tmp_path / "strip.png", settings=settings)
    assert (result.code, result.out) == (0, f"{tmp_path / 'strip.png'}: no face\n")


def test_photos_without_a_usable_face_enroll_nobody(settings: dict[str, object], tmp_path: Path) -> None:
    """The reason is printed for each photo, and nothing is written."""
    (tmp_path / "noise.png").write_bytes(b"no picture")
    result = facenode("people", "add", "ada", tmp_path / "noise.png", settings=settings)
    assert result.code == 1
    assert re.search(r"noise\.png: not used: .*not a readable image", result.err)
    assert "nobody was enrolled" in result.err
    assert facenode("people", "list", "--json", settings=settings).out == ""


@pytest.mark.parametrize("person", ["Ada Lovelace", "unknown", "../ada"])
def test_an_invalid_id_enrolls_nobody(settings: dict[str, object], media_dir: Path, person: str) -> None:
    """The error states the rule for ids."""
    result = facenode("people", "add", person, media_dir / "astronaut.jpg", settings=settings)
    assert_error(result, 1, "cannot be a person's id|is not a valid id")


def test_removing_an_unknown_person_exits_with_1(settings: dict[str, object]) -> None:
    """The error says how to list who is enrolled."""
    assert_error(facenode("people", "remove", "ada", settings=settings), 1, "nobody is enrolled under this id")


@pytest.mark.parametrize("arguments", [(), ("fly",), ("recognize",), ("people", "add", "ada"), ("run", "--set", "x=1")])
def test_a_wrong_command_line_exits_with_2(settings: dict[str, object], arguments: tuple[str, ...]) -> None:
    """The usage is printed and nothing is done."""
    result = facenode(*arguments, settings=settings)
    assert result.code == 2
    assert result.err
    assert "Traceback" not in result.err


def test_an_unreachable_broker_fails_the_check_and_is_named(settings: dict[str, object]) -> None:
    """`check` exits with 1 and says that nothing listens at the broker's address."""
    result = facenode("check", settings=settings | {"mqtt.port": 9})
    assert result.code == 1
    assert re.search(r"^FAIL broker: tcp +localhost:9: no server is listening", result.out, re.MULTILINE)


def test_the_password_in_a_cameras_url_is_never_printed(settings: dict[str, object], tmp_path: Path) -> None:
    """Neither the log, an error nor a file contains the password."""
    url = "rtsp://me:s3cret@127.0.0.1:9/stream"
    source = {"camera.source": f"video:{url}", "camera.stall_s": 1, "camera.restart_after": 1, "mqtt.port": 9}
    with running_facenode(settings | source) as process:
        assert process.stderr is not None
        log = "".join(takewhile(lambda line: "camera lost" not in line, process.stderr))
        process.terminate()
        log += process.communicate(timeout=30)[1]
    assert "127.0.0.1:9" in log
    assert "s3cret" not in log
    assert not any(b"s3cret" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", ["zero.jpg", "pipe.jpg", "clip.mp4", "sparse.jpg", "scans.jpg"])
def test_a_hostile_photo_is_refused_in_one_line_and_the_next_one_is_enrolled(
    settings: dict[str, object], tmp_path: Path, media_dir: Path, name: str
) -> None:
    """Devices, pipes, huge and forged files: each costs little memory, and no traceback."""
    path = tmp_path / name
    if name == "zero.jpg":
        path.symlink_to("/dev/zero")
    elif name == "pipe.jpg":
        os.mkfifo(path)
    elif name == "clip.mp4":
        path = media_dir / "carphone.mp4"
    elif name == "sparse.jpg":
        path.write_bytes(b"\xff\xd8\xff")
        os.truncate(path, 3 << 30)
    else:
        path.write_bytes(forged_jpeg(40_000, 6000, scans=50))
    result = facenode("people", "add", "ada", path, media_dir / "astronaut.jpg", settings=settings)
    assert result.code == 0, result.err
    assert "ada: 1 of 2 photos used" in result.out
    (line,) = result.err.splitlines()
    assert line.startswith(f"facenode: {path}: not used: {path}: ")


def test_what_is_no_file_cannot_be_recognized(settings: dict[str, object], tmp_path: Path, media_dir: Path) -> None:
    """Neither as a picture nor as a clip; what follows it is."""
    for name in ("pipe.jpg", "pipe.mp4"):
        os.mkfifo(tmp_path / name)
    paths = (tmp_path / "pipe.jpg", tmp_path / "pipe.mp4", Path("/dev/zero"), media_dir / "astronaut.jpg")
    result = facenode("recognize", "--json", *paths, settings=settings)
    assert result.code == 1
    assert [line.split(": ")[1:3] for line in result.err.splitlines()] == [
        [str(path), f"is a {kind}, not a file"]
        for path, kind in zip(paths, ("named pipe", "named pipe", "device"), strict=False)
    ]
    assert [json.loads(line)["path"] for line in result.out.splitlines()] == [str(paths[-1])]


def test_a_pipe_is_no_recording(settings: dict[str, object], tmp_path: Path) -> None:
    """`run` waited for a writer, without a word."""
    os.mkfifo(tmp_path / "clip.mp4")
    result = facenode("run", settings=settings | {"camera.source": f"video:{tmp_path / 'clip.mp4'}", "mqtt.port": 9})
    assert_error(result, 1, r"clip\.mp4: is a device or a pipe: set a video file")
