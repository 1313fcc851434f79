"""Keys of removed people, rules and optional components -> the components by which Home Assistant removes them.

Home Assistant removes only an entity that it has discovered since it started. If it was down when a person was removed
or a setting was turned off, it still has the entities in its registry. It therefore gets `placeholders` first, and
directly after them `removals`.
"""

from collections.abc import Sequence

from node.contract.payloads import Fields
from node.contract.topics import Topics
from node.homeassistant import rules
from node.homeassistant.entity import entity

_NAME = "Removed"
_PERSON = {"person": "binary_sensor", "seen": "sensor"}
_RULE = "rule:"
_TRIGGER = "device_automation"

OPTIONAL = {"alert": "event", "enroll": "text", "snapshot": "image"}
"""The platform of each component that a node has or lacks as its settings say, by key."""


def rule_key(rule: str) -> str:
    """Return the key that stands for all components of a rule."""
    return f"{_RULE}{rule}"


def removals(keys: Sequence[str]) -> dict[str, Fields]:
    """Return the components that make Home Assistant remove the entities of these keys."""
    return {key: {"p": platform} for key, platform in _platforms(keys).items()}


def placeholders(topics: Topics, keys: Sequence[str]) -> dict[str, Fields]:
    """Return the same components as complete entities that name nobody."""
    # The fields that each platform requires, with topics that carry nothing at that moment.
    required: dict[str, Fields] = {
        "event": {"state_topic": f"{topics.base}/alert/+", "event_types": ["removed"]},
        "image": {"image_topic": topics.snapshots},
        "text": {"command_topic": topics.request("removed")},
        "switch": {"command_topic": topics.request("removed")},
    }
    state: Fields = {"state_topic": topics.state, "value_template": "None"}
    return {
        key: entity(topics, platform, key, _NAME, slug=f"removed_{key.partition('_')[0]}")
        | dict(required.get(platform, state))
        for key, platform in _platforms(keys).items()
        if platform != _TRIGGER  # Home Assistant remembers none over its restart
    }


def _platforms(keys: Sequence[str]) -> dict[str, str]:
    """Return the platform of each component, by component key; a person's or a rule's key stands for several."""
    platforms: dict[str, str] = {}
    for key in keys:
        if key in OPTIONAL:
            platforms[key] = OPTIONAL[key]
        elif key.startswith(_RULE):
            platforms |= rules.platforms(key.removeprefix(_RULE))
        else:
            platforms |= {f"{kind}_{key}": platform for kind, platform in _PERSON.items()}
    return platforms
