"""docs/by-hand.md and README.md, followed on a bare Debian by a new user: what can run there is typed in order.

Blocks that are marked as not run are left out: they need a camera, Docker, a Pi or systemd.
"""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bare_debian import REPOSITORY, NewUser
from debian_root import CACHE
from documented_files import create_documented_files

from tests.docs.pages import ROOT, Block, blocks

SEEN = ("recognized", "unknown", "left")
_PAGES = (ROOT / "docs" / "by-hand.md", ROOT / "README.md")
_SHELL = [block for page in _PAGES for block in blocks(page) if block.language == "sh"]
_HERE = Path(__file__).name
# The broker as Debian starts it, except for its folders, which systemd would make.
_BROKER = "sudo install -d -o mosquitto /run/mosquitto\nsudo mosquitto -d -c /etc/mosquitto/mosquitto.conf\n"
_TERMINAL = "cd facenode\n. ~/facenode-env/bin/activate\n"
_CAMERA = "export FACENODE_CAMERA__SOURCE=images:photo.jpg\n"
pytestmark = pytest.mark.timeout(3600)


@pytest.fixture(params=[12, 13], ids=["bookworm", "trixie"])
def new_user(request: pytest.FixtureRequest) -> Iterator[NewUser]:
    """Return a user on a bare Debian."""
    CACHE.mkdir(exist_ok=True)
    # Not in /tmp, which may be an overlay itself and then cannot be a layer of another.
    folder = Path(tempfile.mkdtemp(prefix="new_user-", dir=CACHE))
    try:
        yield NewUser(request.param, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _block(words: str) -> Block:
    """Return a block that this test types although it is marked as not run."""
    return next(block for block in _SHELL if words in block.text and _HERE in (block.reason or ""))


def test_the_readme_leads_from_a_bare_debian_to_events(
    new_user: NewUser, media_dir: Path, tmp_path: Path, print_line: Callable[[str], None]
) -> None:
    """Packages, `make demo`, installation, broker and every unmarked block succeed."""
    new_user.type(_block("git clone").text.replace("REPOSITORY", REPOSITORY), online=True)
    began_s = time.monotonic()
    shown = new_user.type("cd facenode\nmake demo", online=True)
    took_s = time.monotonic() - began_s
    assert all(kind in shown for kind in SEEN), shown
    shown = new_user.type(f"cd facenode\n{_block('pip install .').text}\ngit status --short", online=True)
    assert all(kind in shown for kind in SEEN), shown
    assert shown.splitlines()[-1].startswith("Next:"), "the virtual environment is inside the checkout"
    new_user.type(_block("mosquitto-clients").text, online=True)
    create_documented_files(tmp_path, media_dir)
    for path in tmp_path.iterdir():
        place = new_user.home if path.name == "mqtt-password" else new_user.home / "facenode"
        shutil.copytree(path, place / path.name) if path.is_dir() else shutil.copy(path, place)
    typed = [block for block in _SHELL if block.reason is None]
    for block in typed:
        new_user.type(_BROKER + _TERMINAL + _CAMERA + block.text)
    print_line(f"{new_user.name}: make demo took {took_s:.0f} s; {len(typed)} blocks of both pages ran")
