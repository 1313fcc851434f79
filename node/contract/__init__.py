"""The MQTT contract: topics, messages and payloads, and the JSON Schemas of every payload and the model sidecar."""

import json
from importlib.resources import files
from typing import Any


def schema(name: str) -> dict[str, Any]:
    """Return a JSON Schema (draft 2020-12) by its name, such as `event` or `sidecar`."""
    content: dict[str, Any] = json.loads(files(__name__).joinpath(f"{name}.json").read_text(encoding="utf-8"))
    return content
