"""The first run in Debian's Chromium, 375 pixels wide: each step and each wrong turn, by clicking.

With FACENODE_SHOTS=FOLDER each page is also kept as a picture: `setup-*.png` of docs/ are three of them.
"""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from first_run_page import CODE_TYPED, first_run_page
from mosquitto_broker import Mosquitto
from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
expect.set_options(timeout=150_000)
pytestmark = [
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no browser: apt install chromium"),
]
WIDTH = 375
_LEAST_PX = 44
_SMALL = """() => [...document.querySelectorAll("button, a, input:not([type=hidden]), textarea")].filter(each => {
  const box = (each.closest("label") || each).getBoundingClientRect();
  return box.height && box.height < %d && !each.closest("p.notice");
}).map(each => each.outerHTML)"""
"""What is smaller than a thumb."""


@pytest.fixture
def browser() -> Iterator[Browser]:
    """Return a browser."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def broker(mosquitto: Callable[..., Mosquitto], tmp_path: Path) -> Mosquitto:
    """Return a broker that lets in `facenode` with the password `right` alone."""
    passwords = tmp_path / "passwords"
    passwords.touch(mode=0o600)
    subprocess.run(("mosquitto_passwd", "-b", passwords, "facenode", "right"), check=True, capture_output=True)
    return mosquitto("allow_anonymous false", f"password_file {passwords}")


class Shots:
    """Keep a picture of each page, and hold it to its width and the size of what is touched.

    Args:
        page: of the browser.
        folder: for the pictures.
    """

    def __init__(self, page: Page, folder: Path) -> None:
        self._page, self._folder = page, folder

    def take(self, name: str) -> None:
        """Look at a page."""
        self._page.screenshot(path=self._folder / f"setup-{name}.png", full_page=True)
        assert self._page.evaluate("document.documentElement.scrollWidth") <= WIDTH, name
        assert self._page.evaluate(_SMALL % _LEAST_PX) == [], name


def test_the_first_run_on_a_phone(  # noqa: PLR0915 - one way from the first page to the last
    browser: Browser, broker: Mosquitto, portrait_folder: Path, tmp_path: Path
) -> None:
    """From the code to an enrolled owner, with a wrong code, password and time zone, and a second browser."""
    folder = Path(os.environ.get("FACENODE_SHOTS", tmp_path))
    view = {"viewport": {"width": WIDTH, "height": 740}, "ignore_https_errors": True}
    with first_run_page(tmp_path / "first", broker.port, portrait_folder, camera=portrait_folder) as served:
        page = browser.new_context(**view).new_page()  # type: ignore[arg-type] # of several types
        page.set_default_timeout(120_000)
        shots, address = Shots(page, folder), f"https://127.0.0.1:{served.port}/"

        def type_code(into: Page, code: str) -> None:
            into.goto(address)
            into.get_by_label("Code").fill(code)
            into.get_by_role("button", name="Begin").click()

        page.goto(address)
        shots.take("code")
        type_code(page, "abcd-abcd-abcd")
        expect(page.get_by_role("status")).to_have_text("That is not the code.")
        shots.take("code-wrong")
        type_code(page, CODE_TYPED.upper())
        other = browser.new_context(**view).new_page()  # type: ignore[arg-type] # as above
        other.set_default_timeout(120_000)
        type_code(other, CODE_TYPED)
        Shots(other, folder).take("code-other-browser")

        shots.take("camera")
        page.get_by_role("button", name="Try it").click()
        expect(page.get_by_role("img", name="What the camera sees now")).to_be_visible()
        shots.take("camera-tried")
        page.get_by_role("button", name="Use this camera").click()

        page.get_by_label("Password").fill("wrong")
        shots.take("broker")
        page.get_by_role("button", name="Test the login").click()
        expect(page.get_by_role("alert")).to_contain_text("refuses the login")
        shots.take("broker-wrong-password")
        page.get_by_label("Password").fill("right")
        page.get_by_role("button", name="Test the login").click()

        page.get_by_label("Name", exact=True).fill("Front door")
        page.get_by_label("Room").fill("Hall")
        page.get_by_label("Time zone, such as Europe/Berlin").fill("Mars")
        shots.take("name")
        page.get_by_role("button", name="Next").click()
        expect(page.get_by_role("alert")).to_contain_text("not the name of a time zone")
        shots.take("name-wrong-zone")
        expect(page.get_by_label("Name", exact=True)).to_have_value("Front door")  # what was typed is not lost
        page.get_by_label("Time zone, such as Europe/Berlin").fill("Europe/Berlin")
        page.get_by_role("button", name="Next").click()

        page.get_by_label("Your name").fill("Eileen")
        page.get_by_label("Keep a page for every day on this network").check()
        shots.take("you")
        page.get_by_role("button", name="Finish").click()
        shots.take("starting")
        expect(page.get_by_role("heading", level=1)).to_have_text("Done")
        expect(page.get_by_text("Write down its password")).to_be_visible()
        shots.take("done")
        page.get_by_role("button", name="I am looking").click()
        expect(page.get_by_role("status")).to_have_text("The node knows Eileen.")
        shots.take("known")
        page.get_by_role("button", name="Close this page").click()
        expect(page.get_by_role("status")).to_contain_text("The page is closed.")
        shots.take("closed")
        assert served.process.wait(60) is not None


def test_without_a_camera_a_phone_says_the_way_on(browser: Browser, tmp_path: Path) -> None:
    """One sentence, and a button to look again."""
    folder = Path(os.environ.get("FACENODE_SHOTS", tmp_path))
    with first_run_page(tmp_path / "first", 0) as served:
        page = browser.new_context(viewport={"width": WIDTH, "height": 740}, ignore_https_errors=True).new_page()
        page.set_default_timeout(120_000)
        page.goto(f"https://127.0.0.1:{served.port}/")
        page.get_by_label("Code").fill(CODE_TYPED)
        page.get_by_role("button", name="Begin").click()
        expect(page.get_by_role("alert")).to_contain_text("No camera was found")
        expect(page.get_by_role("link", name="Look again")).to_be_visible()
        Shots(page, folder).take("no-camera")
