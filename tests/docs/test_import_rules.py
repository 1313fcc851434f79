"""Which folder may import which: the rules of docs/architecture.md hold, and a broken one is found."""

import shutil
from pathlib import Path

import pytest

from tests.docs.import_rules import PACKAGES, RULES, broken
from tests.docs.pages import ROOT


def test_no_import_breaks_a_rule() -> None:
    """Whoever breaks one sees the file, the line and the rule."""
    assert broken(ROOT) == []


def test_the_document_lists_each_rule_in_the_same_words() -> None:
    """What docs/architecture.md promises about imports is what is checked."""
    text = " ".join((ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").split())
    assert [rule.sentence for rule in RULES if rule.sentence not in text] == []


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("node/domain.py", "import node.errors"),
        ("node/contract/topics.py", "from node.settings import Settings"),
        ("node/vision/quality.py", "from node.people import person"),
        ("node/events/engine.py", "from node.people.gallery import Gallery"),
        ("node/outbox/outbox.py", "from node.mqtt.link import Link"),
        ("node/mqtt/session.py", "from node.people.gallery import Gallery"),
        ("node/fleet/diagnosis.py", "import paho.mqtt.client"),
        ("node/requests/people.py", "import cv2"),
        ("node/camera/images.py", "from PIL import Image"),
        ("node/app.py", "from node.assembly import build_node"),
        ("node/assembly/node.py", "from node.commands.run import main"),
        ("node/diagnostics/broker.py", "from node.assembly import build_gallery"),
        ("node/people/gallery.py", "from node.requests.inbox import Inbox"),
        ("node/health.py", "from models import names"),
        ("models/data/manifests.py", "from models.training import trainer"),
    ],
)
def test_a_forbidden_import_is_found_with_its_line(tmp_path: Path, path: str, line: str) -> None:
    """The rules bite: one import too many, in a copy of the sources, fails and is named."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("*.tflite", "__pycache__"))
    source = tmp_path / path
    source.write_text(f"{source.read_text(encoding='utf-8')}\n\n{line}\n", encoding="utf-8")
    number = len(source.read_text(encoding="utf-8").splitlines())
    assert any(found.startswith(f"{path}:{number}: ") for found in broken(tmp_path))
