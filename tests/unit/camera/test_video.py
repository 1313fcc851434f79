"""Files and URLs as cameras."""

import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from cameras import HandClock

from node.camera.video import VideoFile, open_video
from node.errors import CameraError
from node.settings import CameraSettings

SETTINGS = CameraSettings()


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str, str, float], Path]:
    """Return a maker of clips of four frames: ending, codec, frames a second."""

    def write(name: str, codec: str, fps: float) -> Path:
        path = tmp_path / name
        code = cv2.VideoWriter.fourcc(codec[0], codec[1], codec[2], codec[3])
        writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, code, fps, (64, 48))
        for number in range(4):
            writer.write(np.full((48, 64, 3), number * 60, np.uint8))
        writer.release()
        return path

    return write


def test_moments_are_the_files_own(media_dir: Path) -> None:
    """The clip has 30000/1001 frames a second; tolerance one microsecond, twice the rounding of a moment."""
    with open_video(str(media_dir / "carphone.mp4"), SETTINGS, HandClock(50.0)) as camera:
        ticks = list(camera)
    assert len(ticks) == 120
    assert ticks[0].at == HandClock(50.0).now()
    assert [tick.at.mono_s for tick in ticks] == pytest.approx(
        [50.0 + number * 1001 / 30000 for number in range(120)], abs=1e-6
    )


def test_seconds_without_a_frame_have_ticks_without_one(written: Callable[[str, str, float], Path]) -> None:
    """Who left in the gap between two frames of a time lapse has left: time passes in a file as in life."""
    with open_video(str(written("slow.avi", "MJPG", 0.4)), SETTINGS, HandClock(0.0)) as camera:
        ticks = [(tick.at.mono_s, tick.frame is not None) for tick in camera]
    assert ticks[:5] == [(0, True), (1, False), (2, False), (2.5, True), (3.5, False)]
    assert ticks[-1] == (7.5, True)


def test_frames_without_timestamps_follow_the_stated_rate(written: Callable[[str, str, float], Path]) -> None:
    """A raw stream has no times: FFmpeg's rate for it, 25 a second, counts; tolerance one microsecond."""
    with open_video(str(written("raw.mjpeg", "MJPG", 25)), SETTINGS, HandClock(0.0)) as camera:
        moments = [tick.at.mono_s for tick in camera]
    assert len(moments) == 4
    assert [after - before for before, after in pairwise(moments)] == pytest.approx([0.04] * 3, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "message"),
    [("missing.mp4", "No such file"), ("folder", r"is a folder: .*images:"), ("text.mp4", "is not a video")],
)
def test_what_cannot_be_played_is_said_at_once(name: str, message: str, tmp_path: Path) -> None:
    """One line that names the file and what to do, before the first frame is asked for."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(CameraError, match=message) as caught:
        open_video(str(tmp_path / name), SETTINGS, HandClock())
    assert str(tmp_path / name) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_without_one_good_frame_is_an_error_and_not_an_empty_film(media_dir: Path, tmp_path: Path) -> None:
    """A container whose pictures are all damaged opens; silence would look like a file in which nobody came."""
    path = tmp_path / "damaged.mp4"
    content = bytearray((media_dir / "carphone.mp4").read_bytes())
    start = content.index(b"mdat") + 4
    end = content.index(b"moov", start) - 4
    content[start:end] = bytes(end - start)
    path.write_bytes(content)
    with pytest.raises(CameraError, match="no frame can be decoded"):
        VideoFile(path).read()


def test_a_file_is_taken_from_home_by_its_tilde(
    media_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A settings file has no shell to expand `~`."""
    shutil.copy(media_dir / "carphone.mp4", tmp_path / "clip.mp4")
    monkeypatch.setenv("HOME", str(tmp_path))
    with open_video("~/clip.mp4", SETTINGS, HandClock()) as camera:
        assert next(iter(camera)).frame is not None


def test_a_url_of_an_unknown_kind_is_refused_without_its_password() -> None:
    """A wrong scheme is a wrong setting: it is not tried again and again."""
    with pytest.raises(CameraError, match="ftp streams are not supported") as caught:
        open_video("ftp://ada:secret@camera.example/clip", SETTINGS, HandClock())
    assert "secret" not in str(caught.value)


def test_a_url_is_live() -> None:
    """A stream has no end and is not opened before it is iterated."""
    with open_video("http://camera.example/clip.mp4", SETTINGS, HandClock()) as camera:
        assert camera.live
        assert camera.name == "video:http://camera.example/clip.mp4"


@pytest.mark.data
@pytest.mark.parametrize(("name", "frames"), [("single_face.mp4", 72), ("no_face.mp4", 95)])
def test_longer_clips_are_shown_whole(name: str, frames: int, data_dir: Path) -> None:
    """Nothing is dropped from larger pictures either, and one frame lies in front of the next."""
    with open_video(str(data_dir / "media" / name), SETTINGS, HandClock()) as camera:
        moments = [tick.at.mono_s for tick in camera if tick.frame]
    assert len(moments) == frames
    assert all(after > before for before, after in pairwise(moments))
