"""A property of a JSON Schema -> its type and bounds in words."""

import json
from collections.abc import Mapping
from typing import Any

from docs.markdown import code

_TYPES = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "array": "list",
          "object": "object", "null": "null"}  # fmt: skip

Schema = Mapping[str, Any]


def resolve(schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """Return the schema with its reference, if any, replaced by the definition."""
    return {**definitions[schema["$ref"].rpartition("/")[2]], **schema} if "$ref" in schema else schema


def describe(schema: Schema) -> str:
    """Return the type and the bounds in words."""
    if "anyOf" in schema:
        return " or ".join(describe(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(code(json.dumps(each)) for each in schema["enum"])
    if "const" in schema:
        return code(json.dumps(schema["const"]))
    types = schema.get("type", [])
    text = " or ".join(_TYPES[each] for each in ([types] if isinstance(types, str) else types)) or "anything"
    if schema.get("format") == "path":
        text = "path"
    if types == "array" and "enum" in schema.get("items", {}):
        text += f" of {describe(schema['items'])}"
    return f"{text}{_bounds(schema)}"


def _bounds(schema: Schema) -> str:
    """Return the bounds, each after a comma; empty where there are none."""
    parts = []
    minimum, maximum = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if above is not None:
        parts.append(f"above {above:g}")
    if below is not None:
        parts.append(f"below {below:g}")
    if minimum is not None and maximum is not None:
        parts.append(f"{_number(minimum)} to {_number(maximum)}")
    elif minimum is not None:
        parts.append(f"at least {_number(minimum)}")
    elif maximum is not None:
        parts.append(f"at most {_number(maximum)}")
    if schema.get("maxLength"):
        parts.append(f"at most {schema['maxLength']} characters")
    if "minItems" in schema and schema["minItems"] == schema.get("maxItems"):
        parts.append(f"exactly {schema['minItems']} items")
    if "pattern" in schema:
        parts.append(code(schema["pattern"]))
    return "".join(f", {part}" for part in parts)


def _number(value: float) -> str:
    return f"{value:,}".replace(",", " ") if isinstance(value, int) else f"{value:g}"
