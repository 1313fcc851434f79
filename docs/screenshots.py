"""A real Home Assistant, a real node and its owner's first evening -> the pictures of docs/home-assistant.

make screenshots    needs root, mmdebstrap, mosquitto and chromium; a tool for whoever changes those pages
"""

import io
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from facenode import facenode
from homeassistant import HomeAssistant
from homenode import PATIENCE_S, node, shows
from homeroot import home_root
from PIL import Image as Pillow
from realbroker import Mosquitto, eventually
from stream import Stream

from docs.browser import Browser
from node.camera.image_file import read_image
from node.domain import Image

TARGET = Path(__file__).with_name("home-assistant")
MEDIA = Path(__file__).resolve().parents[1] / "tests/media"
NODE, PLACE = "front-door", "front_door"
VIEW = (720, 1280)
WALL = (196, 189, 178)
COLOURS, MOST_BYTES = 128, 200_000


def main() -> None:
    """Let somebody come home and a stranger come by, and take the pictures."""
    zone = night(datetime.now(UTC).hour)
    with tempfile.TemporaryDirectory() as name, _house(Path(name), zone) as (home, stream, broker):
        folder = Path(name)
        settings: dict[str, object] = {"node.id": NODE, "storage.dir": folder / "s"}
        grace = MEDIA / "grace_hopper.jpg"
        _demand(facenode("people", "add", "grace", "--name", "Grace", grace, settings=settings).code == 0)
        inputs = {"faces": f"event.{PLACE}_event", "picture": f"image.{PLACE}_snapshot"}
        home.automate("stranger", "facenode/stranger_at_night.yaml", inputs, "A stranger at the front door")
        with node(
            NODE, broker, folder, MEDIA, node__name="Front door", node__area="Hall", publish__snapshots="face",
            camera__source=f"video:{stream.url}", events__leave_after_s=1,
        ):  # fmt: skip
            _demand(eventually(partial(shows, home, f"binary_sensor.{PLACE}_person_grace", "on"), PATIENCE_S))
            stream.contents = (scene(),)
            _demand(eventually(partial(shows, home, f"sensor.{PLACE}_count", "0"), PATIENCE_S))
            stream.contents = (scene(read_image(MEDIA / "astronaut.jpg")),)
            _demand(eventually(lambda: bool(home.ask("persistent_notification/get")), PATIENCE_S))
            take(home, zone)


def night(hour: int) -> str:
    """Return a time zone in which it is eleven at night when it is `hour` in UTC."""
    ahead = (23 - hour + 12) % 24 - 12
    return f"Etc/GMT{-ahead:+d}" if ahead else "UTC"


def take(home: HomeAssistant, zone: str) -> None:
    """Take each picture of a Home Assistant whose stranger is at the door."""
    base = f"http://127.0.0.1:{home.port}"
    device = home.render(f"{{{{ device_id('event.{PLACE}_event') }}}}")
    with Browser(zone) as browser:
        browser.resize(1240, 1000)
        browser.open(f"{base}/auth/authorize", "Home")
        browser.run(f"localStorage.setItem('hassTokens', {json.dumps(json.dumps(home.login()))})")
        browser.open(f"{base}/config/automation/edit/stranger", "a stranger at night", "Until")
        browser.resize(1240, 830)
        keep(browser, "blueprint")
        browser.resize(1240, 600)
        browser.open(f"{base}/config/automation/trace/stranger", "Executed")
        keep(browser, "trace")
        browser.resize(1080, 1590)
        browser.open(f"{base}/config/devices/device/{device}", "Front door", "Diagnostic", "Restart")
        keep(browser, "device")
        browser.resize(500, 490)
        browser.run(
            'document.querySelector("home-assistant").shadowRoot.querySelector("home-assistant-main")'
            '.dispatchEvent(new CustomEvent("hass-show-notifications", {bubbles: true, composed: true}))'
        )
        browser.wait("Front door: a stranger")
        keep(browser, "notification")


def keep(browser: Browser, name: str) -> None:
    """Keep the page as a small picture."""
    picture = Pillow.open(io.BytesIO(browser.picture())).convert("RGB")
    file = TARGET / f"{name}.png"
    picture.quantize(COLOURS, dither=Pillow.Dither.NONE).save(file, optimize=True)
    _demand(file.stat().st_size < MOST_BYTES)
    print(f"{file}: {file.stat().st_size} bytes")


def scene(portrait: Image | None = None) -> bytes:
    """Return what the camera sees, a wall, and somebody before it; JPEG."""
    view = np.full((*VIEW, 3), WALL, np.uint8)
    if portrait is not None:
        height, width = portrait.shape[:2]
        top, left = VIEW[0] - height, (VIEW[1] - width) // 2
        view[max(top, 0) :, left : left + width] = portrait[: min(height, VIEW[0])]
    return cv2.imencode(".jpg", view[:, :, ::-1])[1].tobytes()


@contextmanager
def _house(folder: Path, zone: str) -> Iterator[tuple[HomeAssistant, Stream, Mosquitto]]:
    """Return a Home Assistant that runs, a camera before which Grace stands, and a broker."""
    broker = Mosquitto(folder / "broker").start()
    home = HomeAssistant(home_root(), folder, broker, zone)
    try:
        home.start()
        home.settle_in()
        with Stream(scene(read_image(MEDIA / "grace_hopper.jpg"))) as stream:
            yield home, stream, broker
    finally:
        home.end()
        broker.end()


def _demand(met: bool) -> None:  # noqa: FBT001 - as an assertion
    if not met:
        raise RuntimeError("the evening went otherwise than it should: see the log of Home Assistant")


if __name__ == "__main__":
    main()
