"""A URL that gives one picture at a time, as many cameras serve it, against the camera driver for URLs."""

import logging
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from mjpeg_camera import MjpegCamera
from snapshot_camera import PASSWORD, Login, SnapshotCamera

from node.camera import Camera, open_camera
from node.clock import SystemClock
from node.domain import CameraState, Tick
from node.settings import CameraSettings

DEADLINE_TICKS = 60  # about a minute, since a tick comes at least every second
_FPS = 5.0
_SECONDS = 3.0


def _opened(url: str, **settings: float) -> Camera:
    return open_camera(CameraSettings.model_validate({"source": f"video:{url}", "fps": _FPS} | settings), SystemClock())


def _frames(ticks: Iterator[Tick], count: int) -> list[Tick]:
    """Return the next ticks with a frame."""
    found: list[Tick] = []
    for number, tick in enumerate(ticks):
        found += [tick] if tick.frame else []
        if len(found) == count:
            return found
        assert number < count + DEADLINE_TICKS, "no such frame within the deadline"
    raise AssertionError("the camera ended")


@pytest.fixture(scope="module")
def portrait(media_dir: Path) -> bytes:
    """Return a picture as a camera sends it."""
    return (media_dir / "astronaut.jpg").read_bytes()


def _picture(suffix: str, grey: int = 90) -> bytes:
    return cv2.imencode(suffix, np.full((48, 64, 3), grey, np.uint8))[1].tobytes()


def test_a_picture_is_fetched_at_the_frame_rate_of_the_settings(
    portrait: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """It is a camera like any other: well, at `camera.fps`, and without a word in the log."""
    caplog.set_level(logging.DEBUG)
    with SnapshotCamera(portrait) as served, _opened(served.url) as camera:
        ticks = _frames(iter(camera), int(_FPS * _SECONDS) + 1)
        assert camera.state is CameraState.OK
        assert camera.problem is None
    rate = _FPS * _SECONDS / (ticks[-1].at.mono_s - ticks[0].at.mono_s)
    assert rate == pytest.approx(_FPS, rel=0.25)  # slower on a busy machine, and never much faster
    assert len(served.served) <= len(ticks) + 1
    assert ticks[0].frame is not None
    assert ticks[0].frame.image.shape == (512, 512, 3)
    assert caplog.messages == []


@pytest.mark.parametrize("login", ["basic", "digest"])
def test_a_picture_behind_a_login_is_fetched(login: Login, caplog: pytest.LogCaptureFixture) -> None:
    """User and password are those of the URL, and reach no log."""
    caplog.set_level(logging.DEBUG)
    with SnapshotCamera(_picture(".jpg"), login) as served, _opened(served.url) as camera:
        _frames(iter(camera), 3)
        assert PASSWORD not in camera.name
    assert len(served.served) >= 3
    assert PASSWORD not in caplog.text


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp"])
def test_a_picture_is_known_by_its_content(suffix: str) -> None:
    """Cameras name their pictures as they like, and call all of them JPEG; gray within 2 levels after the codec."""
    with (
        SnapshotCamera(_picture(suffix), path="/cgi-bin/api.cgi?cmd=Snap&channel=0") as served,
        _opened(served.url) as camera,
    ):
        frames = iter(camera)
        _frames(frames, 3)
        served.content = _picture(suffix, grey=200)
        latest = _frames(frames, 3)[-1].frame
        assert latest is not None
        assert np.abs(latest.image.astype(int) - 200).max() <= 2


def test_a_camera_that_refuses_pictures_for_a_while_is_lost_and_returns(caplog: pytest.LogCaptureFixture) -> None:
    """A camera that is overloaded, or restarts, is one outage."""
    caplog.set_level(logging.INFO)
    with SnapshotCamera(_picture(".jpg")) as served, _opened(served.url, stall_s=2) as camera:
        ticks = iter(camera)
        _frames(ticks, 3)
        served.code = 503
        for number, _ in enumerate(ticks):
            if camera.outage:
                break
            assert number < DEADLINE_TICKS
        served.code = 200
        _frames(ticks, 3)
        assert camera.state is CameraState.OK
    assert sum("camera lost" in line for line in caplog.messages) == 1
    assert sum("frames again" in line for line in caplog.messages) == 1
    assert len(caplog.messages) == 3


def test_a_stream_is_opened_once(portrait: bytes) -> None:
    """A camera that allows one connection at a time must not see another one."""
    with MjpegCamera(portrait, period_s=0.05) as served, _opened(served.url) as camera:
        _frames(iter(camera), 10)
        assert served.connections == 1
