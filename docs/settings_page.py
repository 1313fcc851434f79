"""The settings schema of `node.settings` -> docs/settings.md."""

import json
from collections.abc import Iterator
from typing import Any

from docs.bounds import Schema, describe, resolve
from docs.markdown import code, page, table
from node.settings import Settings
from node.settings.schema import ENV_PREFIX

_HEAD = ("setting", "default", "type and bounds", "description", "environment variable")
_INTRO = """
This page lists every setting with its default, its bounds and its environment variable.

The command line (`--set SECTION.KEY=VALUE`) wins over the environment, the environment over the settings file, and the
file over the default. `--config` names the file; without it, the program reads `/etc/facenode/facenode.toml` if that
exists. A setting that does not exist is an error with a suggestion, in an environment variable, too.
`facenode check --settings` checks the settings alone.

## Paths

- A relative path in the settings file starts at the folder of that file. A relative path on the command line or in an
  environment variable starts at the working directory.
- `~` and `$HOME` at the beginning of a path are your home folder. A file under `/etc` is for every user: write whole
  paths there.
- Version 0.1.0 started every relative path at the working directory. A settings file that relies on this still works,
  and one warning names both paths. Write the whole path to end the warning.

The same holds for the path in `camera.source`, after `video:` or `images:`.

## Files, passwords and variables

- The settings file and the password file can be UTF-8, with or without a byte order mark, or UTF-16 with one.
- The password file holds the password on one line, and nothing else.
- Errors and logs never show a password: in URLs, the login and the query are printed as `***`.
- Kubernetes and Docker describe each service in environment variables, such as `FACENODE_MQTT_SERVICE_HOST` and
  `FACENODE_MQTT_PORT=tcp://10.0.0.1:1883` for a service called `facenode-mqtt`. These are ignored.
""".strip()
_RULES = """
Write each rule as a table `[[alerts.rules]]` in the settings file.
""".strip()


def settings_page() -> str:
    """Return the text of docs/settings.md."""
    schema = Settings.model_json_schema()
    definitions: dict[str, Schema] = schema["$defs"]
    parts = [_INTRO]
    for section, field in schema["properties"].items():
        full = resolve(field, definitions)
        parts += [f"## {section}", definitions[field["$ref"].rpartition("/")[2]]["description"]]
        parts.append(table(_HEAD, _rows(section, full, definitions)))
        for name, inner in full["properties"].items():
            items = inner.get("items", {})
            if "$ref" in items:
                rule = resolve(items, definitions)
                parts += [f"### {section}.{name}", _RULES, table(_HEAD[:-1], _rule_rows(rule))]
    return page("Settings", *parts)


def _rows(prefix: str, schema: Schema, definitions: dict[str, Schema]) -> Iterator[tuple[str, ...]]:
    """Yield a row for each setting of a section and of the sections inside it."""
    for name, field in schema["properties"].items():
        path = f"{prefix}.{name}"
        full = resolve(field, definitions)
        if "properties" in full:
            yield from _rows(path, full, definitions)
            continue
        variable = ENV_PREFIX + path.upper().replace(".", "__")
        yield (
            f'<a name="{path}"></a>{code(path)}',
            _default(field),
            describe(full),
            field["description"],
            code(variable),
        )


def _rule_rows(schema: Schema) -> Iterator[tuple[str, ...]]:
    for name, field in schema["properties"].items():
        default = "required" if name in schema["required"] else _default(field)
        yield code(name), default, describe(field), field["description"]


def _default(field: Schema) -> str:
    if "default" not in field:
        return "derived from the board"
    default: Any = field["default"]
    return "none" if default is None else code(json.dumps(default, ensure_ascii=False))
