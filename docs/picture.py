"""Output of the demo -> docs/picture.png: frames, and next to each the event that the node published.

Run it with `make picture` or `python docs/picture.py`.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from node.assembly import build_node, build_vision
from node.clock import SystemClock
from node.commands.demo.command import demo_settings, enrol
from node.commands.demo.embedded_broker import EmbeddedBroker
from node.commands.demo.scene import DemoCamera
from node.commands.demo.subscriber import ReceivedEvent, Subscriber
from node.contract.payloads import timestamp
from node.domain import Frame, Tick
from node.settings.loader import load

TARGET = Path(__file__).with_name("picture.png")
PANEL, TEXT_WIDTH, MARGIN = (432, 360), 520, 24
BACKGROUND, TEXT_COLOR, NOTE_COLOR, KNOWN_COLOR, STRANGER_COLOR = "#ffffff", "#1f2933", "#7b8794", "#1b9e5a", "#d64545"


class RecordingCamera(DemoCamera):
    """The camera of the demo, which records its ticks by timestamp."""

    def __init__(self, clock: SystemClock) -> None:
        super().__init__(clock)
        self.ticks: dict[str, Tick] = {}

    def __iter__(self) -> Iterator[Tick]:
        for tick in super().__iter__():
            self.ticks[timestamp(tick.at.wall)] = tick
            yield tick


def main() -> None:
    """Run the demo, and draw a `recognized` and an `unknown` event."""
    received: list[ReceivedEvent] = []
    with tempfile.TemporaryDirectory() as folder, EmbeddedBroker() as broker:
        settings = demo_settings(load(None, {}, {}, Path(folder) / "none"), Path(folder), broker.port)
        enrol(settings)
        clock = SystemClock()
        camera = RecordingCamera(clock)
        with Subscriber(settings.mqtt, settings.node.id, received.append):
            build_node(settings, camera, clock).run()
    vision = build_vision(settings, ())
    events = [event.payload for event in received if event.event_type in {"recognized", "unknown"}]
    chosen = [next(e for e in events if e["event_type"] == "recognized"), events[-1]]
    sheet = Pillow.new(
        "RGB", (PANEL[0] + TEXT_WIDTH + 3 * MARGIN, len(chosen) * (PANEL[1] + MARGIN) + MARGIN), BACKGROUND
    )
    for row, event in enumerate(chosen):
        tick = camera.ticks[event["at"]]
        assert tick.frame is not None  # noqa: S101 - an event needs a frame
        top = MARGIN + row * (PANEL[1] + MARGIN)
        color = KNOWN_COLOR if "person" in event else STRANGER_COLOR
        sheet.paste(
            panel(tick.frame, vision.detector.detect(tick.frame)[0].keypoints, event["box"], color), (MARGIN, top)
        )
        draw_event(ImageDraw.Draw(sheet), (PANEL[0] + 2 * MARGIN, top), event, color)
    sheet.save(TARGET, optimize=True)
    print(TARGET)


def panel(frame: Frame, keypoints: tuple[tuple[float, float], ...], box: tuple[float, ...], color: str) -> Pillow.Image:
    """Return the frame, cropped to the panel, with the box and the keypoints of the face."""
    rows, columns = frame.image.shape[:2]
    scale = max(PANEL[0] / columns, PANEL[1] / rows)
    size = round(columns * scale), round(rows * scale)
    picture = Pillow.fromarray(frame.image).resize(size, Pillow.Resampling.LANCZOS)
    drawing = ImageDraw.Draw(picture)
    left, top, width, height = box
    corners = (left * size[0], top * size[1], (left + width) * size[0], (top + height) * size[1])
    drawing.rounded_rectangle(corners, 6, outline=color, width=4)
    for x, y in keypoints:
        drawing.ellipse((x * size[0] - 3, y * size[1] - 3, x * size[0] + 3, y * size[1] + 3), fill=color)
    return picture.crop((0, 0, *PANEL))


def draw_event(drawing: ImageDraw.ImageDraw, place: tuple[int, int], event: Mapping[str, object], color: str) -> None:
    """Draw the topic, the payload and its size."""
    x, y = place
    topic = f"facenode/demo/event/{event['event_type']}"
    drawing.text((x, y), topic, color, ImageFont.load_default(22))
    text = ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in event.items())
    drawing.multiline_text((x, y + 38), f"{{\n{text}\n}}", TEXT_COLOR, ImageFont.load_default(15), spacing=5)
    size = len(json.dumps(event, separators=(",", ":")))
    drawing.text(
        (x, y + PANEL[1] - 20), f"{size} bytes, MQTT QoS 1, never retained", NOTE_COLOR, ImageFont.load_default(14)
    )


if __name__ == "__main__":
    main()
