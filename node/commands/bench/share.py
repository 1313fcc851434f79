"""What was measured on this machine -> one Markdown block to paste, with nothing in it that is anybody's own.

It names kinds of things: a board's model, a sensor, a release of the system. It holds no name, address, path, serial
number, id or time.
"""

import os
import platform
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from node import __version__
from node.domain import counted

_MAX_TEXT = 80
_KINDS = {"video": "a clip or a network camera", "images": "pictures"}
_PLAIN = re.compile(r"[^A-Za-z0-9 .,:()/+_-]")


@dataclass(frozen=True, slots=True)
class CameraFigures:
    """What a camera gave.

    Attributes:
        kind: of the camera, such as `Pi camera imx708`.
        width: of a frame, pixels.
        height: of a frame, pixels.
        fps: frames per second that came.
    """

    kind: str
    width: int
    height: int
    fps: float


@dataclass(frozen=True, slots=True)
class MachineKind:
    """What the machine is.

    Attributes:
        model: of the board.
        cores: of its processor; None if unknown.
        memory_gb: gigabytes; None if unknown.
        system: its release.
    """

    model: str
    cores: int | None
    memory_gb: float | None
    system: str

    @classmethod
    def read(cls, root: Path = Path("/")) -> "MachineKind":
        """Return what the files of the system say.

        Args:
            root: folder of `/proc`, `/sys` and `/etc`.
        """
        model = _text(root / "sys/firmware/devicetree/base/model") or _processor(root / "proc/cpuinfo")
        return cls(
            model=plain(model or platform.machine()),
            cores=os.cpu_count(),
            memory_gb=_memory_gb(root / "proc/meminfo"),
            system=plain(_release(root / "etc/os-release")),
        )


@dataclass(frozen=True, slots=True)
class Warmth:
    """The processor before and after the measurement.

    Attributes:
        before_c: degrees Celsius; None if unknown.
        after_c: degrees Celsius; None if unknown.
        throttled: whether the board slowed itself down; None if unknown.
    """

    before_c: float | None
    after_c: float | None
    throttled: bool | None


def share_block(  # noqa: PLR0913, PLR0917 - each is a part of the block
    machine: MachineKind,
    figures: Mapping[str, Any],
    network: Mapping[str, str],
    camera: CameraFigures | None,
    warmth: Warmth,
    latency_ms: float | None,
) -> str:
    """Return the block.

    Args:
        machine: what it is.
        figures: what `node.commands.bench.command.measure` returns.
        network: its line `network` and its line `runtime`.
        camera: what the camera gave; None where none was tried.
        warmth: of the processor.
        latency_ms: median milliseconds from the deciding frame of a clip to a subscriber; None if not measured.
    """
    rows = list(_rows(machine, figures, network, camera, warmth, latency_ms))
    return "\n".join(
        (f"#### Facenode {__version__} on {machine.model}", "", "| what | figure |", "| --- | --- |", *rows)
    )


def _rows(  # noqa: PLR0913, PLR0917 - as share_block
    machine: MachineKind,
    figures: Mapping[str, Any],
    network: Mapping[str, str],
    camera: CameraFigures | None,
    warmth: Warmth,
    latency_ms: float | None,
) -> Iterator[str]:
    steps = figures["steps"]
    whole = steps["whole frame"]
    cores = "" if machine.cores is None else f", {counted(machine.cores, 'core')}"
    memory = "" if machine.memory_gb is None else f", {machine.memory_gb:.1f} GB"
    yield f"| board | {machine.model}{cores}{memory} |"
    yield f"| system | {machine.system}, {platform.machine()}, Python {platform.python_version()} |"
    yield f"| camera | {_camera(camera)} |"
    yield f"| network | {plain(network['network'])} |"
    yield f"| runtime | {plain(network['runtime'])} |"
    yield f"| whole frame, one face | {whole['p50_ms']:.1f} ms median, {whole['p95_ms']:.1f} ms 95th percentile |"
    yield f"| detect / network | {steps['detect']['p50_ms']:.1f} ms / {steps['network']['p50_ms']:.1f} ms |"
    yield f"| frames a second, one face | {1000 / whole['p50_ms']:.1f} |"
    yield f"| four people / one | {figures['ratios']['four people / one']:.2f} times the time |"
    yield f"| peak memory | {figures['peak_mb']:.0f} MB |"
    yield f"| temperature | {_degrees(warmth.before_c)} before, {_degrees(warmth.after_c)} after{_slowed(warmth)} |"
    latency = "not measured" if latency_ms is None else f"{latency_ms:.0f} ms"
    yield f"| deciding frame of a clip to a subscriber | {latency} |"


def camera_kind(source: str, name: str | None) -> str:
    """Return what kind of camera a source is, without its address.

    Args:
        source: as `camera.source` has it.
        name: what its maker calls it; None if unknown.
    """
    driver = source.partition(":")[0]
    return plain(name or {"picamera": "Pi camera", "webcam": "webcam"}.get(driver, "")) or _KINDS.get(driver, "camera")


def plain(text: str) -> str:
    """Return a text of the system that can stand in a cell of a table."""
    return " ".join(_PLAIN.sub(" ", text).split())[:_MAX_TEXT]


def _camera(camera: CameraFigures | None) -> str:
    if camera is None:
        return "not measured"
    return f"{camera.kind}, {camera.width}x{camera.height}, {camera.fps:.1f} frames a second"


def _degrees(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.0f} °C"


def _slowed(warmth: Warmth) -> str:
    return {None: "", True: ", throttled", False: ", not throttled"}[warmth.throttled]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0\n ")
    except OSError:
        return ""


def _processor(path: Path) -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", _text(path), re.MULTILINE)
    return found[1] if found else ""


def _memory_gb(path: Path) -> float | None:
    found = re.search(r"^MemTotal:\s*(\d+) kB$", _text(path), re.MULTILINE)
    return int(found[1]) * 1024 / 1e9 if found else None


def _release(path: Path) -> str:
    found = re.search(r'^PRETTY_NAME="?([^"\n]*)"?$', _text(path), re.MULTILINE)
    return found[1] if found else "Linux"
