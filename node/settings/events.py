"""The sections `people`, `events` and `publish`: who is known, when that is an event, and what the event carries."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_settings import NoDecode

from node.settings.section import ConflictError, Section, split_at_commas
from node.settings.vision import GateSettings

Task = Literal["identity", "age", "ethnicity"]


class PeopleSettings(Section):
    """Who is known."""

    source: Literal["gallery", "head"] = "gallery"
    """What decides about identity: `gallery`, the people enrolled here, or `head`, the network's own closed set."""
    max_fpir: Annotated[float, Field(ge=0.001, le=0.01)] = 0.003
    """Maximum share of strangers that may be given somebody's name (false-positive identification rate)."""
    keep_crops: bool = True
    """Keep the aligned face of each enrolled photo (mode 0600), so that a new network can embed it again."""


class EventSettings(Section):
    """When something becomes an event."""

    leave_after_s: Annotated[float, Field(ge=0.2, le=600)] = 3.0
    """Seconds out of sight after which a person counts as gone."""
    votes: Annotated[int, Field(ge=1, le=50)] = 3
    """Usable looks required to give a name."""
    unknown_votes: Annotated[int, Field(ge=1, le=100)] = 6
    """Usable looks required to report `unknown`; more than for a name, since a turned head looks like a stranger."""
    recheck_s: Annotated[float, Field(ge=0, le=60)] = 1.0
    """Seconds between two looks at a person who already has a name."""
    looks_per_tick: Annotated[int, Field(ge=1, le=50)] = 4
    """Maximum number of faces that the network looks at in one frame; the least certain come first."""
    cool_down_s: Annotated[float, Field(ge=0, le=86_400)] = 60.0
    """Seconds within which a person who comes back belongs to the same visit and causes no new event."""
    gates: GateSettings = GateSettings()
    """Minimum quality of a look at a face that counts as evidence."""


class PublishSettings(Section):
    """What leaves the node."""

    tasks: Annotated[tuple[Task, ...], NoDecode, BeforeValidator(split_at_commas)] = ("identity", "age")
    """Answers of the network that events carry; `ethnicity` is sensitive and off until you name it here."""
    snapshots: Literal["off", "face", "frame"] = "off"
    """Pictures that leave the node, with each event and on request: none, the face, or the whole frame."""

    @model_validator(mode="after")
    def _identity_is_among_them(self) -> Self:
        if "identity" not in self.tasks:
            raise ConflictError("tasks must include identity: without it nobody can be told from a stranger", "tasks")
        return self
