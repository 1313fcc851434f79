"""The process that decodes an owner's files: what it gives, what it refuses, and what survives its end."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from node.camera.decoder_messages import Answer
from node.camera.decoder_process import DecoderProcess, worker_command
from node.camera.image_file import MAX_BYTES, read_image
from node.camera.opencv import silence
from node.camera.video_file import read_video
from node.errors import CameraError
from tests.fuzz.forged_images import EXIF_TURNED, forged_jpeg, forged_png


@pytest.fixture(scope="module")
def decoder() -> Iterator[DecoderProcess]:
    """Return a decoder that serves the tests of this module one after the other."""
    with DecoderProcess() as decoder:
        yield decoder


def fake(code: str) -> list[str]:
    """Return the command of a process with the socket `s` that says it is ready, takes a request and does `code`."""
    head = "import os, signal, socket, struct, time; s = socket.socket(fileno=0); a = struct.Struct('<BII')\n"
    body = f"s.sendall(a.pack({Answer.READY:d}, 0, 0)); socket.recv_fds(s, 1, 1)\n"
    return [sys.executable, "-I", "-S", "-c", head + body + code]


def _peak_mb(pid: int | None) -> float:
    """Return the most memory that a process has had, megabytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1000


def test_an_image_is_the_same_as_in_this_process(decoder: DecoderProcess, media_dir: Path) -> None:
    """Byte for byte, and in memory of its own."""
    for name in ("astronaut.jpg", "grace_hopper.jpg"):
        image = decoder.decode(media_dir / name)
        np.testing.assert_array_equal(image, read_image(media_dir / name))
        assert image.flags.owndata
        assert image.flags.c_contiguous


def test_a_video_is_the_same_as_in_this_process(decoder: DecoderProcess, media_dir: Path) -> None:
    """Every frame of it; and it can be left in the middle."""
    clip = media_dir / "carphone.mp4"
    next(decoder.frames(clip))
    frames = list(decoder.frames(clip))
    assert [frame.tobytes() for frame in frames] == [frame.tobytes() for frame in read_video(clip)]


def test_a_video_that_was_left_for_another_file_does_not_seem_to_end(decoder: DecoderProcess, media_dir: Path) -> None:
    """A video cut short without a word would look like one without visitors."""
    frames = decoder.frames(media_dir / "carphone.mp4")
    next(frames)
    decoder.decode(media_dir / "astronaut.jpg")
    with pytest.raises(CameraError, match="left for another file"):
        next(frames)


def test_a_photo_of_48_megapixels_is_reduced_and_turned(decoder: DecoderProcess, tmp_path: Path) -> None:
    """A phone's photo is accepted in 150 MB of memory, and its EXIF orientation counts."""
    picture = np.zeros((6000, 8000, 3), np.uint8)
    picture[:, :4000] = (0, 0, 255)  # the left half is red
    content = cv2.imencode(".jpg", picture)[1].tobytes()
    path = tmp_path / "phone.jpg"
    path.write_bytes(content[:2] + EXIF_TURNED + content[2:])
    image = decoder.decode(path)
    assert image.shape == (4000, 3000, 3)
    red = image[..., 0] > 128
    assert red[:1990].all()
    assert not red[2010:].any()
    assert _peak_mb(decoder.pid) < 200


@pytest.mark.parametrize("name", ["zero", "fifo", "folder", "missing", "a\0b"])
def test_what_is_no_file_is_refused_without_being_read(decoder: DecoderProcess, tmp_path: Path, name: str) -> None:
    """A device without end filled the memory, and a pipe without a writer was waited for."""
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    (tmp_path / "zero").symlink_to("/dev/zero")
    for ask in (decoder.decode, lambda path: next(decoder.frames(path))):
        with pytest.raises(CameraError, match=r"name a readable (image|video) file") as caught:
            ask(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_a_link_to_a_photo_is_followed(decoder: DecoderProcess, media_dir: Path, tmp_path: Path) -> None:
    """An owner may name a link."""
    (tmp_path / "link.jpg").symlink_to(media_dir / "astronaut.jpg")
    assert decoder.decode(tmp_path / "link.jpg").shape == (512, 512, 3)


def test_a_file_of_too_many_bytes_is_refused_before_it_is_read(decoder: DecoderProcess, tmp_path: Path) -> None:
    """A sparse file of 3 GB took 3 GB of memory."""
    path = tmp_path / "sparse.jpg"
    path.write_bytes(b"\xff\xd8\xff")
    os.truncate(path, 3 << 30)
    with pytest.raises(CameraError, match=r"sparse\.jpg: 3222 MB, more than 67 MB: use a smaller image file"):
        decoder.decode(path)
    os.truncate(path, MAX_BYTES)
    with pytest.raises(CameraError, match=r"sparse\.jpg: not a readable image"):
        decoder.decode(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"text", "of another format"),
        (forged_png(8190, 8190), "PNG of 8190x8190 pixels"),
        (forged_jpeg(60_000, 60_000, scans=2), "progressive JPEG of 60000x60000 pixels"),
        (forged_png(4096, 4096), "damaged, or it needs too much memory"),
    ],
)
def test_a_forged_image_is_refused_in_a_sentence(
    decoder: DecoderProcess, tmp_path: Path, content: bytes, message: str
) -> None:
    """The sentence names the file and what to do, and the process goes on."""
    (tmp_path / "forged.jpg").write_bytes(content)
    decoder.decode(Path(__file__).parents[2] / "media" / "astronaut.jpg")
    before = decoder.pid
    with pytest.raises(CameraError, match=rf"forged\.jpg: not a readable image \(.*{message}.*: (use|copy) ") as caught:
        decoder.decode(tmp_path / "forged.jpg")
    assert "\n" not in str(caught.value)
    assert decoder.pid == before


def test_a_file_that_takes_too_much_time_is_refused_and_the_next_one_is_decoded(
    media_dir: Path, tmp_path: Path
) -> None:
    """A few hundred kilobytes with thousands of scans kept OpenCV busy for half a minute."""
    (tmp_path / "scans.jpg").write_bytes(forged_jpeg(5600, 5600, scans=20_000))
    with DecoderProcess(worker_command(seconds=1)) as decoder:
        with pytest.raises(CameraError, match=r"scans\.jpg: takes too much processor time"):
            decoder.decode(tmp_path / "scans.jpg")
        assert decoder.decode(media_dir / "astronaut.jpg").shape == (512, 512, 3)


def test_a_process_that_was_killed_between_two_files_is_replaced(media_dir: Path) -> None:
    """The next file is not blamed for it."""
    with DecoderProcess() as decoder:
        decoder.decode(media_dir / "astronaut.jpg")
        pid = decoder.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert decoder.decode(media_dir / "astronaut.jpg").shape == (512, 512, 3)
        assert decoder.pid != pid


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", r"ends its decoder \(signal 11\)"),
        ("time.sleep(60)", "takes more than 2 s to be decoded"),
        (f"s.sendall(a.pack({Answer.IMAGE:d}, 5, 5) + bytes(10))", r"ends its decoder \(code 0\)"),
        (f"s.sendall(a.pack({Answer.IMAGE:d}, 65536, 65536)); time.sleep(60)", "answers nonsense"),
        (f"s.sendall(a.pack({Answer.IMAGE:d}, 0, 5)); time.sleep(60)", "answers nonsense"),
        (f"s.sendall(a.pack({Answer.REFUSED:d}, 4000000000, 0)); time.sleep(60)", "answers nonsense"),
        ("s.sendall(a.pack(99, 0, 0)); time.sleep(60)", "answers nonsense"),
        (f"s.sendall(a.pack({Answer.REFUSED:d}, 6, 0) + b'a\\x1b[2J\\n'); time.sleep(60)", r"a\?\[2J\?"),
    ],
)
def test_a_process_that_a_file_has_taken_over_cannot_mislead_the_program(
    media_dir: Path, code: str, message: str
) -> None:
    """Sizes are bounded, waiting ends, and control characters do not reach the terminal."""
    with (
        DecoderProcess(fake(code), wait_s=2.0) as decoder,
        pytest.raises(CameraError, match=rf"astronaut\.jpg: (its decoder )?{message}"),
    ):
        decoder.decode(media_dir / "astronaut.jpg")


def test_the_libraries_print_nothing(media_dir: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """They complain of a damaged image and a damaged video past every log."""
    (tmp_path / "cut.jpg").write_bytes((media_dir / "astronaut.jpg").read_bytes()[:20_000])
    (tmp_path / "cut.mp4").write_bytes((media_dir / "carphone.mp4").read_bytes()[:20_000])
    silence()  # it sets a variable, which does not ask for output
    with DecoderProcess() as decoder:
        with pytest.raises(CameraError, match=r"cut\.jpg: not a readable image \(damaged\)"):
            decoder.decode(tmp_path / "cut.jpg")
        with pytest.raises(CameraError, match=r"cut\.mp4: is not a video"):
            next(decoder.frames(tmp_path / "cut.mp4"))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("command", [["/nonexistent/python"], [sys.executable, "-c", "raise SystemExit(3)"]])
def test_a_process_that_does_not_start_is_an_error(media_dir: Path, command: list[str]) -> None:
    """Of one line, also where the process was to start early."""
    with DecoderProcess(command) as decoder, pytest.raises(CameraError, match="its decoder does not start"):
        decoder.decode(media_dir / "astronaut.jpg")


def test_the_process_holds_little_and_ends_with_its_user(media_dir: Path) -> None:
    """Only its socket and no file; limits on files, memory and time; few megabytes."""
    with DecoderProcess() as decoder:
        decoder.decode(media_dir / "astronaut.jpg")
        pid = decoder.pid
        process = Path(f"/proc/{pid}")
        assert {fd.name for fd in (process / "fd").iterdir()} == {"0", "1", "2"}
        limits = {line[:26].strip(): line[26:47].strip() for line in (process / "limits").read_text().splitlines()}
        assert limits["Max file size"] == "0"
        assert int(limits["Max open files"]) <= 16
        assert int(limits["Max address space"]) < 1_000_000_000
        assert int(limits["Max cpu time"]) < 60
        assert _peak_mb(pid) < 100
    assert not process.exists()


def test_the_process_imports_nothing_from_the_working_folder(
    media_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder of photos may hold a file that is called like a module."""
    (tmp_path / "cv2.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")
    with DecoderProcess() as decoder:
        assert decoder.decode(media_dir / "astronaut.jpg").shape == (512, 512, 3)


def test_a_playlist_is_not_a_video(decoder: DecoderProcess, media_dir: Path, tmp_path: Path) -> None:
    """It could name files and addresses of its own."""
    path = tmp_path / "clip.mp4"
    path.write_text(f"ffconcat version 1.0\nfile '{media_dir / 'carphone.mp4'}'\n")
    with pytest.raises(CameraError, match=r"clip\.mp4: is not a video"):
        next(decoder.frames(path))
