"""Check whether the camera delivers frames."""

from pathlib import Path

from node.clock import SystemClock
from node.diagnostics.camera import camera_finding
from node.diagnostics.finding import Finding
from node.settings import CameraSettings, Settings


def found(source: str) -> Finding:
    """Return the finding about a source of frames."""
    return camera_finding(Settings(camera=CameraSettings(source=source)), SystemClock())


def test_a_camera_that_delivers_a_frame_is_in_order(media_dir: Path) -> None:
    """The line names the size of the frame, which may differ from the requested one."""
    finding = found(f"images:{media_dir}")
    assert finding.ok
    assert "delivers" in finding.text


def test_a_camera_that_cannot_be_opened_is_a_fault(tmp_path: Path) -> None:
    """The error becomes a line of the check rather than its end."""
    finding = found(f"images:{tmp_path / 'none'}")
    assert not finding.ok
    assert str(tmp_path / "none") in finding.text
