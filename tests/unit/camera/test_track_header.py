"""The turn in a clip's track header: all eight, as any phone writes them, whatever else the file holds."""

import io
import struct
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest

from node.camera.decoder_process import DecoderProcess
from node.camera.orientation import upright
from node.camera.track_header import stated_orientation
from node.camera.video_file import VideoFile, read_video
from node.domain import Image

MATRICES = {
    1: (1, 0, 0, 1),
    2: (-1, 0, 0, 1),
    3: (-1, 0, 0, -1),
    4: (1, 0, 0, -1),
    5: (0, 1, 1, 0),
    6: (0, 1, -1, 0),
    7: (0, -1, -1, 0),
    8: (0, -1, 1, 0),
}
"""a, b, c, d by orientation: (x, y) becomes (a x + c y, b x + d y), with y downward (ISO/IEC 14496-12)."""


def matrix_bytes(a: float, b: float, c: float, d: float) -> bytes:
    """Return the nine numbers of a matrix."""
    fixed = [round(number * 65536) for number in (a, b, c, d)]
    return struct.pack(">9i", fixed[0], fixed[1], 0, fixed[2], fixed[3], 0, 0, 0, 1 << 30)


def box(kind: bytes, content: bytes, *, large: bool = False) -> bytes:
    """Return a box, with a size of 32 or of 64 bits."""
    if large:
        return struct.pack(">I4sQ", 1, kind, len(content) + 16) + content
    return struct.pack(">I4s", len(content) + 8, kind) + content


def track(handler: bytes, matrix: tuple[float, ...], version: int = 0) -> bytes:
    """Return a track with a header of either version."""
    head = bytes([version]) + bytes(51 if version else 39) + matrix_bytes(*matrix) + bytes(8)
    return box(b"trak", box(b"tkhd", head) + box(b"mdia", box(b"hdlr", bytes(8) + handler + bytes(13))))


def movie(*tracks: bytes, matrix: tuple[float, ...] = MATRICES[1], large: bool = False) -> io.BytesIO:
    """Return a file without pictures."""
    head = box(b"mvhd", bytes(36) + matrix_bytes(*matrix) + bytes(28))
    data = box(b"mdat", bytes(50), large=large)
    return io.BytesIO(box(b"ftyp", b"isom") + data + box(b"moov", head + b"".join(tracks), large=large))


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_each_turn_is_read(orientation: int, version: int) -> None:
    """Also a mirrored one, as of a front camera; of both versions of the box, and after a large box."""
    turned = track(b"vide", MATRICES[orientation], version)
    assert stated_orientation(movie(turned)) == orientation
    assert stated_orientation(movie(track(b"soun", MATRICES[3]), turned, track(b"vide", MATRICES[1]), large=True)) == (
        orientation
    )


def test_the_turn_of_the_movie_and_of_the_track_add_up() -> None:
    """Two quarters are a half; a scale beside the turn changes nothing."""
    assert stated_orientation(movie(track(b"vide", MATRICES[6]), matrix=MATRICES[6])) == 3
    assert stated_orientation(movie(track(b"vide", (0, 1.5, -1.5, 0)), matrix=(2, 0, 0, 2))) == 6


@pytest.mark.parametrize("matrix", [(0, 0, 0, 0), (0.7, 0.7, -0.7, 0.7), (1, 0, 1, 0)])
def test_what_is_no_turn_by_quarters_turns_nothing(matrix: tuple[float, ...]) -> None:
    """A damaged matrix is no reason to refuse a clip."""
    assert stated_orientation(movie(track(b"vide", matrix))) == 1


def test_a_damaged_file_turns_nothing_and_ends() -> None:
    """Cut anywhere, or with any byte changed."""
    whole = movie(track(b"vide", MATRICES[6])).getvalue()
    for place in range(len(whole)):
        assert stated_orientation(io.BytesIO(whole[:place])) in {None, 1, 6}
        for value in (0, 1, 255):
            changed = whole[:place] + bytes([value]) + whole[place + 1 :]
            assert stated_orientation(io.BytesIO(changed)) in {None, *range(1, 9)}


@pytest.mark.parametrize("content", [b"", b"RIFF\0\0\0\0AVI LIST", b"\x1aE\xdf\xa3" + bytes(40)])
def test_another_container_states_nothing_here(content: bytes) -> None:
    """What FFmpeg knows of it counts instead."""
    assert stated_orientation(io.BytesIO(content)) is None


@pytest.fixture(scope="module")
def stored_upright(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clip of two frames with four quarters of different brightness."""
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10, (96, 64))
    for _ in range(2):
        gray = np.array([[250, 170], [90, 10]], np.uint8).repeat(32, axis=0).repeat(48, axis=1)
        writer.write(cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR))
    writer.release()
    return path


def turned(clip: Path, orientation: int, path: Path) -> Path:
    """Copy a clip, with another matrix in its track header."""
    content = bytearray(clip.read_bytes())
    place = content.index(b"tkhd") + 4 + 40
    content[place : place + 36] = matrix_bytes(*MATRICES[orientation])
    path.write_bytes(content)
    return path


def quarters(image: Image) -> list[int]:
    """Return the brightness of the four quarters, in steps of 80."""
    height, width = image.shape[:2]
    places = [(y, x) for y in (height // 4, 3 * height // 4) for x in (width // 4, 3 * width // 4)]
    return [round(int(image[place][1]) / 80) for place in places]


@pytest.mark.parametrize("read", ["here", "decoder"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_frames_of_a_clip_are_upright(stored_upright: Path, tmp_path: Path, orientation: int, read: str) -> None:
    """With either version of OpenCV: one ignores the turn, the other obeys it, and takes a mirror for half a turn."""
    clip = turned(stored_upright, orientation, tmp_path / "phone.mp4")
    expected = [upright(frame, orientation) for frame in read_video(stored_upright)]
    if read == "here":
        frames = list(read_video(clip))
    else:
        with DecoderProcess() as decoder:
            frames = list(decoder.frames(clip))
    assert [frame.shape for frame in frames] == [frame.shape for frame in expected]
    assert [quarters(frame) for frame in frames] == [quarters(frame.astype(np.uint8)) for frame in expected]
    assert all(frame.flags.c_contiguous for frame in frames)


@pytest.mark.parametrize("container", ["mp4", "mov", "3gp"])
@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_turn_that_ffmpeg_wrote_is_obeyed(
    stored_upright: Path, tmp_path: Path, container: str, degrees: int, ffmpeg: Callable[..., None]
) -> None:
    """As its player shows it, whatever the tag `rotate` means to that version."""
    clip = tmp_path / f"phone.{container}"
    ffmpeg("-i", stored_upright, "-c", "copy", "-metadata:s:v:0", f"rotate={degrees}", clip)
    shown = tmp_path / "shown.avi"
    ffmpeg("-i", clip, "-c:v", "mjpeg", "-q:v", "2", shown)
    with closing(VideoFile(clip)) as ours, closing(VideoFile(shown)) as theirs:
        first, second = ours.read(), theirs.read()
    assert first is not None
    assert second is not None
    assert quarters(first[1]) == quarters(second[1])


@pytest.fixture(scope="module")
def ffmpeg() -> Callable[..., None]:
    """Return a function that runs ffmpeg."""

    def run(*arguments: str | Path) -> None:
        subprocess.run(("ffmpeg", "-v", "error", "-y", *arguments), check=True)

    return run
