"""A running node and its page in a browser -> the pictures of docs/page.md.

Run it with `make page-pictures` after changing the page. It needs mosquitto and chromium.
"""

import tempfile
from pathlib import Path

from page_scene import page_scene

from docs.browser import Browser
from docs.screenshots import save_screenshot

FOLDER = Path(__file__).parent
PHONE_PX = 390
VISITS = 3
MAX_STILLS = 100


def main() -> None:
    """Let a known person and a stranger pass the node, and take a picture of each part of the page."""
    with tempfile.TemporaryDirectory() as name, page_scene(Path(name)) as scene, Browser() as browser:
        scene.wait_for_visits(VISITS)
        browser.resize(PHONE_PX, 720)
        browser.open(scene.link, "A stranger, seen")
        save_screenshot(browser, FOLDER / "page-inbox.png")
        follow(browser, "People", "Add a person")
        save_screenshot(browser, FOLDER / "page-people.png")
        follow(browser, "Camera", "Take a picture")
        take_still(browser)
        save_screenshot(browser, FOLDER / "page-camera.png")


def follow(browser: Browser, name: str, *texts: str) -> None:
    """Follow a link of the navigation, and wait for these texts."""
    browser.evaluate(f"[...document.querySelectorAll('nav a')].find(each => each.innerText === '{name}').click()")
    browser.wait(*texts)


def take_still(browser: Browser) -> None:
    """Take stills until the one who is known is in view.

    Raises:
        TimeoutError: nobody comes.
    """
    for _ in range(MAX_STILLS):
        browser.evaluate("document.querySelector('main form button').click()")
        browser.wait("Take another picture")
        if "Face 1: Eileen" in browser.evaluate("document.body.innerText"):
            return
    raise TimeoutError("nobody who is known passed the camera")


if __name__ == "__main__":
    main()
