"""A real RTSP server, killed and restarted, against the camera driver for URLs."""

import logging
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from node.camera import Camera, open_camera
from node.clock import SystemClock
from node.domain import CameraState, Tick
from node.settings import CameraSettings

PACKAGES = (
    "python3-gi gir1.2-gst-rtsp-server-1.0 "
    "gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-ugly"
)
DEADLINE_TICKS = 60  # about a minute, since a tick comes at least every second

# Runs with Debian's own Python, which has the GStreamer packages; prints a line when it listens.
SERVER = """
import sys
import gi
gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer

Gst.init(None)
missing = [name for name in ("videotestsrc", "x264enc", "rtph264pay") if not Gst.ElementFactory.find(name)]
if missing:
    sys.exit("no " + ", ".join(missing))
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(sys.argv[1])
auth = GstRtspServer.RTSPAuth()
token = GstRtspServer.RTSPToken()
token.set_string("media.factory.role", "viewer")
auth.add_basic(GstRtspServer.RTSPAuth.make_basic("ada", "s3cret"), token)
server.set_auth(auth)
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(
    "( videotestsrc is-live=true pattern=red ! video/x-raw,format=I420,width=320,height=240,framerate=15/1"
    " ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 ! rtph264pay name=pay0 pt=96 config-interval=1 )"
)
factory.set_shared(True)
factory.add_role_from_structure(Gst.Structure.from_string(
    "viewer, media.factory.access=true, media.factory.construct=true")[0])
server.get_mount_points().add_factory("/main", factory)
if not server.attach(None):
    sys.exit("cannot listen")
print("listening", flush=True)
GLib.MainLoop().run()
"""


@contextmanager
def _serving(port: int) -> Iterator[None]:
    """Run a server until the block ends; skip without the Debian packages."""
    process = subprocess.Popen(
        ["/usr/bin/python3", "-c", SERVER, str(port)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        published = process.stdout.readline()
        if not published:
            _, problem = process.communicate(timeout=10)
            pytest.skip(f"no RTSP server: {problem.strip().splitlines()[-1]}: apt-get install {PACKAGES}")
        yield
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def port() -> int:
    """Return a free port on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _camera(port: int, login: str = "ada:s3cret@", **settings: float) -> Camera:
    source = f"video:rtsp://{login}127.0.0.1:{port}/main"
    return open_camera(CameraSettings.model_validate({"source": source} | settings), SystemClock())


def _until(ticks: Iterator[Tick], met: Callable[[Tick], object]) -> Tick:
    """Return the first tick that meets a condition."""
    for number, tick in enumerate(ticks):
        if met(tick):
            return tick
        if tick.frame is None:
            assert number < DEADLINE_TICKS, "no such tick within the deadline"
    raise AssertionError("the camera ended")


def test_a_stream_is_reopened_when_its_server_returns(port: int, caplog: pytest.LogCaptureFixture) -> None:
    """A camera that is switched off and on comes back; each change is logged once, without its password."""
    caplog.set_level(logging.DEBUG)
    with _camera(port, stall_s=5, restart_after=100) as camera:
        ticks = iter(camera)
        with _serving(port):
            tick = _until(ticks, lambda tick: tick.frame)
        assert tick.frame is not None
        assert tick.frame.image.shape == (240, 320, 3)
        # Pure red, with a tolerance of 15 for the codec.
        assert np.abs(tick.frame.image.mean(axis=(0, 1)) - (255, 0, 0)).max() < 15

        _until(ticks, lambda _: camera.state is CameraState.LOST)
        with _serving(port):
            _until(ticks, lambda tick: tick.frame)
            assert camera.state is CameraState.OK
            assert camera.problem is None
    published = [record.getMessage() for record in caplog.records]
    assert sum("camera lost" in line for line in published) == 1
    assert sum("frames again" in line for line in published) == 1
    assert "s3cret" not in caplog.text


def test_a_wrong_password_is_a_problem_that_does_not_print_it(port: int) -> None:
    """The problem says where and what to check, without the password; a new process would help no better."""
    with _serving(port), _camera(port, login="ada:wr0ng@", stall_s=1, restart_after=1) as camera:
        ticks = iter(camera)
        _until(ticks, lambda _: camera.outage)
        _until(ticks, _after(ticks, 3))
        assert "cannot be opened: check the address, the password" in str(camera.problem)
        assert "wr0ng" not in str(camera.problem)


def test_a_silent_server_does_not_block_the_ticks(port: int) -> None:
    """Opening has a time limit: ticks go on without frames, and the camera is waited for, not given up."""
    with socket.create_server(("127.0.0.1", port)), _camera(port, stall_s=2, restart_after=1) as camera:
        ticks = iter(camera)
        moments = [next(ticks).at.mono_s for _ in range(2)]
        assert moments[1] - moments[0] < 1.5
        _until(ticks, lambda _: camera.outage)
        _until(ticks, _after(ticks, 10))
        assert camera.state is CameraState.LOST


def _after(ticks: Iterator[Tick], seconds: float) -> Callable[[Tick], object]:
    """Return the condition that some seconds have passed since the next tick."""
    due_s = next(ticks).at.mono_s + seconds
    return lambda tick: tick.at.mono_s >= due_s
