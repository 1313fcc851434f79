"""Debian's libcamera, picamera2 from PyPI and pictures -> a root whose camera shows the pictures.

libcamera has a virtual camera that plays JPEG files. picamera2 was written for sensors: `virtual_camera.py` adds what
the virtual camera lacks, and `dmabuf.c` what the kernel may lack.
"""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from debian_root import command_inside, debian_root, run_inside
from process import run

from node.camera.image_file import read_image
from node.domain import Image

ROOT = Path(__file__).resolve().parents[2]
SIZE, SMALL = (1280, 720), (640, 360)
PYTHON = "/opt/picamera/bin/python"
_HERE = Path(__file__).parent
_HOME = "opt/picamera"
_SCRIPTS = "srv/picamera"
# The last three build PiDNG, which picamera2 needs, and dmabuf.c.
_PACKAGES = ("python3-libcamera", "libcamera-ipa", "python3-prctl", "python3-dev", "gcc", "libc6-dev")
_PICAMERA = "picamera2==0.3.38"
_DESCRIPTION = "usr/share/libcamera/pipeline/virtual/virtual.yaml"
_CAMERA = """
"Door":
  model: "a virtual camera"
  location: "CameraLocationFront"
  frames: {{path: "/{scripts}/pictures"}}
  supported_formats:
"""


def picamera_root() -> Path:
    """Return the root, with the checkout's program installed beside picamera2; skip if it cannot be made."""
    root = debian_root("picamera", *_PACKAGES)
    home = root / _HOME
    if not (home / "complete").exists():
        shutil.rmtree(home, ignore_errors=True)
        run_inside(root, "python3", "-m", "venv", "--system-site-packages", f"/{_HOME}")
        run_inside(root, PYTHON, "-m", "pip", "install", "--quiet", _PICAMERA)
        (home / "complete").touch()
    scripts = root / _SCRIPTS
    shutil.rmtree(scripts, ignore_errors=True)
    (scripts / "pictures").mkdir(parents=True)
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", scripts, ROOT)
    (wheel,) = scripts.glob("*.whl")
    # First the dependencies, which are kept between runs, then the program, whose version does not show changes.
    run_inside(root, PYTHON, "-m", "pip", "install", "--quiet", f"/{_SCRIPTS}/{wheel.name}")
    run_inside(
        root, PYTHON, "-m", "pip", "install", "--quiet", "--no-deps", "--force-reinstall", f"/{_SCRIPTS}/{wheel.name}"
    )
    for name in ("dmabuf.c", "virtual_camera.py", "picamera_driver_report.py"):
        shutil.copy(_HERE / name, scripts)
    compiler = ("gcc", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC")
    run_inside(root, *compiler, "-o", f"/{_SCRIPTS}/dmabuf.so", f"/{_SCRIPTS}/dmabuf.c")
    return root


def show_picture(root: Path, picture: Image) -> None:
    """Make the camera show a picture of SIZE."""
    cv2.imwrite(str(root / _SCRIPTS / "pictures/0.jpg"), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    sizes = "".join(
        f"  - {{width: {width}, height: {height}, frame_rates: [10, 30]}}\n" for width, height in (SIZE, SMALL)
    )
    description = root / _DESCRIPTION
    description.parent.mkdir(parents=True, exist_ok=True)
    description.write_text(_CAMERA.format(scripts=_SCRIPTS) + sizes)


@contextmanager
def unplugged(root: Path) -> Iterator[None]:
    """Remove the camera until the block ends."""
    description = root / _DESCRIPTION
    kept = description.read_text()
    description.unlink()
    try:
        yield
    finally:
        description.write_text(kept)


def with_camera(root: Path, script: str, *arguments: str | Path) -> tuple[str | Path, ...]:
    """Return the command that runs a script in the root, where picamera2 finds a camera."""
    environ = ("env", f"LD_PRELOAD=/{_SCRIPTS}/dmabuf.so", "PYTHONDONTWRITEBYTECODE=1")
    return command_inside(root, *environ, PYTHON, f"/{_SCRIPTS}/{script}", *arguments)


def side_by_side(*portraits: Path) -> Image:
    """Return portraits side by side on grey at their own proportions, as a picture of SIZE."""
    width, height = SIZE
    canvas = np.full((height, width, 3), 128, np.uint8)
    column = width // len(portraits)
    for number, path in enumerate(portraits):
        portrait = read_image(path)
        scale = min(column / portrait.shape[1], height / portrait.shape[0])
        size = (int(portrait.shape[1] * scale), int(portrait.shape[0] * scale))
        left = number * column + (column - size[0]) // 2
        canvas[: size[1], left : left + size[0]] = cv2.resize(portrait, size, interpolation=cv2.INTER_AREA)
    return canvas
