"""The output that OpenCV and FFmpeg would print themselves."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

OPEN_BAD_SOURCES = """
from pathlib import Path
from node.camera.image_file import read_image
from node.camera.network_source import open_url
from node.camera.video import VideoFile
from node.camera.webcam import connect as open_device
from node.errors import CameraError
from node.settings import CameraSettings

bad = Path({bad!r})
device = bad.with_name("video97")
for attempt in (
    lambda: VideoFile(bad),
    lambda: open_url("rtsp://admin:secret@127.0.0.1:9/main", 2.0),
    lambda: open_url("http://admin:secret@127.0.0.1:9/main", 2.0),
    lambda: open_device("97", CameraSettings(), devices=device.parent),
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
    """Return a clip without an index, of which FFmpeg complains, next to a file that is not a device."""
    path = tmp_path / "cut.mp4"
    path.write_bytes((ROOT / "tests" / "media" / "carphone.mp4").read_bytes()[:20_000])
    (tmp_path / "video97").touch()
    return path


def test_only_our_own_errors_reach_the_user(bad: Path) -> None:
    """OpenCV and FFmpeg write past the log, and FFmpeg prints the password of the URL."""
    done = _run(OPEN_BAD_SOURCES.format(bad=str(bad)))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_owner_can_turn_the_output_on(bad: Path) -> None:
    """To find a fault one sets FFmpeg's own variable; it stays as it is."""
    done = _run(OPEN_BAD_SOURCES.format(bad=str(bad)), OPENCV_FFMPEG_LOGLEVEL="16")
    assert done.returncode == 0
    assert "moov atom not found" in done.stdout + done.stderr


def test_an_import_changes_nothing() -> None:
    """Importing the node leaves OpenCV and the environment as they are."""
    done = _run(IMPORT)
    assert (done.returncode, done.stderr) == (0, "")
