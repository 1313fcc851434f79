"""Real output -> docs/picture.png: frames as the node saw them, and beside each the event that it sent.

python docs/picture.py
"""

import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from node.app import Node
from node.assembly import build_eyes
from node.clock import SystemClock
from node.commands.demo.command import demo_settings, enrol
from node.commands.demo.embedded_broker import EmbeddedBroker
from node.commands.demo.scene import DemoCamera
from node.commands.demo.subscriber import ReceivedEvent, Subscriber
from node.contract.payloads import timestamp
from node.domain import Frame, Tick
from node.settings.loader import load

TARGET = Path(__file__).with_name("picture.png")
PANEL, TEXT, MARGIN = (432, 360), 520, 24
PAPER, INK, QUIET, KNOWN, STRANGER = "#ffffff", "#1f2933", "#7b8794", "#1b9e5a", "#d64545"


class Recorder(DemoCamera):
    """The demonstration's camera, and what it showed."""

    def __init__(self, clock: SystemClock) -> None:
        super().__init__(clock)
        self.shown: dict[str, Tick] = {}

    def __iter__(self) -> Iterator[Tick]:
        for tick in super().__iter__():
            self.shown[timestamp(tick.at.wall)] = tick
            yield tick


def main() -> None:
    """Run the demonstration, and draw the events that name somebody or a stranger."""
    received: list[ReceivedEvent] = []
    with tempfile.TemporaryDirectory() as folder, EmbeddedBroker() as broker:
        settings = demo_settings(load(None, {}, {}, Path(folder) / "none"), Path(folder), broker.port)
        enrol(settings)
        clock = SystemClock()
        camera = Recorder(clock)
        with Subscriber(settings.mqtt, settings.node.id, received.append):
            Node(settings, camera, clock).run()
    eyes = build_eyes(settings, ())
    events = [event.payload for event in received if event.event_type in {"recognized", "unknown"}]
    chosen = [next(e for e in events if e["event_type"] == "recognized"), events[-1]]
    sheet = Pillow.new("RGB", (PANEL[0] + TEXT + 3 * MARGIN, len(chosen) * (PANEL[1] + MARGIN) + MARGIN), PAPER)
    for row, event in enumerate(chosen):
        tick = camera.shown[event["at"]]
        assert tick.frame is not None  # noqa: S101 - an event needs a frame
        top = MARGIN + row * (PANEL[1] + MARGIN)
        colour = KNOWN if "person" in event else STRANGER
        sheet.paste(
            panel(tick.frame, eyes.detector.detect(tick.frame)[0].keypoints, event["box"], colour), (MARGIN, top)
        )
        describe(ImageDraw.Draw(sheet), (PANEL[0] + 2 * MARGIN, top), event, colour)
    sheet.save(TARGET, optimize=True)
    print(TARGET)


def panel(
    frame: Frame, keypoints: tuple[tuple[float, float], ...], box: tuple[float, ...], colour: str
) -> Pillow.Image:
    """Return the frame, cut to the panel's shape, with the face's box and keypoints."""
    rows, columns = frame.image.shape[:2]
    scale = max(PANEL[0] / columns, PANEL[1] / rows)
    size = round(columns * scale), round(rows * scale)
    picture = Pillow.fromarray(frame.image).resize(size, Pillow.Resampling.LANCZOS)
    pen = ImageDraw.Draw(picture)
    left, top, width, height = box
    corners = (left * size[0], top * size[1], (left + width) * size[0], (top + height) * size[1])
    pen.rounded_rectangle(corners, 6, outline=colour, width=4)
    for x, y in keypoints:
        pen.ellipse((x * size[0] - 3, y * size[1] - 3, x * size[0] + 3, y * size[1] + 3), fill=colour)
    return picture.crop((0, 0, *PANEL))


def describe(pen: ImageDraw.ImageDraw, place: tuple[int, int], event: Mapping[str, object], colour: str) -> None:
    """Write the topic and the payload."""
    x, y = place
    topic = f"facenode/demo/event/{event['event_type']}"
    pen.text((x, y), topic, colour, ImageFont.load_default(22))
    text = ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in event.items())
    pen.multiline_text((x, y + 38), f"{{\n{text}\n}}", INK, ImageFont.load_default(15), spacing=5)
    size = len(json.dumps(event, separators=(",", ":")))
    pen.text((x, y + PANEL[1] - 20), f"{size} bytes, MQTT QoS 1, never retained", QUIET, ImageFont.load_default(14))


if __name__ == "__main__":
    main()
