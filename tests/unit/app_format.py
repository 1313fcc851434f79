"""The format of an app for Home Assistant -> what is wrong with one.

Written from Home Assistant's public documentation for developers of apps (App configuration, Presenting your app,
Create an app repository). The Supervisor itself drops keys that it does not know, so that a typing error would go
unnoticed; here they are wrong.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator

JsonObject = Mapping[str, Any]

_BOOL = {"type": "boolean"}
_TEXT = {"type": "string", "minLength": 1}
_TEXTS = {"type": "array", "items": _TEXT, "uniqueItems": True}
_PRIVILEGES = (
    "BPF", "CHECKPOINT_RESTORE", "DAC_READ_SEARCH", "IPC_LOCK", "NET_ADMIN", "NET_RAW", "PERFMON", "SYS_ADMIN",
    "SYS_MODULE", "SYS_NICE", "SYS_PTRACE", "SYS_RAWIO", "SYS_RESOURCE", "SYS_TIME",
)  # fmt: skip
_MAPS = (
    "homeassistant_config",
    "addon_config",
    "ssl",
    "addons",
    "backup",
    "share",
    "media",
    "all_addon_configs",
    "data",
)
_FLAGS = (
    "host_network", "host_ipc", "host_dbus", "host_pid", "host_uts", "hassio_api", "homeassistant_api", "docker_api",
    "full_access", "audio", "video", "gpio", "usb", "uart", "udev", "devicetree", "kernel_modules", "stdin", "legacy",
    "tmpfs", "auth_api", "ingress", "ingress_stream", "panel_admin", "init", "realtime", "journald",
)  # fmt: skip

CONFIG = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "version", "slug", "description", "arch"],
    "properties": {
        "name": _TEXT,
        "version": _TEXT,
        "slug": {"type": "string", "pattern": "^[-_.A-Za-z0-9]+$"},
        "description": _TEXT,
        "arch": {"type": "array", "items": {"enum": ["aarch64", "amd64"]}, "minItems": 1, "uniqueItems": True},
        "machine": _TEXTS,
        "url": {"type": "string", "pattern": "^https?://"},
        "startup": {"enum": ["initialize", "system", "services", "application", "once"]},
        "webui": _TEXT,
        "boot": {"enum": ["auto", "manual", "manual_only"]},
        "ports": {"type": "object"},
        "ports_description": {"type": "object"},
        "devices": _TEXTS,
        "homeassistant": {"type": "string", "pattern": r"^\d+\.\d+"},
        "hassio_role": {"enum": ["default", "homeassistant", "backup", "manager", "admin"]},
        "privileged": {"type": "array", "items": {"enum": list(_PRIVILEGES)}},
        "apparmor": {"type": ["boolean", "string"]},
        "map": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["type"],
                "properties": {"type": {"enum": list(_MAPS)}, "read_only": _BOOL, "path": _TEXT},
            },
        },
        "environment": {"type": "object", "additionalProperties": {"type": "string"}},
        "options": {"type": "object"},
        "schema": {"type": ["object", "boolean"]},
        "image": _TEXT,
        "timeout": {"type": "integer", "minimum": 1},
        "discovery": _TEXTS,
        "services": {"type": "array", "items": {"pattern": "^(mqtt|mysql):(provide|want|need)$"}},
        "ingress_port": {"type": "integer", "minimum": 0, "maximum": 65535},
        "ingress_entry": _TEXT,
        "panel_icon": {"type": "string", "pattern": "^mdi:[a-z0-9-]+$"},
        "panel_title": _TEXT,
        "backup": {"enum": ["hot", "cold"]},
        "backup_pre": _TEXT,
        "backup_post": _TEXT,
        "backup_exclude": _TEXTS,
        "stage": {"enum": ["stable", "experimental", "deprecated"]},
        "watchdog": {"type": "string", "pattern": r"^(https?|\[PROTO:\w+\]|tcp)://\[HOST\]:"},
        "breaking_versions": _TEXTS,
        "ulimits": {"type": "object"},
        **dict.fromkeys(_FLAGS, _BOOL),
    },
}
REPOSITORY = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {"name": _TEXT, "url": {"type": "string", "pattern": "^https?://"}, "maintainer": _TEXT},
}
_OPTION_TEXTS = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {
        "name": _TEXT,
        "description": _TEXT,
        "fields": {"type": "object", "additionalProperties": {"$ref": "#/$defs/option"}},
    },
}
TRANSLATION = {
    "type": "object",
    "additionalProperties": False,
    "$defs": {"option": _OPTION_TEXTS},
    "properties": {
        "configuration": {"type": "object", "additionalProperties": {"$ref": "#/$defs/option"}},
        "network": {"type": "object", "additionalProperties": _TEXT},
    },
}
_NUMBER = r"-?\d*\.?\d+"
_ELEMENT = re.compile(
    r"(?:bool|email|url|port|device(?:\(subsystem=[a-z]+\))?"
    r"|(?:str|password)(?:\(\d*,\d*\))?"
    r"|int(?:\((?:-?\d+)?,(?:-?\d+)?\))?"
    rf"|float(?:\((?:{_NUMBER})?,(?:{_NUMBER})?\))?"
    r"|match\((?P<match>.+)\)|list\((?P<list>[^()]+)\))(?P<optional>\??)"
)
_DEEPEST = 2


def problems(content: object, form: JsonObject) -> list[str]:
    """Return what a file has that its form does not allow, a sentence each."""
    errors = Draft202012Validator(form).iter_errors(content)
    return sorted(f"{'.'.join(map(str, error.absolute_path)) or 'file'}: {error.message}" for error in errors)


def config_problems(config: JsonObject) -> list[str]:
    """Return what is wrong with a configuration, its options and their schema among it."""
    found = problems(config, CONFIG)
    options, schema = config.get("options", {}), config.get("schema", {})
    if found or not isinstance(schema, dict):
        return found
    if config.get("ingress") and config.get("webui"):
        found.append("webui: an app with ingress has none")
    if config.get("backup") == "cold" and {"backup_pre", "backup_post"} & config.keys():
        found.append("backup: a cold one ignores backup_pre and backup_post")
    found += _schema_problems("schema", schema, 0)
    return found or option_problems(options, schema)


def option_problems(options: object, schema: object, place: str = "options", *, own: bool = True) -> list[str]:
    """Return what is wrong with options.

    Args:
        options: the values.
        schema: their schema.
        place: where they are.
        own: whether they are the defaults of the configuration, not an owner's.
    """
    return list(_option_problems(place, options, schema, own=own))


def _schema_problems(place: str, schema: object, depth: int) -> Iterator[str]:
    """Yield what is wrong; the depth counts the tables and lists around the options."""
    if isinstance(schema, dict | list) and depth > _DEEPEST:
        yield f"{place}: options may be nested {_DEEPEST} deep"
    elif isinstance(schema, dict):
        for name, each in schema.items():
            yield from _schema_problems(f"{place}.{name}", each, depth + 1)
    elif isinstance(schema, list):
        if len(schema) != 1 or isinstance(schema[0], list):
            yield f"{place}: a list has one type, which is no list"
        else:
            yield from _schema_problems(f"{place}[]", schema[0], depth + 1)
    elif not isinstance(schema, str) or not (found := _ELEMENT.fullmatch(schema)):
        yield f"{place}: {schema!r} is no type"
    elif found["match"] is not None:
        try:
            re.compile(found["match"])
        except re.error as error:
            yield f"{place}: {error}"


def _option_problems(place: str, value: object, schema: object, *, own: bool) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(value, dict):
            yield from _table_problems(place, value, schema, own=own)
        else:
            yield f"{place}: no table"
    elif isinstance(schema, list):
        if not isinstance(value, list):
            yield f"{place}: no list"
            return
        for number, each in enumerate(value):
            yield from _option_problems(f"{place}[{number}]", each, schema[0], own=own)
    elif not _fits(value, str(schema)):
        yield f"{place}: {value!r} is not {schema}"


def _table_problems(place: str, table: JsonObject, schema: JsonObject, *, own: bool) -> Iterator[str]:
    for name in table.keys() - schema.keys():
        yield f"{place}.{name}: not in the schema"
    for name, each in schema.items():
        if name in table:
            if own and isinstance(each, str) and each.endswith("?"):
                yield f"{place}.{name}: an optional option has no default"
            yield from _option_problems(f"{place}.{name}", table[name], each, own=own)
        elif not _is_optional(each):
            yield f"{place}.{name}: missing"


def _is_optional(schema: object) -> bool:
    inner = schema[0] if isinstance(schema, list) else schema
    return isinstance(inner, str) and inner.endswith("?")


def _fits(value: object, element: str) -> bool:
    """Return whether a value is of a type, as the Supervisor checks it."""
    found = _ELEMENT.fullmatch(element)
    assert found is not None, element
    kind, _, bounds = element.removesuffix("?").partition("(")
    if found["match"] is not None:
        return re.match(found["match"], str(value)) is not None
    if found["list"] is not None:
        return str(value) in found["list"].split("|")
    low, _, high = bounds.removesuffix(")").partition(",")
    if kind in ("str", "password"):
        return isinstance(value, str) and _within(len(value), low, high)
    if kind in ("int", "float"):
        fits = isinstance(value, int) or (isinstance(value, float) and (kind == "float" or value.is_integer()))
        return fits and not isinstance(value, bool) and _within(float(str(value)), low, high)
    return isinstance(value, bool) if kind == "bool" else isinstance(value, str | int)


def _within(number: float, low: str, high: str) -> bool:
    return (not low or number >= float(low)) and (not high or number <= float(high))
