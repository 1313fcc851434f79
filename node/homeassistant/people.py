"""The enrolled people -> the components by which Home Assistant shows and enrolls them."""

from collections.abc import Sequence

from node.contract.payloads import Fields
from node.contract.topics import Topics
from node.homeassistant.entity import TRANSACTION, camera_availability, entity
from node.homeassistant.entity_keys import KeyedPerson

# No person may have the id that events use for strangers.
_ID = "^(?:$|(?!unknown$)[a-z0-9][a-z0-9_-]{0,31}$)"

_ANSWER = (
    "value_json.error if value_json.status == 'error' else value_json.data.id ~ ' is enrolled: '"
    " ~ value_json.data.faces ~ (' face' if value_json.data.faces == 1 else ' faces')"
)


def presence(topics: Topics, people: Sequence[KeyedPerson]) -> dict[str, Fields]:
    """Return for each person who is in view and when they were last seen, and for all the person seen last."""
    components = _last_person(topics, people)
    for person in people:
        components[f"person_{person.key}"] = _in_view(topics, person)
        components[f"seen_{person.key}"] = _last_seen(topics, person)
    return components


def enrolment(topics: Topics, verb: str) -> Fields:
    """Return the text field that enrolls the one person in view under the id that is typed in.

    It shows the id for as long as that takes, and is empty otherwise; the latest answer is an attribute.
    """
    return {
        **entity(topics, "text", "enroll", "Enroll the person in view as"),
        **camera_availability(topics),
        "state_topic": topics.state,
        "value_template": "{{ value_json.enrolling | default('', true) }}",
        "json_attributes_topic": topics.response(verb),
        "json_attributes_template": f"{{{{ {{'last_answer': {_ANSWER}}} | to_json }}}}",
        "command_topic": topics.request(verb),
        "command_template": f'{{"transaction":"{TRANSACTION}","id":{{{{ value | to_json }}}}}}',
        "min": 0,
        "max": 32,
        "pattern": _ID,
        "icon": "mdi:account-plus",
        "entity_category": "config",
    }


def _in_view(topics: Topics, person: KeyedPerson) -> Fields:
    present = f"value_json.present | selectattr('id', 'eq', '{person.id}') | list"
    return {
        **entity(topics, "binary_sensor", f"person_{person.key}", person.name, slug=f"person_{person.id}"),
        **camera_availability(topics),
        "state_topic": topics.state,
        "device_class": "occupancy",
        "value_template": f"{{{{ 'ON' if {present} else 'OFF' }}}}",
    }


def _last_seen(topics: Topics, person: KeyedPerson) -> Fields:
    # After a start the node's state lists nobody: the entity keeps its value until the person is seen again.
    last_seen = f"(value_json.people.get('{person.id}') or {{}}).get('last_seen')"
    return {
        **entity(topics, "sensor", f"seen_{person.key}", f"{person.name} last seen", slug=f"seen_{person.id}"),
        "state_topic": topics.state,
        "device_class": "timestamp",
        "value_template": f"{{{{ {last_seen} or this.state | as_datetime(none) }}}}",
    }


def _last_person(topics: Topics, people: Sequence[KeyedPerson]) -> dict[str, Fields]:
    """Return the id of the person seen last, which automations compare, and their display name."""
    # Each keeps its value after a start too, but only while the person is enrolled.
    seen = "{% set seen = value_json.people.items() | sort(attribute='1.last_seen') | list %}"
    names = "{" + ", ".join(f"{_literal(person.id)}: {_literal(person.name)}" for person in people) + "}"
    ids = [person.id for person in people]
    by_id = f"{{{{ seen[-1][0] if seen else this.state if this.state in {ids} else none }}}}"
    by_name = (
        f"{{% set names = {names} %}}"
        "{{ names.get(seen[-1][0], seen[-1][0]) if seen else this.state if this.state in names.values() else none }}"
    )
    kept: Fields = {"state_topic": topics.state, "icon": "mdi:account-clock"}
    return {
        "last_person": {
            **entity(topics, "sensor", "last_person", "Last person"), **kept, "value_template": f"{seen}{by_id}",
        },
        "last_person_name": {
            **entity(topics, "sensor", "last_person_name", "Last person by name"), **kept,
            "value_template": f"{seen}{by_name}",
        },
    }  # fmt: skip


def _literal(text: str) -> str:
    """Return a text as a template writes it: a name may hold quotes, and braces, which end nothing inside quotes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
