"""A broker that accepts TCP but stays silent does not slow the loop, and gets every event once it answers."""

import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from statistics import quantiles

import pytest
from clocked_clip import ClockedClip
from mosquitto_broker import Mosquitto, Subscriber, eventually
from node_messages import events, load_settings, settings_for
from tcp_proxy import TcpProxy

from node.assembly import build_node
from node.camera.video import read_video
from node.clock import SystemClock

pytestmark = pytest.mark.broker
RECOVERED_S = 30.0
MAX_ADDED_MS = 10.0  # waiting for a socket takes hundreds of milliseconds; a busy machine adds a few


def test_a_silent_broker_slows_no_frame_and_gets_every_event_once_it_answers(
    mosquitto: Callable[..., Mosquitto], media_dir: Path, tmp_path: Path, print_line: Callable[[str], None]
) -> None:
    """Until then `status` is not online and a frame takes at most `MAX_ADDED_MS` longer than usual."""
    broker, clock = mosquitto(), SystemClock()
    path = media_dir / "carphone.mp4"
    frames = list(read_video(path))[:60]
    spoken = ClockedClip(frames, clock)
    build_node(load_settings(settings_for(broker, path, tmp_path / "spoken")), spoken, clock).run()
    with TcpProxy(broker.port) as proxy, closing(Subscriber(broker.settings(), "facenode/hall/#")) as subscriber:
        proxy.hold("up", "down")
        settings = settings_for(broker, path, tmp_path / "silent") | {"mqtt.port": proxy.port, "node.id": "hall"}
        silent = ClockedClip(frames, clock)
        node = build_node(load_settings(settings), silent, clock)
        runner = threading.Thread(target=node.run)
        runner.start()
        assert eventually(lambda: len(silent.frame_times_ms) == len(spoken.frame_times_ms), 60)
        assert b"online" not in [m.payload for m in subscriber.messages if not m.retained]
        resumed_s = clock.now().mono_s
        proxy.resume()
        proxy.cut()
        runner.join(RECOVERED_S + 10)
        took_s = clock.now().mono_s - resumed_s
        assert not runner.is_alive()
        assert took_s < RECOVERED_S
        published = [event["event_type"] for event in events([m for m in subscriber.messages if not m.retained])]
    assert published == ["unknown", "left"]
    # The lower quartile, since other processes on the machine slow down some frames of either run.
    usual_ms, silent_ms = (quantiles(clip.frame_times_ms, n=4)[0] for clip in (spoken, silent))
    print_line(f"a frame takes {usual_ms:.1f} ms, {silent_ms:.1f} ms with a silent broker; recovered in {took_s:.1f} s")
    assert silent_ms < usual_ms + MAX_ADDED_MS
