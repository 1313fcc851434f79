"""An owner at a real browser: by clicking, by the keyboard alone, or without JavaScript; the same actions each time."""

import re
import time
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import FileChooser, Locator, Page

_MAX_TABS, _DIALOG_S = 400, 60.0
_LEADS = "each => each.matches('a[href], button') && !each.closest('dialog, form[action$=export]')"
"""Whether something leads to another page: neither opens what is folded, nor gives a file."""


class PageUser:
    """An owner who clicks.

    Args:
        page: of the browser.
        link: that opens the page once.
    """

    def __init__(self, page: Page, link: str) -> None:
        self.page = page
        page.goto(link)
        self.base = page.url.rstrip("/")

    def go(self, name: str) -> None:
        """Follow a link of the navigation."""
        self.use(self.page.get_by_role("navigation").get_by_role("link", name=name, exact=True))

    def use(self, target: Locator) -> None:
        """Click a link, a button, a box, or what opens more."""
        target.click()

    def write(self, target: Locator, text: str) -> None:
        """Write into a field."""
        target.fill(text)

    def choose(self, target: Locator, name: str) -> None:
        """Choose from a list."""
        target.select_option(label=_option(target, name))

    def attach(self, target: Locator, files: Sequence[Path]) -> None:
        """Choose files."""
        target.set_input_files(files)

    def button(self, name: str, within: Locator | None = None) -> None:
        """Press a button."""
        self.use((within or self.page.locator("main")).get_by_role("button", name=name, exact=True).first)

    def open(self, name: str, within: Locator | None = None) -> None:
        """Open what is folded, unless it is open."""
        summary = (within or self.page.locator("main")).locator("summary", has_text=name).first
        if summary.locator("xpath=..").get_attribute("open") is None:
            self.use(summary)

    def undo(self) -> None:
        """Press the button of the line at the bottom."""
        self.use(self.page.locator("footer").get_by_role("button", name="Undo"))

    def message(self) -> str:
        """Return what the page says was done."""
        return self.page.locator("#message").inner_text()

    def card(self, words: str | re.Pattern[str]) -> Locator:
        """Return the first card with these words; open the section that it is folded into."""
        card = self.page.locator("article.card", has_text=words).first
        folded = self.page.locator("details.section:not([open])", has=self.page.locator("article.card", has_text=words))
        if folded.count():
            self.use(folded.first.locator("summary").first)
        return card


class KeyboardUser(PageUser):
    """An owner who has no mouse: everything is reached by Tab, and used by Enter, Space and arrows.

    Args:
        page: of the browser.
        link: that opens the page once.
    """

    def __init__(self, page: Page, link: str) -> None:
        self._dialogs: list[FileChooser] = []
        # From the start: whoever listens only while a key is pressed may be too late for the dialog.
        page.on("filechooser", self._take_dialog)
        super().__init__(page, link)

    def use(self, target: Locator) -> None:
        """Move to it and press Enter, or Space for a box; wait for the page to which it leads."""
        if target.get_attribute("type") == "radio":
            self._choose_radio(target)
            return
        self._move_to(target)
        if target.get_attribute("type") == "checkbox":
            self.page.keyboard.press("Space")
        elif target.evaluate(_LEADS):
            with self.page.expect_navigation():
                self.page.keyboard.press("Enter")
        else:
            self.page.keyboard.press("Enter")

    def write(self, target: Locator, text: str) -> None:
        """Move to it, take out what is there, and type."""
        self._move_to(target)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)

    def choose(self, target: Locator, name: str) -> None:
        """Move to it and press the arrow until the name is there."""
        self._move_to(target)
        wanted = _option(target, name)
        for _ in range(target.locator("option").count()):
            if target.evaluate("list => list.selectedOptions[0].label") == wanted:
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"{name} cannot be chosen by the keyboard")

    def attach(self, target: Locator, files: Sequence[Path]) -> None:
        """Move to it, press Enter, and choose files in the system's own dialog."""
        self._move_to(target)
        self.page.keyboard.press("Enter")
        until_s = time.monotonic() + _DIALOG_S
        while not self._dialogs:
            assert time.monotonic() < until_s, f"{target} opens no dialog"
            self.page.wait_for_timeout(100)
        self._dialogs.pop().set_files(files)

    def _choose_radio(self, target: Locator) -> None:
        """Move to its group, of which Tab reaches the chosen button, and press the arrow until it is chosen."""
        group = self.page.locator(f'input[type=radio][name="{target.get_attribute("name")}"]')
        self._move_to(group.and_(self.page.locator(":checked")))
        for _ in range(group.count()):
            if target.is_checked():
                return
            self.page.keyboard.press("ArrowDown")
        assert target.is_checked(), target

    def _take_dialog(self, dialog: FileChooser) -> None:
        self._dialogs.append(dialog)

    def _move_to(self, target: Locator) -> None:
        """Press Tab until it has the focus, which must be visible."""
        handle = target.element_handle()
        assert handle is not None
        for _ in range(_MAX_TABS):
            if handle.evaluate("each => each === document.activeElement"):
                outline = handle.evaluate("each => getComputedStyle(each).outlineStyle")
                assert outline != "none", target
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{target} cannot be reached by Tab")


def _option(target: Locator, name: str) -> str:
    """Return the label of an option, which may begin with its number."""
    labels = target.locator("option").all_inner_texts()
    found = [label for label in labels if re.fullmatch(rf"(\d · )?{re.escape(name)}", label)]
    assert found, labels
    return found[0]
