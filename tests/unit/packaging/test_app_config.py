"""The app's files keep Home Assistant's documented format, and say of each setting what the program says of it."""

import copy
import io
import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import app_pictures
import pytest
import yaml
from app_format import REPOSITORY, TRANSLATION, config_problems, option_problems, problems
from PIL import Image
from start.options import PAGE_PORT
from start.storage import place_storage

from node.settings import Settings
from tests.docs.pages import ROOT

FOLDER = ROOT / "packaging/homeassistant"
APP = FOLDER / "facenode"
CONFIG: dict[str, Any] = yaml.safe_load((APP / "config.yaml").read_text(encoding="utf-8"))
LANGUAGES = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in APP.glob("translations/*.yaml")}
OWN = {"rules", "backup_crops"}
"""Options that have no section of the settings."""
NOT_OPTIONS = {
    "camera.hflip", "camera.vflip",  # of a CSI camera
    "camera.restart_after", "health.log_every_s", "mqtt.keepalive_s", "mqtt.expire_s", "mqtt.protocol",
    "events.recheck_s", "events.looks_per_tick", "events.gates", "detector.min_keypoint_score",
    "model.path", "model.runtime", "people.source",
    "mqtt.host", "mqtt.port", "mqtt.username", "mqtt.password_file", "mqtt.tls",  # the Supervisor's service
    "homeassistant.enabled", "homeassistant.prefix", "storage.dir", "page.door", "page.port", "page.hosts",
    "alerts.rules",  # the option `rules`
}  # fmt: skip
"""Settings that the app sets itself, or that its page of options is spared."""


def settings_schema() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of each setting, by `section.key`; of a rule, by `rules.key`."""
    schema = Settings.model_json_schema()
    definitions = schema["$defs"]
    found: dict[str, dict[str, Any]] = {}
    for section, field in schema["properties"].items():
        inner = definitions[field["$ref"].rpartition("/")[2]]["properties"]
        found |= {f"{section}.{name}": each for name, each in inner.items()}
    found |= {f"rules.{name}": each for name, each in definitions["RuleSettings"]["properties"].items()}
    return found


SETTINGS = settings_schema()
OPTIONS: dict[str, Any] = {
    f"{section}.{name}": kind
    for section, content in CONFIG["schema"].items()
    if section not in OWN
    for name, kind in content.items()
} | {f"rules.{name}": kind for name, kind in CONFIG["schema"]["rules"][0].items()}


def test_the_configuration_keeps_the_documented_format() -> None:
    """All keys are known, all values are of their kind, and each option is in the schema."""
    assert config_problems(CONFIG) == []
    assert problems(yaml.safe_load((FOLDER / "repository.yaml").read_text(encoding="utf-8")), REPOSITORY) == []


WRONG: dict[str, tuple[Mapping[str, Any], str]] = {
    "an unknown key": ({"privelege": []}, "privelege"),
    "an architecture that is gone": ({"arch": ["armv7"]}, "armv7"),
    "a number as text": ({"ingress_port": "8099"}, "8099"),
    "a port that does not exist": ({"ingress_port": 70000}, "70000"),
    "a service that does not exist": ({"services": ["mqtt:wants"]}, "mqtt:wants"),
    "a folder that cannot be mapped": ({"map": [{"type": "etc"}]}, "etc"),
    "a privilege that does not exist": ({"privileged": ["ROOT"]}, "ROOT"),
    "no name": ({"name": ""}, "name"),
    "a kind of option that does not exist": ({"schema": {"x": "number"}, "options": {"x": 1}}, "'number' is no type"),
    "bounds of the wrong form": ({"schema": {"x": "int(1-2)"}, "options": {"x": 1}}, "no type"),
    "a pattern that is none": ({"schema": {"x": "match([)"}, "options": {"x": "a"}}, "schema.x"),
    "a list of lists": ({"schema": {"x": [["str"]]}, "options": {"x": []}}, "which is no list"),
    "too deep": ({"schema": {"x": {"y": {"z": {"a": "str?"}}}}, "options": {"x": {"y": {"z": {}}}}}, "2 deep"),
    "a list too deep": ({"schema": {"x": [{"y": [{"z": "str?"}]}]}, "options": {"x": []}}, "2 deep"),
    "an option out of bounds": ({"schema": {"x": "int(1,5)"}, "options": {"x": 6}}, "6 is not int(1,5)"),
    "an option of another kind": ({"schema": {"x": "bool"}, "options": {"x": "yes"}}, "'yes' is not bool"),
    "an option without schema": ({"schema": {}, "options": {"x": 1}}, "not in the schema"),
    "an option without value": ({"schema": {"x": "str"}, "options": {}}, "missing"),
    "an optional option with a default": ({"schema": {"x": "str?"}, "options": {"x": ""}}, "no default"),
}


@pytest.mark.parametrize("name", WRONG)
def test_the_format_refuses_what_is_wrong(name: str) -> None:
    """Each kind of mistake is found and named, one at a time in a configuration that is right without it."""
    change, words = WRONG[name]
    found = config_problems({**copy.deepcopy(CONFIG), **change})
    assert any(words in each for each in found), found


@pytest.mark.parametrize("key", ["name", "version", "slug", "description", "arch"])
def test_the_format_refuses_what_is_incomplete(key: str) -> None:
    """Without a required key the Supervisor does not show the app."""
    assert config_problems({name: each for name, each in CONFIG.items() if name != key}) != []


def test_a_translation_that_is_wrong_is_refused() -> None:
    """A key that the documents do not know, and a text without a name."""
    assert problems({"configuration": {"x": {"nam": "X"}}}, TRANSLATION) != []
    assert problems({"options": {}}, TRANSLATION) != []
    assert problems({"repository": "x"}, REPOSITORY) != []


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_is_the_setting_of_its_name_with_its_bounds(option: str) -> None:
    """What the Supervisor accepts is what the node accepts; a bound that a setting excludes is the node's to refuse."""
    assert _without_mark(OPTIONS[option]) == _expected_kind(option, SETTINGS[option])


def test_every_setting_is_an_option_or_left_out_on_purpose() -> None:
    """A setting that is added is decided about, and no option is of a setting that is gone."""
    known = {name for name in SETTINGS if name not in NOT_OPTIONS}
    assert known == OPTIONS.keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_option_has_a_text_in_every_language(language: str) -> None:
    """Name and description, no more and no less than there are options."""
    texts = LANGUAGES[language]
    assert problems(texts, TRANSLATION) == []
    assert {"en", "de"} <= LANGUAGES.keys()
    for section, kind in CONFIG["schema"].items():
        inner = kind[0] if isinstance(kind, list) else kind
        text = texts["configuration"][section]
        assert text["description"], section
        if isinstance(inner, dict):
            assert text["fields"].keys() == inner.keys(), section
            assert all(each["description"] for each in text["fields"].values()), section
    assert texts["configuration"].keys() == CONFIG["schema"].keys()


@pytest.mark.parametrize("option", OPTIONS)
def test_an_english_text_is_that_of_the_setting(option: str) -> None:
    """One sentence for one thing, wherever it is read."""
    section, _, name = option.partition(".")
    text = LANGUAGES["en"]["configuration"][section]["fields"][name]["description"]
    assert text == " ".join(SETTINGS[option]["description"].split())


def test_a_translation_is_no_copy() -> None:
    """Every description of another language differs from the English one, but for words that are the same."""
    english = dict(_descriptions(LANGUAGES["en"]["configuration"]))
    for language in LANGUAGES.keys() - {"en"}:
        other = dict(_descriptions(LANGUAGES[language]["configuration"]))
        assert [place for place in english if english[place] == other[place]] == []


def test_the_default_options_are_accepted() -> None:
    """A fresh install starts without a word typed."""
    assert option_problems(CONFIG["options"], CONFIG["schema"]) == []
    assert CONFIG["ingress_port"] == PAGE_PORT


@pytest.mark.parametrize("backup_crops", [True, False])
def test_backups_hold_people_and_leave_out_what_they_should(tmp_path: Path, *, backup_crops: bool) -> None:
    """By the rule of the documents: a file is left out if its path matches a pattern of `backup_exclude`."""
    storage = place_storage(tmp_path, backup_crops=backup_crops)
    kept = (
        "people/ada/person.json",
        "people/ada/photos.json",
        "people/page/person.json",
        "control.json",
        "homeassistant.json",
    )
    left = (
        "outbox.db",
        "outbox.db-wal",
        "durations.json",
        "undo.jsonl",
        "review/faces.bin",
        "page/sessions.json",
        "node.sock",
    )
    faces = ("people/ada/0a1b.png", "people/.new/0a1b.png")

    def is_left_out(name: str) -> bool:
        return any((storage / name).match(pattern) for pattern in CONFIG["backup_exclude"])

    assert [name for name in kept if is_left_out(name)] == []
    assert [name for name in left if not is_left_out(name)] == []
    assert {is_left_out(name) for name in faces} == {not backup_crops}
    assert not is_left_out("../options.json")


def test_the_apparmor_profile_is_accepted_and_named_as_the_app() -> None:
    """The Supervisor takes a file with one profile, and gives it the name of the installed app."""
    text = (APP / "apparmor.txt").read_text(encoding="utf-8")
    assert re.findall(r"^profile (\S+)", text, re.MULTILINE) == [CONFIG["slug"]]
    parser = shutil.which("apparmor_parser") or shutil.which("apparmor_parser", path="/usr/sbin:/sbin")
    if parser is None:
        pytest.skip("no apparmor_parser: apt install apparmor")
    # --skip-kernel-load: it is compiled and not loaded.
    done = subprocess.run([parser, "-Q", "-K", APP / "apparmor.txt"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_apparmor_profile_that_is_wrong_is_refused(tmp_path: Path) -> None:
    """The parser that says yes can say no."""
    parser = shutil.which("apparmor_parser") or shutil.which("apparmor_parser", path="/usr/sbin:/sbin")
    if parser is None:
        pytest.skip("no apparmor_parser: apt install apparmor")
    wrong = tmp_path / "apparmor.txt"
    wrong.write_text(
        (APP / "apparmor.txt").read_text(encoding="utf-8").replace("capability chown,", "capability chwon,")
    )
    done = subprocess.run([parser, "-Q", "-K", wrong], capture_output=True, text=True, check=False)
    assert done.returncode != 0


def test_the_pictures_are_those_of_the_script_and_of_the_recommended_size() -> None:
    """128 x 128 and 250 x 100 pixels; whoever changes the script makes them again."""
    for name, made in (("icon.png", app_pictures.icon()), ("logo.png", app_pictures.logo())):
        content = io.BytesIO((APP / name).read_bytes())
        with Image.open(content) as stored:
            assert stored.size == made.size
            assert stored.format == "PNG"
            # Another release of the library may smooth an edge otherwise, and its font may differ by a hair.
            differing = sum(abs(a - b) > 32 for a, b in zip(stored.tobytes(), made.tobytes(), strict=True))
        assert differing < 0.01 * len(made.tobytes()), name
    assert app_pictures.icon().size == (128, 128)
    assert app_pictures.logo().size == (250, 100)


def _descriptions(texts: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, str]]:
    for name, text in texts.items():
        yield f"{place}.{name}", text["description"]
        yield from _descriptions(text.get("fields", {}), f"{place}.{name}")


def _without_mark(kind: Any) -> Any:  # noqa: ANN401 - a type of the schema
    return [_without_mark(kind[0])] if isinstance(kind, list) else kind.removesuffix("?")


def _expected_kind(option: str, setting: Mapping[str, Any]) -> Any:  # noqa: ANN401, PLR0911 - a type of the schema; one for each
    """Return the option's type that a setting calls for."""
    if option in TEXTS_FOR_LISTS:
        return TEXTS_FOR_LISTS[option]
    if "enum" in setting:
        return f"list({'|'.join(map(str, setting['enum']))})"
    kind = setting["type"]
    if kind == "array":
        return [f"list({'|'.join(setting['items']['enum'])})"]
    if kind == "boolean":
        return "bool"
    if kind in ("integer", "number"):
        low, high = (setting.get(f"{end}imum", setting.get(f"exclusive{end.title()}imum")) for end in ("min", "max"))
        return f"{'int' if kind == 'integer' else 'float'}({_number(low)},{_number(high)})"
    if "pattern" in setting:
        return f"match({setting['pattern']})"
    return f"str(,{setting['maxLength']})" if "maxLength" in setting else "str"


ID = r"[a-z0-9][a-z0-9_-]{0,31}"
CLOCK = r"([01]\d|2[0-3]):[0-5]\d"
DAY = "(mon|tue|wed|thu|fri|sat|sun)"
TEXTS_FOR_LISTS = {
    "camera.crop": "str",
    "camera.masks": "str",
    "rules.people": f"match(^{ID}(, ?{ID})*$)",
    "rules.between": f"match(^{CLOCK}, ?{CLOCK}$)",
    "rules.days": f"match(^{DAY}(, ?{DAY})*$)",
}
"""Lists in lists are texts with commas; the patterns are made of those of the settings."""


def _number(bound: float) -> str:
    return json.dumps(int(bound) if bound == int(bound) else bound)
