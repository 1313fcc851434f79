"""Keys of what is gone -> the components by which Home Assistant removes it.

Home Assistant that was away when somebody was removed, or something was turned off, has the entities in its registry,
and removes only what it was told of since it started: it is told `ghosts`, and directly behind them `removed`.
"""

from collections.abc import Sequence

from node.contract.payloads import Fields
from node.contract.topics import Topics
from node.homeassistant.entity import entity

_NAME = "Removed"
_PERSON = {"person": "binary_sensor", "seen": "sensor"}

PARTS = {"alert": "event", "enroll": "text", "snapshot": "image"}
"""By its key the platform of what a node offers or not, as its settings say."""


def removed(gone: Sequence[str]) -> dict[str, Fields]:
    """Return the components that make Home Assistant remove what it has of who and what is gone."""
    return {key: {"p": platform} for key, platform in _platforms(gone).items()}


def ghosts(topics: Topics, gone: Sequence[str]) -> dict[str, Fields]:
    """Return the same components once more as whole entities, without a name."""
    # What each platform wants, on topics that carry nothing at that moment.
    wanted: dict[str, Fields] = {
        "event": {"state_topic": f"{topics.base}/alert/+", "event_types": ["removed"]},
        "image": {"image_topic": topics.snapshots},
        "text": {"command_topic": topics.request("removed")},
    }
    state: Fields = {"state_topic": topics.state, "value_template": "None"}
    return {
        key: entity(topics, platform, key, _NAME, slug=f"removed_{key.partition('_')[0]}")
        | dict(wanted.get(platform, state))
        for key, platform in _platforms(gone).items()
    }


def _platforms(gone: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key in gone:
        if key in PARTS:
            found[key] = PARTS[key]
        else:
            found |= {f"{kind}_{key}": platform for kind, platform in _PERSON.items()}
    return found
