"""What OpenCV and FFmpeg print by themselves."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

CHATTER = """
from pathlib import Path
from node.camera.image_file import read_image
from node.camera.video import VideoFile, connect
from node.camera.webcam import connect as plug
from node.errors import CameraError
from node.settings import CameraSettings

bad = Path({bad!r})
device = bad.with_name("video97")
for attempt in (
    lambda: VideoFile(bad),
    lambda: connect("rtsp://admin:secret@127.0.0.1:9/main", 2.0),
    lambda: connect("http://admin:secret@127.0.0.1:9/main", 2.0),
    lambda: plug(device, 97, CameraSettings()),
    lambda: read_image(bad),
):
    try:
        attempt()
    except CameraError:
        continue
    raise SystemExit("no error")
"""

IMPORT = """
import os
import cv2
before = dict(os.environ)
level = getattr(cv2, "getLogLevel", None) or cv2.utils.logging.getLogLevel
loud = level()
import node.camera
assert dict(os.environ) == before
assert level() == loud
"""


def _run(code: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    """Return a clip whose index is missing, of which FFmpeg complains, beside a device that is none."""
    path = tmp_path / "cut.mp4"
    path.write_bytes((ROOT / "tests" / "media" / "carphone.mp4").read_bytes()[:20_000])
    (tmp_path / "video97").touch()
    return path


def test_nothing_but_our_own_errors_reaches_the_user(bad: Path) -> None:
    """OpenCV and FFmpeg write past the log, FFmpeg with the password of the URL."""
    done = _run(CHATTER.format(bad=str(bad)))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_owner_who_asks_for_the_chatter_gets_it(bad: Path) -> None:
    """Whoever searches for a fault sets FFmpeg's own variable; it is left as it is."""
    done = _run(CHATTER.format(bad=str(bad)), OPENCV_FFMPEG_LOGLEVEL="16")
    assert done.returncode == 0
    assert "moov atom not found" in done.stdout + done.stderr


def test_an_import_changes_nothing() -> None:
    """A library that is only imported leaves OpenCV and the environment alone."""
    done = _run(IMPORT)
    assert (done.returncode, done.stderr) == (0, "")
