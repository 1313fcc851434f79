"""What the machine says about itself: its boot and its board."""

import time
from pathlib import Path

import pytest

from node.system.machine import Machine


def test_the_boot_has_the_kernels_id_and_the_offset_of_the_boot_time_clock(tmp_path: Path) -> None:
    """Two processes of one boot get the same id; the offset is the time that the machine was suspended."""
    file = tmp_path / "proc/sys/kernel/random/boot_id"
    file.parent.mkdir(parents=True)
    file.write_text("3b7f6f0e\n")
    assert Machine(tmp_path).boot().id == "3b7f6f0e"
    assert Machine().boot().id == Machine().boot().id != ""
    suspended_s = time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()
    assert Machine().boot().offset_s == pytest.approx(suspended_s, abs=0.1)


def test_a_kernel_without_an_id_of_the_boot_gives_none(tmp_path: Path) -> None:
    """Then no boot counts as the same."""
    assert Machine(tmp_path).boot().id == ""


@pytest.mark.parametrize(
    ("file", "content", "name"),
    [
        ("sys/firmware/devicetree/base/model", b"Raspberry Pi 4 Model B Rev 1.4\0", "Raspberry Pi 4 Model B Rev 1.4"),
        ("sys/class/dmi/id/product_name", b"NUC7i5BNH\n", "NUC7i5BNH"),
        ("sys/class/dmi/id/product_name", b" \n", None),
        ("sys/firmware/devicetree/base/model", b"\x1b[2J" + b"x" * 5000, "[2J" + "x" * 61),
        ("sys/firmware/devicetree/base/model", b"\xff\xfe board", "\ufffd\ufffd board"),
    ],
)
def test_the_hardware_has_its_makers_name(tmp_path: Path, file: str, content: bytes, name: str | None) -> None:
    """On one line, printable, and no longer than a line of Home Assistant's page takes."""
    assert Machine(tmp_path).hardware() is None
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert Machine(tmp_path).hardware() == name
