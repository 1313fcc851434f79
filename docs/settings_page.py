"""The settings as `node.settings` declares them -> docs/settings.md."""

import json
from collections.abc import Iterator
from typing import Any

from docs.bounds import Schema, kind, resolved
from docs.markdown import code, page, table
from node.settings import ENV_PREFIX, Settings

_HEAD = ("setting", "default", "bounds", "what", "variable")
_INTRODUCTION = """
Every setting, with its default, its bounds and the name of its environment variable. The command line
(`--set SECTION.KEY=VALUE`) wins over the environment, the environment over the settings file, the file over the
default. The file is the one named by `--config`, else `/etc/facenode/facenode.toml` where it exists. A setting that
does not exist is refused with a proposal, in a variable too; `facenode check --settings` reads them all and no more.
""".strip()
_RULES = """
Each rule is a table `[[alerts.rules]]` of the settings file.
""".strip()


def settings_page() -> str:
    """Return the page."""
    schema = Settings.model_json_schema()
    definitions: dict[str, Schema] = schema["$defs"]
    parts = [_INTRODUCTION]
    for section, field in schema["properties"].items():
        whole = resolved(field, definitions)
        parts += [f"## {section}", definitions[field["$ref"].rpartition("/")[2]]["description"]]
        parts.append(table(_HEAD, _rows(section, whole, definitions)))
        for name, inner in whole["properties"].items():
            items = inner.get("items", {})
            if "$ref" in items:
                rule = resolved(items, definitions)
                parts += [f"### {section}.{name}", _RULES, table(_HEAD[:-1], _keys(rule))]
    return page("Settings", *parts)


def _rows(prefix: str, schema: Schema, definitions: dict[str, Schema]) -> Iterator[tuple[str, ...]]:
    """Yield a row for each setting of a section, those of a section within it too."""
    for name, field in schema["properties"].items():
        path = f"{prefix}.{name}"
        whole = resolved(field, definitions)
        if "properties" in whole:
            yield from _rows(path, whole, definitions)
            continue
        variable = ENV_PREFIX + path.upper().replace(".", "__")
        yield f'<a name="{path}"></a>{code(path)}', _default(field), kind(whole), field["description"], code(variable)


def _keys(schema: Schema) -> Iterator[tuple[str, ...]]:
    for name, field in schema["properties"].items():
        default = "must be given" if name in schema["required"] else _default(field)
        yield code(name), default, kind(field), field["description"]


def _default(field: Schema) -> str:
    if "default" not in field:
        return "of the board"
    default: Any = field["default"]
    return "none" if default is None else code(json.dumps(default, ensure_ascii=False))
