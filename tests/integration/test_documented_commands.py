"""Every command in the documents can be typed: it runs here in its own home folder, against a real broker.

A block that cannot run here is marked by an HTML comment right before it, `<!-- not run: why -->`.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

import jsonschema
import pytest
from documented_files import create_documented_files
from facenode_command import facenode
from mosquitto_broker import Mosquitto

from node.contract import schema
from node.settings.loader import load
from tests.docs.pages import Block, blocks, pages

_ALL = [block for page in pages() for block in blocks(page)]
_SHELL = {
    page: [block for block in found if block.language == "sh" and block.reason is None]
    for page, found in ((page, list(group)) for page, group in groupby(_ALL, lambda block: block.page))
}
_LANGUAGES = {"sh", "toml", "json", "yaml", "ini", "conf", "text", "python", ""}
_TYPED = {"facenode", "cat"}
_NEVER = re.compile(r"\b(?:apt|docker|rm|sudo|systemctl)\b")
_LINE_S = 60


def _programs(block: Block) -> set[str]:
    """Return the first word of each command line, and any word that changes the machine."""
    text = re.sub(r"^cat >.*? <<(\w+)\n.*?^\1$", "cat", block.text, flags=re.MULTILINE | re.DOTALL)
    return {line.split()[0] for line in text.splitlines() if line.strip()} | set(_NEVER.findall(text))


def _blocks_of(kind: str) -> list[Block]:
    return [block for block in _ALL if block.language == kind and block.reason is None]


def test_each_block_has_a_known_language() -> None:
    """Every code block names a language that these tests check."""
    assert [block.name for block in _ALL if block.language not in _LANGUAGES] == []


@pytest.mark.parametrize("block", _blocks_of("python"), ids=lambda block: block.name)
def test_each_block_of_python_is_run_by_a_test(block: Block) -> None:
    """It compiles, and the test that runs it reads it from the page."""
    compile(block.text, block.name, "exec")
    assert block.page.name in (Path(__file__).with_name("test_message_expiry.py")).read_text(encoding="utf-8")


@pytest.mark.parametrize("block", _blocks_of("sh"), ids=lambda block: block.name)
def test_commands_change_nothing_outside_their_home(block: Block) -> None:
    """A block with `sudo` or a package manager must be marked as not run."""
    assert _programs(block) <= _TYPED, f"{block.name}: mark it with <!-- not run: why -->"


@pytest.fixture
def home(tmp_path: Path, media_dir: Path) -> Path:
    """Return a home folder with the files that the documents assume, Ada enrolled, and a settings file."""
    create_documented_files(tmp_path, media_dir)
    (tmp_path / "facenode.toml").write_text(f'[storage]\ndir = "{tmp_path}/.facenode"\n')
    enrolled = facenode(
        "people", "add", "ada", tmp_path / "photo1.jpg", settings={"storage.dir": tmp_path / ".facenode"}
    )
    assert enrolled.code == 0, enrolled.err
    return tmp_path


@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", [page for page, found in _SHELL.items() if found], ids=lambda page: page.name)
def test_every_command_of_a_page_succeeds(page: Path, home: Path, mosquitto: Callable[..., Mosquitto]) -> None:
    """All blocks of a page run in order with exit code 0; only the camera and the broker's port are set by the test."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FACENODE_")}
    environment = kept | {
        "HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "FACENODE_CAMERA__SOURCE": f"images:{home / 'photo.jpg'}",
        "FACENODE_MQTT__PORT": str(mosquitto().port),
    }
    for block in _SHELL[page]:
        assert _programs(block) <= _TYPED, block.name
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block.text],
            cwd=home, env=environment, capture_output=True, text=True, timeout=_LINE_S * block.text.count("\n"),
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{block.name}: {done.stdout}{done.stderr}"


@pytest.mark.parametrize("block", _blocks_of("toml"), ids=lambda block: block.name)
def test_every_settings_example_is_valid(block: Block, tmp_path: Path) -> None:
    """The node loads each example; only the files it names are moved."""

    def moved(match: re.Match[str]) -> str:
        (tmp_path / match[1]).touch()
        return str(tmp_path / match[1])

    path = tmp_path / "facenode.toml"
    path.write_text(re.sub(r"/etc/facenode/([\w.]+)", moved, block.text))
    load(path, {}, {}, Path("/nonexistent"))


@pytest.mark.parametrize("block", _blocks_of("json"), ids=lambda block: block.name)
def test_every_payload_example_matches_its_schema(block: Block) -> None:
    """Each JSON example matches the schema that the heading above it names."""
    above = block.page.read_text(encoding="utf-8").splitlines()[: block.line]
    name = next(line.removeprefix("## ") for line in reversed(above) if line.startswith("## "))
    for line in block.text.splitlines():
        jsonschema.validate(json.loads(line), schema(name))
