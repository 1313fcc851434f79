"""The pages of docs that are made from the code."""

import pytest

from docs.generate import FOLDER, PAGES
from node.cli import COMMANDS
from node.requests.verb import OFFERED, Verb
from node.settings import Settings


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_what_the_code_says(name: str) -> None:
    """Whoever changes a setting, a topic, a payload or a command runs `make docs`."""
    assert (FOLDER / name).read_text(encoding="utf-8") == PAGES[name](), f"docs/{name} is old: run make docs"


def test_nothing_is_left_out() -> None:
    """Each section of the settings, each request and each command has a place."""
    names = ("settings.md", "topics.md", "commands.md", "local-socket.md")
    settings, topics, commands, local = (PAGES[name]() for name in names)
    assert all(f"\n## {section}\n" in settings for section in Settings.model_fields)
    assert all(f"\n| `{verb}` |" in topics for verb in OFFERED)
    assert all(f"\n| `{verb}` |" in local for verb in Verb if verb not in OFFERED)
    assert all(f"\n## {command}\n" in commands for command in COMMANDS)
