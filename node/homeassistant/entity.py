"""A key and a name -> the fields that every entity of Home Assistant has: platform, name, ids, QoS."""

from node.contract.topics import ROOT, Topics

_CAMERA_OK = "{{ 'online' if value_json.camera == 'ok' else 'offline' }}"

TRANSACTION = "ha-{{ now().timestamp() }}"
"""The transaction that a `command_template` puts into a request; each request has its own."""


def entity(topics: Topics, platform: str, key: str, name: str, *, slug: str = "") -> dict[str, object]:
    """Return the fields that all entities have.

    Args:
        topics: the node's topics.
        platform: of Home Assistant, such as `sensor`.
        key: unique among the node's entities. It never changes, since `unique_id` is made from it.
        name: for people to read. It may change: no id depends on it.
        slug: how the entity id ends, if not with the key.
    """
    entity_id = f"{topics.node}_{slug or key}".replace("-", "_")
    return {
        "p": platform,
        "name": name,
        "unique_id": f"{ROOT}_{topics.node}_{key}",
        "default_entity_id": f"{platform}.{entity_id}",
        "qos": 1,
    }


def camera_availability(topics: Topics) -> dict[str, object]:
    """Return the availability of entities that show the camera's view: unavailable while the camera is not `ok`."""
    return {
        "availability": [
            {"topic": topics.status},
            {"topic": topics.health, "value_template": _CAMERA_OK},
        ]
    }
