"""Video files and URLs as cameras."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from manual_clock import ManualClock

from node.camera.video import VideoFile, open_video
from node.errors import CameraError
from node.settings import CameraSettings

SETTINGS = CameraSettings()


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str, str, float], Path]:
    """Return a function that writes a clip of four frames: file name, codec, frames per second."""

    def write(name: str, codec: str, fps: float) -> Path:
        path = tmp_path / name
        code = cv2.VideoWriter.fourcc(codec[0], codec[1], codec[2], codec[3])
        writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, code, fps, (64, 48))
        for number in range(4):
            writer.write(np.full((48, 64, 3), number * 60, np.uint8))
        writer.release()
        return path

    return write


def test_moments_follow_the_timestamps_of_the_file(media_dir: Path) -> None:
    """The clip has 30000/1001 frames per second; tolerance one microsecond, twice the rounding of a moment."""
    with open_video(str(media_dir / "carphone.mp4"), SETTINGS, ManualClock(50.0)) as camera:
        ticks = list(camera)
    assert len(ticks) == 120
    assert ticks[0].at == ManualClock(50.0).now()
    assert [tick.at.mono_s for tick in ticks] == pytest.approx(
        [50.0 + number * 1001 / 30000 for number in range(120)], abs=1e-6
    )


def test_seconds_without_a_frame_give_frameless_ticks(written: Callable[[str, str, float], Path]) -> None:
    """Somebody who left between two frames of a time lapse has left: time passes in a file, too."""
    with open_video(str(written("slow.avi", "MJPG", 0.4)), SETTINGS, ManualClock(0.0)) as camera:
        ticks = [(tick.at.mono_s, tick.frame is not None) for tick in camera]
    assert ticks[:5] == [(0, True), (1, False), (2, False), (2.5, True), (3.5, False)]
    assert ticks[-1] == (7.5, True)


def test_frames_without_timestamps_follow_the_stated_rate(written: Callable[[str, str, float], Path]) -> None:
    """A raw stream has no timestamps: FFmpeg's rate, 25 per second, counts; tolerance one microsecond."""
    with open_video(str(written("raw.mjpeg", "MJPG", 25)), SETTINGS, ManualClock(0.0)) as camera:
        moments = [tick.at.mono_s for tick in camera]
    assert len(moments) == 4
    assert [after - before for before, after in pairwise(moments)] == pytest.approx([0.04] * 3, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "message"),
    [("missing.mp4", "No such file"), ("folder", r"is a folder: .*images:"), ("text.mp4", "is not a video")],
)
def test_an_unplayable_file_is_an_error_at_once(name: str, message: str, tmp_path: Path) -> None:
    """One line names the file and what to do, before the first frame is read."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(CameraError, match=message) as caught:
        open_video(str(tmp_path / name), SETTINGS, ManualClock())
    assert str(tmp_path / name) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_without_a_good_frame_is_an_error_and_not_an_empty_clip(media_dir: Path, tmp_path: Path) -> None:
    """A container with only damaged frames opens; no error would look like a video without visitors."""
    path = tmp_path / "damaged.mp4"
    content = bytearray((media_dir / "carphone.mp4").read_bytes())
    start = content.index(b"mdat") + 4
    end = content.index(b"moov", start) - 4
    content[start:end] = bytes(end - start)
    path.write_bytes(content)
    with pytest.raises(CameraError, match="no frame can be decoded"):
        VideoFile(path).read()


def test_a_url_with_an_unknown_scheme_is_refused_without_its_password() -> None:
    """A wrong scheme is a wrong setting: retrying would not help."""
    with pytest.raises(CameraError, match="ftp streams are not supported") as caught:
        open_video("ftp://ada:secret@camera.example/clip", SETTINGS, ManualClock())
    assert "secret" not in str(caught.value)


def test_a_url_is_live() -> None:
    """A stream has no end, and only the iteration opens it."""
    with open_video("http://camera.example/clip.mp4", SETTINGS, ManualClock()) as camera:
        assert camera.live
        assert camera.name == "video:http://camera.example/clip.mp4"


@pytest.mark.data
@pytest.mark.parametrize(("name", "frames"), [("single_face.mp4", 72), ("no_face.mp4", 95)])
def test_longer_clips_are_shown_completely(name: str, frames: int, data_dir: Path) -> None:
    """Nothing is dropped at larger sizes either, and timestamps increase."""
    with open_video(str(data_dir / "media" / name), SETTINGS, ManualClock()) as camera:
        moments = [tick.at.mono_s for tick in camera if tick.frame]
    assert len(moments) == frames
    assert all(after > before for before, after in pairwise(moments))
