"""The JSON Schemas of every payload and of the model sidecar; tests and tools read these same files."""

import json
from importlib.resources import files
from typing import Any


def schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) called `name`, such as `event` or `sidecar`."""
    content: dict[str, Any] = json.loads(files(__name__).joinpath(f"{name}.json").read_text(encoding="utf-8"))
    return content
