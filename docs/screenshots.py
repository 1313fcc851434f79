"""A real Home Assistant and a real node -> the screenshots of docs/home-assistant.

Run it with `make screenshots` after changing those pages. It needs root, mmdebstrap, mosquitto and chromium.
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
from facenode_command import facenode
from home_assistant import HomeAssistant
from home_assistant_node import TIMEOUT_S, has_state, node_process
from home_assistant_root import home_assistant_root
from mjpeg_camera import MjpegCamera
from mosquitto_broker import Mosquitto, eventually
from PIL import Image as Pillow

from docs.browser import Browser
from node.camera.image_file import read_image
from node.domain import Image

TARGET = Path(__file__).with_name("home-assistant")
MEDIA = Path(__file__).resolve().parents[1] / "tests/media"
NODE, PLACE = "front-door", "front_door"
VIEW = (720, 1280)
WALL = (196, 189, 178)
COLORS, MAX_BYTES = 128, 200_000


def main() -> None:
    """Let a known person and a stranger pass the camera, and take the screenshots."""
    zone = zone_at_night(datetime.now(UTC).hour)
    with tempfile.TemporaryDirectory() as name, _running_home(Path(name), zone) as (home, camera, broker):
        folder = Path(name)
        settings: dict[str, object] = {"node.id": NODE, "storage.dir": folder / "s"}
        grace = MEDIA / "grace_hopper.jpg"
        _require(facenode("people", "add", "grace", "--name", "Grace", grace, settings=settings).code == 0)
        inputs = {"faces": f"event.{PLACE}_event", "picture": f"image.{PLACE}_snapshot"}
        home.automate("stranger", "facenode/stranger_at_night.yaml", inputs, "A stranger at the front door")
        with node_process(
            NODE, broker, folder, MEDIA, node__name="Front door", node__area="Hall", publish__snapshots="face",
            camera__source=f"video:{camera.url}", events__leave_after_s=1,
        ):  # fmt: skip
            _require(eventually(partial(has_state, home, f"binary_sensor.{PLACE}_person_grace", "on"), TIMEOUT_S))
            camera.contents = (scene(),)
            _require(eventually(partial(has_state, home, f"sensor.{PLACE}_count", "0"), TIMEOUT_S))
            camera.contents = (scene(read_image(MEDIA / "astronaut.jpg")),)
            _require(eventually(lambda: bool(home.command("persistent_notification/get")), TIMEOUT_S))
            take_screenshots(home, zone)


def zone_at_night(hour: int) -> str:
    """Return a time zone in which it is 23:00 when it is `hour` in UTC."""
    ahead = (23 - hour + 12) % 24 - 12
    return f"Etc/GMT{-ahead:+d}" if ahead else "UTC"


def take_screenshots(home: HomeAssistant, zone: str) -> None:
    """Take each screenshot while the stranger is in view."""
    base = f"http://127.0.0.1:{home.port}"
    device = home.render(f"{{{{ device_id('event.{PLACE}_event') }}}}")
    with Browser(zone) as browser:
        browser.resize(1240, 1000)
        browser.open(f"{base}/auth/authorize", "Home")
        browser.evaluate(f"localStorage.setItem('hassTokens', {json.dumps(json.dumps(home.login()))})")
        browser.open(f"{base}/config/automation/edit/stranger", "a stranger at night", "Until")
        browser.resize(1240, 830)
        save_screenshot(browser, TARGET / "blueprint.png")
        browser.resize(1240, 600)
        browser.open(f"{base}/config/automation/trace/stranger", "Executed")
        save_screenshot(browser, TARGET / "trace.png")
        browser.resize(1080, 1690)
        browser.open(f"{base}/config/devices/device/{device}", "Front door", "Diagnostic", "Restart")
        save_screenshot(browser, TARGET / "device.png")
        browser.resize(500, 490)
        browser.evaluate(
            'document.querySelector("home-assistant").shadowRoot.querySelector("home-assistant-main")'
            '.dispatchEvent(new CustomEvent("hass-show-notifications", {bubbles: true, composed: true}))'
        )
        browser.wait("Front door: a stranger")
        save_screenshot(browser, TARGET / "notification.png")


def save_screenshot(browser: Browser, file: Path) -> None:
    """Save a screenshot of the page as a small PNG."""
    picture = Pillow.open(io.BytesIO(browser.screenshot())).convert("RGB")
    picture.quantize(COLORS, dither=Pillow.Dither.NONE).save(file, optimize=True)
    _require(file.stat().st_size < MAX_BYTES)
    print(f"{file}: {file.stat().st_size} bytes")


def scene(portrait: Image | None = None) -> bytes:
    """Return a frame for the camera, JPEG: a wall, with the portrait in front of it if given."""
    view = np.full((*VIEW, 3), WALL, np.uint8)
    if portrait is not None:
        height, width = portrait.shape[:2]
        top, left = VIEW[0] - height, (VIEW[1] - width) // 2
        view[max(top, 0) :, left : left + width] = portrait[: min(height, VIEW[0])]
    return cv2.imencode(".jpg", view[:, :, ::-1])[1].tobytes()


@contextmanager
def _running_home(folder: Path, zone: str) -> Iterator[tuple[HomeAssistant, MjpegCamera, Mosquitto]]:
    """Yield a running Home Assistant, a camera that shows Grace, and a broker."""
    broker = Mosquitto(folder / "broker").start()
    home = HomeAssistant(home_assistant_root(), folder, broker, zone)
    try:
        home.start()
        home.finish_onboarding()
        with MjpegCamera(scene(read_image(MEDIA / "grace_hopper.jpg"))) as camera:
            yield home, camera, broker
    finally:
        home.end()
        broker.end()


def _require(met: bool) -> None:  # noqa: FBT001 - like an assertion
    if not met:
        raise RuntimeError("the scene did not play as expected: see the log of Home Assistant")


if __name__ == "__main__":
    main()
