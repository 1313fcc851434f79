"""The generated files of the Debian package: man page, completion, example of settings."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from docs.generate import FOLDER
from node.cli import COMMANDS
from node.settings import Settings
from node.settings.loader import load

DEBIAN = FOLDER.parent / "packaging" / "debian"
SETTING = re.compile(r"^# (?=\w+ = )", re.MULTILINE)


def completed(*words: str, cwd: Path) -> set[str]:
    """Return what bash offers for the last word of a command line."""
    script = f"""
source {DEBIAN / "completions" / "facenode"}
compopt() {{ :; }}
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_facenode
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(
        ["bash", "-c", script, "bash", *words], check=True, capture_output=True, text=True, timeout=30, cwd=cwd
    )
    return set(done.stdout.split())


def test_the_example_of_settings_is_a_settings_file(tmp_path: Path) -> None:
    """As it is, it changes no default; without its comment signs, each setting has its default."""
    text = (DEBIAN / "facenode.toml").read_text(encoding="utf-8")
    uncommented = SETTING.sub("", text)
    settings = []
    for number, content in enumerate(("", text, uncommented)):
        (path := tmp_path / f"{number}.toml").write_text(content, encoding="utf-8")
        settings.append(load(path, environ={}).model_dump())
    assert settings[1:] == settings[:1] * 2
    given = tomllib.loads(uncommented)
    assert given.keys() == Settings.model_fields.keys()
    assert len(SETTING.findall(text)) > 50


def test_every_setting_is_in_the_example() -> None:
    """An owner finds each setting there, also one that has no default."""
    text = (DEBIAN / "facenode.toml").read_text(encoding="utf-8")
    for section in Settings.model_json_schema()["$defs"].values():
        for name, field in section.get("properties", {}).items():
            if "$ref" not in field and section.get("title") != "RuleSettings":
                assert re.search(rf"^##? (\[\[\w+\.)?{name}( =|\]\])", text, re.MULTILINE), name


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("facenode", ""), set(COMMANDS)),
        (("facenode", "re"), {"recognize"}),
        (("facenode", "people", "re"), {"reject", "rename", "remove"}),
        (("facenode", "people", "add", "--f"), {"--force"}),
        (("facenode", "people", "add", "ada", ""), set()),
        (("facenode", "--config", "x.toml", "watch", "--type", "u"), {"unknown"}),
        (("facenode", "run", "--config", ""), set()),
        (("facenode", "run", "--set", "mqtt.h"), {"mqtt.host="}),
        (("facenode", "run", "--set", "mqtt.tls.ca"), {"mqtt.tls.ca_file="}),
        (("facenode", "gate", "--ver"), {"--verbose", "--version"}),
    ],
)
def test_bash_completes_what_the_program_knows(words: tuple[str, ...], offered: set[str], tmp_path: Path) -> None:
    """Commands, their options and choices, and settings; nothing else, so that bash completes file names."""
    assert completed(*words, cwd=tmp_path) == offered


def test_the_man_page_has_every_command() -> None:
    """Each command has a heading, and no line of text begins as a request of troff."""
    text = (DEBIAN / "facenode.1").read_text(encoding="utf-8")
    for command in COMMANDS:
        assert f"\n.SS facenode {command}\n" in text
    requests = {line.split()[0] for line in text.splitlines() if line.startswith((".", "'"))}
    assert requests == {'.\\"', ".TH", ".SH", ".SS", ".B", ".BR", ".TP", ".PP"}


def test_man_shows_the_page_without_a_warning() -> None:
    """It is valid for the program that shows it, where that is installed."""
    if shutil.which("groff") is None:
        return
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", DEBIAN / "facenode.1"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    assert "settings file (TOML)" in done.stdout.replace("  ", " ")
