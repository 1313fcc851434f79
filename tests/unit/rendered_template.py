"""A template of a discovery message and a payload -> what Home Assistant makes of it, by the engine that it uses."""

import json
from types import SimpleNamespace
from typing import Any

import jinja2


def render(template: str, value_json: dict[str, Any], this: str = "unknown") -> str:
    """Return what a template gives for a payload.

    Args:
        template: the template.
        value_json: the payload.
        this: the present state of the entity.
    """
    engine = jinja2.Environment(autoescape=False)  # noqa: S701 - no HTML
    engine.filters["to_json"] = json.dumps
    return engine.from_string(template).render(value_json=value_json, this=SimpleNamespace(state=this))
