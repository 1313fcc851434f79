"""Which handlers the tasks of the roles notify."""

from pathlib import Path
from typing import Any

import yaml

ROLES = Path(__file__).resolve().parents[3] / "ansible" / "roles"


def tasks(content: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - whatever a YAML file holds
    """Return the tasks of a file, those inside blocks included."""
    found: list[dict[str, Any]] = []
    for each in content or []:
        found += [each, *tasks(each.get("block"))]
    return found


def test_no_loop_notifies_a_handler_by_its_item() -> None:
    """If one item of a loop has changed, Ansible notifies the handlers of all: servers restarted for nothing."""
    files = sorted(ROLES.glob("*/tasks/**/*.yml"))
    assert files
    wrong = [
        f"{file.relative_to(ROLES)}: {task['name']}"
        for file in files
        for task in tasks(yaml.safe_load(file.read_text()))
        if "loop" in task and "{{" in str(task.get("notify", ""))
    ]
    assert wrong == []
