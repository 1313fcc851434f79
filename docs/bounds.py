"""One property of a JSON Schema -> its type and its bounds in words."""

import json
from collections.abc import Mapping
from typing import Any

from docs.markdown import code

_KINDS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "array": "list",
          "object": "object", "null": "null"}  # fmt: skip

Schema = Mapping[str, Any]


def resolved(schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """Return a schema with what it refers to in its place."""
    return {**definitions[schema["$ref"].rpartition("/")[2]], **schema} if "$ref" in schema else schema


def kind(schema: Schema) -> str:
    """Return the type in words."""
    if "anyOf" in schema:
        return " or ".join(kind(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(code(json.dumps(each)) for each in schema["enum"])
    if "const" in schema:
        return code(json.dumps(schema["const"]))
    given = schema.get("type", [])
    names = " or ".join(_KINDS[each] for each in ([given] if isinstance(given, str) else given)) or "anything"
    if schema.get("format") == "path":
        names = "path"
    if given == "array" and "enum" in schema.get("items", {}):
        names += f" of {kind(schema['items'])}"
    return f"{names}{_within(schema)}"


def _within(schema: Schema) -> str:
    """Return the bounds of a value, with a comma before them."""
    parts = []
    least, most = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if above is not None:
        parts.append(f"above {above:g}")
    if below is not None:
        parts.append(f"below {below:g}")
    if least is not None and most is not None:
        parts.append(f"{_number(least)} to {_number(most)}")
    elif least is not None:
        parts.append(f"at least {_number(least)}")
    elif most is not None:
        parts.append(f"at most {_number(most)}")
    if schema.get("maxLength"):
        parts.append(f"at most {schema['maxLength']} characters")
    if "minItems" in schema and schema["minItems"] == schema.get("maxItems"):
        parts.append(f"{schema['minItems']} of them")
    if "pattern" in schema:
        parts.append(code(schema["pattern"]))
    return "".join(f", {part}" for part in parts)


def _number(value: float) -> str:
    return f"{value:,}".replace(",", " ") if isinstance(value, int) else f"{value:g}"
