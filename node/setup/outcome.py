"""Answers that were carried out -> what the owner finds in Home Assistant now, and what to do next."""

from collections.abc import Iterator

from node.setup.schema import Answers

FIRST_BLUEPRINT = "stranger_at_night.yaml"
"""The blueprint of the first notification, which ships with the program."""


def outcome(answers: Answers, blueprint: str) -> Iterator[str]:
    """Yield the last lines of the first run.

    Args:
        answers: as they were carried out.
        blueprint: where the blueprint of the first notification is.
    """
    name = answers.node.name or answers.node.id
    yield f"Home Assistant now shows the device {name}: Settings, Devices & services, MQTT."
    if answers.person is not None:
        yield f"It has an entity for {answers.person.name}, and one named Face, on which to automate."
    else:
        yield "It has an entity named Face, on which to automate. Everybody is unknown until somebody is enrolled."
    yield f"For a notification when a stranger comes by night, import this blueprint: {blueprint}"
