"""Who is known -> the components by which Home Assistant shows people."""

from collections.abc import Sequence

from node.contract.payloads import Fields
from node.contract.topics import Topics
from node.homeassistant.entity import TRANSACTION, entity, in_view
from node.homeassistant.entity_keys import Resident

# A person cannot be called what strangers are called.
_ID = "^(?!unknown$)[a-z0-9][a-z0-9_-]{0,31}$"


def presence(topics: Topics, people: Sequence[Resident]) -> dict[str, Fields]:
    """Return the components of people: who is in view, when each was last seen, and who was last seen of all."""
    found: dict[str, Fields] = {"last_person": _last_person(topics, people)}
    for each in people:
        found[f"person_{each.key}"] = _person(topics, each)
        found[f"seen_{each.key}"] = _seen(topics, each)
    return found


def enrolment(topics: Topics, verb: str) -> Fields:
    """Return the component by which the one person in view is enrolled: their id is typed in."""
    return {
        **entity(topics, "text", "enroll", "Enrol who is in view as"),
        **in_view(topics),
        "command_topic": topics.request(verb),
        "command_template": f'{{"transaction":"{TRANSACTION}","id":{{{{ value | to_json }}}}}}',
        "min": 1,
        "max": 32,
        "pattern": _ID,
        "icon": "mdi:account-plus",
        "entity_category": "config",
    }


def _person(topics: Topics, person: Resident) -> Fields:
    here = f"value_json.present | selectattr('id', 'eq', '{person.id}') | list"
    return {
        **entity(topics, "binary_sensor", f"person_{person.key}", person.name, slug=f"person_{person.id}"),
        **in_view(topics),
        "state_topic": topics.state,
        "device_class": "occupancy",
        "value_template": f"{{{{ 'ON' if {here} else 'OFF' }}}}",
    }


def _seen(topics: Topics, person: Resident) -> Fields:
    # An emptied state knows nobody: what was known before it stays.
    seen = f"(value_json.people.get('{person.id}') or {{}}).get('last_seen')"
    return {
        **entity(topics, "sensor", f"seen_{person.key}", f"{person.name} last seen", slug=f"seen_{person.id}"),
        "state_topic": topics.state,
        "device_class": "timestamp",
        "value_template": f"{{{{ {seen} or this.state | as_datetime(none) }}}}",
    }


def _last_person(topics: Topics, people: Sequence[Resident]) -> Fields:
    # As above; but only a name that still is somebody's stays.
    ids = [each.id for each in people]
    return {
        **entity(topics, "sensor", "last_person", "Last person"),
        "state_topic": topics.state,
        "icon": "mdi:account-clock",
        "value_template": (
            "{% set seen = value_json.people.items() | sort(attribute='1.last_seen') | list %}"
            f"{{{{ seen[-1][0] if seen else this.state if this.state in {ids} else none }}}}"
        ),
    }
