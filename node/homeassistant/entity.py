"""A key and a name -> what every entity of Home Assistant has: platform, ids, QoS."""

from node.contract.topics import ROOT, Topics

_CAMERA_OK = "{{ 'online' if value_json.camera == 'ok' else 'offline' }}"

TRANSACTION = "ha-{{ now().timestamp() }}"
"""What a `command_template` puts into a request, so that no two are alike."""


def entity(topics: Topics, platform: str, key: str, name: str, *, slug: str = "") -> dict[str, object]:
    """Return the part that all entities share.

    Args:
        topics: the node's.
        platform: of Home Assistant, such as `sensor`.
        key: what tells it from the node's other entities, for ever.
        name: what people read.
        slug: what its entity id ends with, where that is not the key.
    """
    entity_id = f"{topics.node}_{slug or key}".replace("-", "_")
    return {
        "p": platform,
        "name": name,
        "unique_id": f"{ROOT}_{topics.node}_{key}",
        "default_entity_id": f"{platform}.{entity_id}",
        "qos": 1,
    }


def in_view(topics: Topics) -> dict[str, object]:
    """Return the availability of what shows the camera's view: unknown while nobody looks."""
    return {
        "availability": [
            {"topic": topics.status},
            {"topic": topics.health, "value_template": _CAMERA_OK},
        ]
    }
