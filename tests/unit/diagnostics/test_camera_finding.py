"""Check whether the camera delivers frames."""

from pathlib import Path

from makers import face

from node.clock import SystemClock
from node.diagnostics.camera import camera_finding
from node.diagnostics.finding import Finding
from node.domain import Frame, Look
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


def finding(source: str, *turns: int | None, rotate: int = 0) -> Finding:
    """Return the finding about a source whose faces, one in each frame, are turned like this; the last one stays so."""
    left = list(turns)

    def look(frame: Frame) -> list[Look]:
        assert frame.image.size
        return [Look(face(), turn=left.pop(0) if len(left) > 1 else left[0])]

    camera = CameraSettings.model_validate({"source": source, "rotate": rotate})
    return camera_finding(Settings(camera=camera), SystemClock(), look)


def test_faces_that_are_upside_down_are_a_fault(media_dir: Path) -> None:
    """The line names the value to set, also where the frames are turned already."""
    clip = f"video:{media_dir / 'carphone.mp4'}"
    assert finding(clip, 180) == Finding(
        "camera", ok=False, text=f"{clip} delivers 176x144, but the faces are upside down: set camera.rotate = 180"
    )
    turned = finding(clip, 180, rotate=270)
    assert turned.text == f"{clip} delivers 144x176, but the faces are upside down: set camera.rotate = 90"


def test_faces_that_lie_on_their_side_are_said_but_no_fault(media_dir: Path) -> None:
    """Somebody may be in bed."""
    sideways = finding(f"video:{media_dir / 'carphone.mp4'}", 270)
    assert sideways.ok
    assert sideways.text.endswith("but the faces lie on their side: set camera.rotate = 270")


def test_one_odd_look_says_nothing(media_dir: Path) -> None:
    """Four in five must agree; a turn that was not measured does not count."""
    clip = f"video:{media_dir / 'carphone.mp4'}"
    for turns in ((180, 180, 180, 0, 0), (None,), (0,), (135,)):
        assert finding(clip, *turns) == Finding("camera", ok=True, text=f"{clip} delivers 176x144")


def test_no_frame_is_looked_at_unless_it_may_be(media_dir: Path) -> None:
    """In privacy mode, and without a network, the first frame is enough."""
    assert found(f"video:{media_dir / 'carphone.mp4'}").text.endswith("delivers 176x144")
