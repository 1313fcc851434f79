"""The program's sources -> wheels that are good, or bad in a chosen way."""

import re
import shutil
import sys
from pathlib import Path

from process import run

ROOT = Path(__file__).resolve().parents[2]
_PARTS = (
    "node", "models/zoo", "models/detector", "tests/media", "pyproject.toml", "README.md", "LICENSE",
    "docs/home-assistant/stranger_at_night.yaml",
)  # fmt: skip

EDITS = {
    "good": ("node/cli.py", "", ""),
    "crashes": ("node/commands/run.py", "    node = build_node(", "    raise SystemExit(3)\n    node = build_node("),
    "processes nothing": ("node/app.py", "        if found.looked:\n", "        if False:\n"),
    "is twice as slow": (
        "node/app.py",
        "        if found.looked:\n",
        "        time.sleep(time.perf_counter() - began_s)\n        if found.looked:\n",
    ),
}
"""Edits by behavior: the file, the text to replace, and its replacement."""


def build_variant(behavior: str, version: str, folder: Path) -> Path:
    """Build a wheel of a version with a behavior of EDITS and return its path."""
    source = folder / "source"
    for part in _PARTS:
        (source / part).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, source / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, source / part)
    name, before, after = EDITS[behavior]
    _edit(source / name, re.escape(before), after)
    _edit(source / "node/__init__.py", r"__version__ = .*", f'__version__ = "{version}"')
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, source)
    shutil.rmtree(source)
    (wheel,) = folder.glob(f"facenode-{version}-*.whl")
    return wheel


def damaged_network(folder: Path) -> Path:
    """Return a copy of the default network with four changed bytes, so that its sidecar's checksum does not match."""
    network = folder / "damaged.tflite"
    shutil.copy(ROOT / "models/zoo/mobilefacenet.float32.json", network.with_suffix(".json"))
    shutil.copy(ROOT / "models/zoo/mobilefacenet.float32.cohort.npy", folder)
    content = bytearray((ROOT / "models/zoo/mobilefacenet.float32.tflite").read_bytes())
    content[len(content) // 2 : len(content) // 2 + 4] = b"\xff\x00\xff\x00"
    network.write_bytes(bytes(content))
    return network


def _edit(path: Path, pattern: str, after: str) -> None:
    if pattern:
        text, count = re.subn(pattern, lambda _match: after, path.read_text(), count=1)
        assert count == 1, f"{path} has no {pattern}"
        path.write_text(text)
