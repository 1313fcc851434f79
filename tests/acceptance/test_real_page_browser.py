"""The page in Debian's Chromium: every action by clicking, by the keyboard alone, and without JavaScript."""

import itertools
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from debian_root import CACHE
from mosquitto_broker import eventually
from page_scene import CHROMIUM, MEDIA, START_S, PageScene, axe_core, page_scene, violations
from page_user import KeyboardUser, PageUser
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

pytestmark = [
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no browser: apt install chromium"),
    pytest.mark.skipif(shutil.which("npm") is None, reason="no npm, which brings axe-core: apt install npm"),
]
EILEEN, GRACE = MEDIA / "astronaut.jpg", MEDIA / "grace_hopper.jpg"
STRANGER = re.compile(r"A stranger, seen|Was taken for")
"""What stands on the card of somebody unknown, also if they were taken for somebody in between."""
WIDTHS = (320, 768, 1280)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a browser."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def running_scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageScene]:
    """Return a node that two people pass, with its page."""
    with page_scene(tmp_path_factory.mktemp("scene")) as made:
        yield made


@pytest.fixture
def scene(running_scene: PageScene) -> PageScene:
    """Return the scene, in which one person is known and the inbox is new."""
    running_scene.reset()
    return running_scene


def user_of(browser: Browser, scene: PageScene, way: str) -> tuple[BrowserContext, PageUser]:
    """Return an owner at the page: who clicks, who has no mouse, or whose browser runs no JavaScript."""
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, java_script_enabled=way != "without-javascript"
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    made = (KeyboardUser if way == "keyboard" else PageUser)(page, scene.link)
    return context, made


@pytest.mark.parametrize("way", ["clicking", "keyboard", "without-javascript"])
def test_every_action_of_the_inbox(browser: Browser, scene: PageScene, way: str) -> None:
    """A stranger who is named is recognized by MQTT the next time; each decision is undone, byte for byte."""
    context, user = user_of(browser, scene, way)
    before = scene.gallery()

    def undone() -> None:
        user.undo()
        assert user.message().startswith("Undone: "), user.message()
        assert scene.gallery() == before

    card = user.card(STRANGER)
    user.open("Say who it is", card)
    user.write(card.get_by_label("Somebody new"), "Grace Hopper")
    user.button("Enroll", card)
    assert user.message() == "Grace Hopper is enrolled."
    assert eventually(lambda: "grace-hopper" in scene.recognized(), START_S)
    undone()

    card = user.card(STRANGER)
    user.open("Say who it is", card)
    user.choose(card.get_by_label("Somebody else"), "Eileen Collins")
    user.button("It is this person", card)
    assert user.message() == "That is Eileen Collins now."
    undone()

    user.button("Never tell me about this person", user.card(STRANGER))
    assert "but you are not told" in user.message()
    undone()

    user.button("Not useful", user.card(STRANGER))
    assert "put aside" in user.message()
    undone()

    user.button("Not Eileen Collins", user.card("recognized surely"))
    assert user.message() == "This face is not taken for Eileen Collins any more."
    undone()
    context.close()


@pytest.mark.parametrize("way", ["clicking", "keyboard", "without-javascript"])
def test_groups_several_cards_and_doubtful_faces(browser: Browser, scene: PageScene, way: str) -> None:
    """A face is taken out of its group; several cards at once; what is nearer to somebody else asks first."""
    scene.wait_for_visits(3)  # so that two stay together
    context, user = user_of(browser, scene, way)
    before = scene.gallery()
    card = user.card(STRANGER)
    user.open("visits", card)
    user.use(card.get_by_role("link", name=re.compile("^Take out the visit")).first)
    expect(user.page.get_by_text("Put all groups together again")).to_be_visible()
    expect(user.page.locator("article.card", has_text=re.compile(r"A stranger\. "))).not_to_have_count(0)

    boxes = [user.card(words).get_by_role("checkbox") for words in (STRANGER, "recognized surely")]
    for box in boxes:
        user.use(box)
    several = user.page.locator("#several")
    user.button("Not useful", several)
    assert re.fullmatch(r"\d+ visits are put aside\.", user.message()), user.message()
    user.undo()
    assert scene.gallery() == before

    user.go("Inbox")
    user.use(user.card("recognized surely").get_by_role("checkbox"))
    user.write(several.get_by_label("Somebody new"), "Somebody Else")
    user.button("Enroll", several)
    expect(user.page.get_by_role("alert")).to_have_text(
        re.compile("This face is Eileen Collins\u2019s \\(\\d\\.\\d\\d\\)\\.")
    )
    assert scene.gallery() == before
    user.use(user.page.get_by_role("link", name="Do not teach"))
    user.use(user.card("recognized surely").get_by_role("checkbox"))
    user.write(user.page.locator("#several").get_by_label("Somebody new"), "Somebody Else")
    user.button("Enroll", user.page.locator("#several"))
    user.button("Teach anyway")
    assert user.message() == "Somebody Else is enrolled."
    assert scene.gallery() != before
    user.undo()
    assert scene.gallery() == before
    context.close()


@pytest.mark.parametrize("way", ["clicking", "keyboard", "without-javascript"])
def test_every_action_about_a_person(browser: Browser, scene: PageScene, way: str) -> None:
    """Add, rename, ignore; photos are added, moved and removed."""
    context, user = user_of(browser, scene, way)
    page, main = user.page, user.page.locator("main")
    before = scene.gallery()
    user.go("People")
    user.write(page.get_by_role("textbox", name="Name"), "Grace")
    user.attach(page.get_by_label("Pictures"), [GRACE])
    user.button("Enroll")
    assert user.message() == "1 photo of Grace is added."
    user.write(page.get_by_role("textbox", name="Name"), "Grace Hopper")
    user.button("Rename")
    assert user.message() == "The name is Grace Hopper now."
    user.button("Never tell me about this person")
    assert "but you are not told" in user.message()
    user.button("Tell me about this person again")
    assert "You are told about Grace Hopper again" in user.message()

    user.attach(page.get_by_label("Pictures"), [EILEEN])
    user.button("Add")
    expect(main).to_contain_text("Looks like Eileen Collins")
    user.use(page.get_by_role("radio", name="Teach anyway").first)
    user.button("Use")
    assert user.message() == "1 photo of Grace Hopper is added."
    photo = page.locator("article.photo", has_text="Looks like Eileen Collins").last
    user.open("Move this photo", photo)
    user.choose(photo.get_by_label("Move to"), "Eileen Collins")
    user.button("Move", photo)
    assert user.message() == "The photo is Eileen Collins\u2019s now."
    user.go("People")
    user.use(main.get_by_role("link", name=re.compile("Eileen Collins")))
    user.button("Remove this photo", page.locator("article.photo").last)
    assert user.message() == "The photo of Eileen Collins is removed."
    for _ in range(7):
        user.undo()
    assert scene.gallery() == before
    context.close()


@pytest.mark.parametrize("way", ["clicking", "keyboard", "without-javascript"])
def test_people_are_copied_merged_and_erased(browser: Browser, scene: PageScene, way: str, tmp_path: Path) -> None:
    """Export, merge, import in place of everybody, and the one action that asks."""
    context, user = user_of(browser, scene, way)
    page, main = user.page, user.page.locator("main")
    user.go("People")
    user.write(page.get_by_role("textbox", name="Name"), "Grace Hopper")
    user.attach(page.get_by_label("Pictures"), [GRACE])
    user.button("Enroll")
    before = scene.gallery()
    user.go("People")
    with page.expect_download() as download:
        user.button("Export everybody")
    file = tmp_path / "family.people"
    download.value.save_as(file)
    user.use(main.get_by_role("link", name=re.compile("Grace Hopper")))
    user.choose(page.get_by_role("combobox", name="Merge into"), "Eileen Collins")
    user.button("Merge")
    assert user.message() == "Grace Hopper and Eileen Collins are one person now."
    user.go("People")
    user.attach(page.get_by_label("Import a file"), [file])
    user.use(page.get_by_label("Replace everybody"))
    user.button("Import")
    assert user.message() == "2 people of the file are here now."
    assert scene.gallery().keys() == before.keys()
    user.use(main.get_by_role("link", name=re.compile("Grace Hopper")))
    user.use(page.get_by_role("link", name="Erase this person"))
    expect(main).to_contain_text(f"{scene.storage}/people/grace-hopper")
    user.use(page.get_by_role("link", name="Do not erase"))
    user.use(page.get_by_role("link", name="Erase this person"))
    user.button("Erase for good")
    assert user.message() == "Grace Hopper is erased."
    assert {path.split("/")[0] for path in scene.gallery()} == {"eileen"}
    context.close()


@pytest.mark.parametrize("way", ["clicking", "keyboard", "without-javascript"])
def test_a_still_names_the_face_and_the_owner_logs_out(browser: Browser, scene: PageScene, way: str) -> None:
    """The picture is really there; after the logout the same address asks for a login."""
    context, user = user_of(browser, scene, way)
    page, main = user.page, user.page.locator("main")
    user.button("Not useful", user.card(STRANGER))
    assert "put aside" in user.message()
    user.go("Camera")
    take_stills(user, "Face 1: Eileen Collins (")
    expect(main).to_contain_text("Face 1: Eileen Collins (")
    if way != "without-javascript":
        assert main.locator("img").evaluate("image => image.naturalWidth") > 0
    user.use(page.locator("footer").get_by_role("link", name="More"))
    expect(page.get_by_role("heading", name="Undo")).to_be_visible()
    user.use(page.get_by_role("banner").get_by_role("button", name="Log out"))
    expect(page.get_by_text("You are logged out.")).to_be_visible()
    page.goto(f"{user.base}/")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    context.close()


def take_stills(user: PageUser, words: str) -> None:
    """Take stills until one shows what is wanted; people come and go."""
    for _ in range(60):
        again = user.page.get_by_role("button", name="Take another picture").count()
        user.button("Take another picture" if again else "Take a picture")
        if words in user.page.locator("main").inner_text():
            return


def test_the_keys_decide_about_the_card_that_has_the_focus(browser: Browser, scene: PageScene) -> None:
    """The keys j k 1-9 n i x u ?, and none of them while somebody writes, nor once they are switched off."""
    context, user = user_of(browser, scene, "keyboard")
    page, before = user.page, scene.gallery()
    keys = page.keyboard

    def focused() -> str:
        return str(page.evaluate("document.activeElement?.closest('[data-card]')?.id ?? ''"))

    def press(key: str) -> None:
        with page.expect_navigation():
            keys.press(key)

    keys.press("j")
    assert focused()
    keys.press("k")
    first = focused()
    assert first
    press("x")
    assert "put aside" in user.message()
    press("u")
    assert user.message().startswith("Undone: ")
    keys.press("j")
    press("1")
    assert user.message() == "That is Eileen Collins now."
    press("u")
    keys.press("j")
    press("i")
    assert "but you are not told" in user.message()
    press("u")
    keys.press("j")
    keys.press("n")
    keys.type("jkx1iun?")
    assert page.locator(":focus").input_value() == "jkx1iun?"
    keys.press("Escape")
    assert focused()
    keys.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    keys.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert scene.gallery() == before
    user.go("Help")
    user.use(page.get_by_label("Use these keys"))
    user.go("Inbox")
    keys.press("j")
    assert focused() == ""
    context.close()


def test_after_a_decision_the_next_card_has_the_focus_and_what_was_done_is_announced(
    browser: Browser, scene: PageScene
) -> None:
    """Whoever works down the inbox by the keyboard or a screen reader does not begin anew each time."""
    scene.wait_for_visits(3)  # so that two stay together
    context, user = user_of(browser, scene, "clicking")
    card = user.card(STRANGER)
    user.open("visits", card)
    user.use(card.get_by_role("link", name=re.compile("^Take out the visit")).last)
    expect(user.page.locator("[data-card]:focus")).to_have_count(1)
    following = user.page.locator("[data-card] form input[name=next]").first.input_value()
    user.button("Not useful", user.page.locator("[data-card]").first)
    expect(user.page.locator(f"#card-{following}:focus")).to_have_count(1)
    expect(user.page.locator("#live")).to_have_text(re.compile("put aside"))
    context.close()


def views(user: PageUser, scene: PageScene) -> Iterator[str]:
    """Show every view of the page, one after the other, each with all that it can have; yield their names."""
    page = user.page
    user.card("recognized surely")
    for summary in page.locator("details:not([open]) > summary").all():
        if summary.is_visible():
            summary.click()
    yield "inbox"
    user.use(user.card("recognized surely").get_by_role("checkbox"))
    user.write(page.locator("#several").get_by_label("Somebody new"), "Somebody Else")
    user.button("Enroll", page.locator("#several"))
    expect(page.get_by_role("alert")).to_be_visible()
    yield "confirm"
    user.go("People")
    yield "people"
    user.use(page.locator("main").get_by_role("link", name=re.compile("Eileen Collins")))
    yield "person"
    user.attach(page.get_by_label("Pictures"), [GRACE, EILEEN, Path(__file__)])
    user.button("Add")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Eileen Collins")
    yield "person-or-upload"
    user.go("People")
    user.write(page.get_by_role("textbox", name="Name"), "Grace")
    user.attach(page.get_by_label("Pictures"), [EILEEN, Path(__file__)])
    user.button("Enroll")
    expect(page.get_by_role("heading", level=1)).to_have_text("Photos for Grace")
    yield "upload"
    page.goto(f"{user.base}/people/eileen/erase")
    yield "erase"
    user.go("Camera")
    take_stills(user, "Face 1:")
    yield "camera"
    page.goto(f"{user.base}/undo")
    yield "undo"
    user.go("Help")
    yield "help"
    page.keyboard.press("?")
    yield "help-dialog"
    page.keyboard.press("Escape")
    page.goto(f"{user.base}/nowhere")
    yield "problem"
    page.goto(f"{user.base}/")
    scene.stop("run")
    page.goto(f"{user.base}/people")
    yield "people-away"
    page.goto(f"{user.base}/")
    yield "inbox-away"
    user.use(page.get_by_role("banner").get_by_role("button", name="Log out"))
    yield "login"


SMALL = """() => Array.from(document.querySelectorAll("a, button, select, summary, input")).filter((each) => {
  const shown = each.checkVisibility({visibilityProperty: true});
  if (each.type === "hidden" || each.closest(".skip") || !shown) return false;
  const box = (each.closest("label") ?? each).getBoundingClientRect();
  return box.height < 43.5 || box.width < 43.5;
}).map((each) => each.outerHTML.slice(0, 120))"""


def test_no_view_violates_a_rule_of_accessibility_at_any_width(
    browser: Browser, scene: PageScene, print_line: Callable[[str], None]
) -> None:
    """axe-core finds nothing, nothing is cut off at 320 px, every target has 44 px. Look at the pictures, too."""
    source = axe_core(CACHE)
    pictures = CACHE / "page"
    pictures.mkdir(parents=True, exist_ok=True)
    context = browser.new_context(viewport={"width": WIDTHS[0], "height": 800}, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(60_000)
    user = PageUser(page, scene.link)
    found: list[tuple[str, object]] = []
    shown: list[str] = []
    for view in views(user, scene):
        page.evaluate(source)
        for scheme, width in itertools.product(SCHEMES, WIDTHS):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 800})
            name = f"{view}-{width}-{scheme}"
            page.screenshot(path=pictures / f"{name}.png", full_page=view != "help-dialog")
            if page.evaluate("document.documentElement.scrollWidth") > width:
                found.append((name, "is cut off"))
            found += [(name, each) for each in page.evaluate(SMALL)]
            found += [(name, each) for each in violations(page.evaluate("axe.run()"))]
            shown.append(name)
        page.set_viewport_size({"width": WIDTHS[0], "height": 800})
    assert found == [], "\n".join(map(str, found))
    print_line(f"page: axe-core finds nothing in {len(shown)} views, sizes and schemes; pictures in {pictures}")
    context.close()


def test_a_page_asks_nobody_else_for_anything_and_runs_no_inline_code(browser: Browser, scene: PageScene) -> None:
    """Every request goes to the page itself, and no message of a browser says that its policy was violated."""
    context = browser.new_context()
    page: Page = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    user = PageUser(page, scene.link)
    for name in ("People", "Camera", "Help", "Inbox"):
        user.go(name)
    origin = user.base.rpartition("/")[0]
    assert asked
    assert [url for url in asked if not url.startswith(origin)] == []
    assert said == []
    context.close()
