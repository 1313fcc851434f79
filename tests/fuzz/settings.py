"""Forged settings files, variables and command lines -> settings, or one error line without a traceback.

python -m tests.fuzz.settings --seconds 60
"""

import contextlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from node.assembly import describe_device
from node.camera import open_camera
from node.cli import main as command
from node.clock import SystemClock
from node.errors import CameraError, SettingsError
from node.settings import Settings
from node.settings.loader import SECTIONS, load
from node.settings.node import zone_of
from node.settings.schema import ENV_PREFIX
from tests.fuzz.driver import Target, main
from tests.fuzz.mutation import Bytes

_FILE = b"""# A node.
[node]
id = "front-door"
name = "Front door"
timezone = "Europe/Berlin"

[camera]
source = "images:pictures"
width = 1280
fps = 10.0

[people]
keep_crops = true

[events.gates]
min_light = 30.0

[publish]
tasks = ["identity", "age"]

[mqtt]
host = "broker.local"
port = 8883
tls = { enabled = true }

[storage]
dir = "state"

[[alerts.rules]]
id = "night-stranger"
when = "unknown"
between = ["22:00", "06:00"]
cool_down_s = 300

[[alerts.rules]]
id = "door"
when = "loiter"
people = ["ada"]
for_s = 60
"""
_WORDS = (
    b"[", b"]", b"{", b"}", b"=", b".", b'"""', b"'''", b"\\u0000", b"\\U0010ffff", b"nan", b"inf", b"-1", b"1e400",
    b"9" * 5000, b"0x" + b"f" * 5000, b"[" * 3000, b"a." * 3000, b"{a=" * 3000, b"true", b"1979-05-27T07:32:00Z",
    b"\x1b[2J", b"\xc2\x9b", "\u202e".encode(), b"\xff",
    b"video:", b"images:", b"webcam:99", b"../", b"rtsp://a:b@c/", b"mqtt:/", b"~", b"$HOME", b"./",
    b"\xef\xbb\xbf", b"\xff\xfe", b"\n[[alerts.rules]]\n",
    *(f"\n[{section}]\n".encode() for section in SECTIONS),
)  # fmt: skip
_VARIABLES = b"\n".join(
    [b"FACENODE_CAMERA__FPS=5", b"FACENODE_MQTT__TLS__ENABLED=true", b"FACENODE_PUBLISH__TASKS=identity, age",
     b'FACENODE_ALERTS__RULES=[{"id":"a","when":"unknown"}]', b'FACENODE_MQTT={"port":1}', b"FACENODE_NODE__ID=pi"]
)  # fmt: skip
_ASSIGNMENTS = b"mqtt.port=3\ncamera.source=images:x\nevents.gates.min_light=1\npublish.tasks=identity\nnode.id=pi"


def build(folder: Path) -> Sequence[Target]:
    """Return a target for each of the three sources of settings."""
    path = folder / "facenode.toml"

    def file(content: bytes) -> str:
        path.write_bytes(content)
        return _outcome(path, {})

    def variables(content: bytes) -> str:
        lines = content.decode(errors="surrogateescape").replace("\0", "").split("\n")
        return _outcome(None, dict(line.split("=", 1) for line in lines if "=" in line))

    def assignments(content: bytes) -> str:
        given = content.decode(errors="surrogateescape").replace("\0", "").split("\n")
        printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="")
        with contextlib.redirect_stderr(printed), contextlib.redirect_stdout(printed):
            code = _exit_code(["check", "--settings", *(part for each in given for part in ("--set", each))])
        printed.seek(0)
        assert all(line.isprintable() for line in printed.read().split("\n"))
        assert code in {0, 2, 78}
        return {0: "accepted", 2: "refused as usage", 78: "refused"}[code]

    return (
        Target("files", Bytes([_FILE], _WORDS, most=2), file),
        Target("variables", _lines(_VARIABLES), variables),
        Target("assignments", _lines(_ASSIGNMENTS), assignments),
    )


def _lines(seed: bytes) -> Bytes:
    return Bytes([*seed.split(b"\n"), seed], (*_WORDS, b"__", b"_", b"=", b'"'), most=2)


def _exit_code(arguments: Sequence[str]) -> int:
    """Return the exit code of the command line."""
    try:
        return command(arguments)
    except SystemExit as ended:  # argparse refuses by itself
        return int(ended.code or 0)


def _outcome(path: Path | None, environ: Mapping[str, str]) -> str:
    try:
        settings = load(path, {}, environ, Path("/nonexistent"))
    except SettingsError as error:
        sentence = str(error)
        if "\n" in sentence or not sentence:
            raise AssertionError(sentence) from error
        return "refused"
    return f"accepted, {_use(settings)}"


def _use(settings: Settings) -> str:
    """Use the settings as a node does at its start, without a network or broker."""
    zone_of(settings.node.timezone)
    describe_device(settings)
    assert all(name.upper().startswith(ENV_PREFIX) for name in (f"{ENV_PREFIX}{section}" for section in SECTIONS))
    if not settings.camera.source.startswith(("video:", "images:")) or "://" in settings.camera.source:
        return "with a live camera"
    try:
        with open_camera(settings.camera, SystemClock()):
            return "with pictures"
    except CameraError:
        return "without pictures"


if __name__ == "__main__":
    raise SystemExit(main(build))
