"""A camera whose driver gives frames without pixels: the node goes on, and publishes what the good frames show."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from clocked_clip import LiveClip
from mosquitto_broker import Mosquitto, Subscriber, eventually
from node_messages import events, load_settings, settings_for

from node.assembly import build_node
from node.camera.video_file import read_video
from node.clock import SystemClock
from node.domain import Image

pytestmark = pytest.mark.broker


def test_frames_without_pixels_do_not_end_the_node(
    mosquitto: Callable[..., Mosquitto], media_dir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """They ended it with a traceback; now each counts as no frame, and one line says so."""
    broker = mosquitto()
    clip = media_dir / "carphone.mp4"
    bad: list[Image] = [np.zeros((0, 0, 3), np.uint8), np.zeros((0, 640, 3), np.uint8)]
    frames = [*bad, *list(read_video(clip))[:30], *bad]
    settings = load_settings(settings_for(broker, clip, tmp_path))
    with closing(Subscriber(broker.settings(), "facenode/hall/#")) as subscriber:
        build_node(settings, LiveClip(frames, SystemClock())).run()
        assert eventually(lambda: subscriber.on("facenode/hall/status")[-1:] == [b"offline"])
        assert [event["event_type"] for event in events(subscriber.messages)] == ["unknown", "left"]
    lines = [record.getMessage() for record in caplog.records if "not used" in record.getMessage()]
    assert lines == ["a clip: gives a frame of 0x0 pixels: not used"]
