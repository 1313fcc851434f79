"""The block of `facenode bench --share`: it says what the machine is and did, and nothing that is anybody's own."""

from pathlib import Path

import pytest

from node.commands.bench.share import CameraFigures, MachineKind, Warmth, camera_kind, plain, share_block

FIGURES = {
    "steps": {
        "whole frame": {"p50_ms": 40.0, "p95_ms": 55.04},
        "detect": {"p50_ms": 21.0, "p95_ms": 25.0},
        "network": {"p50_ms": 12.0, "p95_ms": 14.0},
    },
    "ratios": {"four people / one": 1.31},
    "peak_mb": 140.2,
}
NETWORK = {"network": "mobilefacenet 2", "runtime": "litert, 2 threads"}
PI = MachineKind("Raspberry Pi 5 Model B Rev 1.0", 4, 8.45, "Debian GNU/Linux 12 (bookworm)")


def test_the_block_says_what_was_measured() -> None:
    """Each line is one figure with its unit."""
    camera = CameraFigures("Pi camera imx708", 1920, 1080, 9.8)
    text = share_block(PI, FIGURES, NETWORK, camera, Warmth(51.2, 63.0, throttled=False), 84.4)
    for line in (
        "| board | Raspberry Pi 5 Model B Rev 1.0, 4 cores, 8.4 GB |",
        "| camera | Pi camera imx708, 1920x1080, 9.8 frames a second |",
        "| whole frame, one face | 40.0 ms median, 55.0 ms 95th percentile |",
        "| frames a second, one face | 25.0 |",
        "| peak memory | 140 MB |",
        "| temperature | 51 °C before, 63 °C after, not throttled |",
        "| deciding frame of a clip to a subscriber | 84 ms |",
    ):
        assert line in text.splitlines()


def test_what_was_not_measured_is_said() -> None:
    """No figure is invented."""
    text = share_block(PI, FIGURES, NETWORK, None, Warmth(None, None, None), None)
    assert "| camera | not measured |" in text
    assert "| temperature | unknown before, unknown after |" in text
    assert "| deciding frame of a clip to a subscriber | not measured |" in text


@pytest.mark.parametrize(
    ("source", "name", "kind"),
    [
        ("video:rtsp://ada:s3cret@192.168.1.20/stream", None, "a clip or a network camera"),
        ("images:/home/ada/pictures", None, "pictures"),
        ("webcam:/dev/v4l/by-id/usb-Maker_SERIAL123-index0", None, "webcam"),
        ("webcam:0", "HD Webcam C270", "HD Webcam C270"),
        ("picamera", None, "Pi camera"),
    ],
)
def test_a_camera_is_named_by_its_kind(source: str, name: str | None, kind: str) -> None:
    """Addresses, paths, passwords and serial numbers stay out."""
    assert camera_kind(source, name) == kind


def test_a_text_of_the_system_cannot_break_the_table() -> None:
    """What a machine or a camera says of itself is cut and has no character of Markdown."""
    assert plain("a|b\n<script>`x`[y](z)") == "a b script x y (z)"
    assert len(plain("x" * 500)) == 80


def test_a_machine_is_read_from_the_files_of_the_system(tmp_path: Path) -> None:
    """A Pi's model, and its memory."""
    for name, text in (
        ("sys/firmware/devicetree/base/model", "Raspberry Pi 4 Model B\0"),
        ("proc/meminfo", "MemTotal:        3884136 kB\n"),
        ("etc/os-release", 'NAME="x"\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n'),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    machine = MachineKind.read(tmp_path)
    assert (machine.model, machine.system) == ("Raspberry Pi 4 Model B", "Debian GNU/Linux 13 (trixie)")
    assert machine.memory_gb == pytest.approx(3.98, abs=0.01)
    assert MachineKind.read(tmp_path / "none").system == "Linux"
