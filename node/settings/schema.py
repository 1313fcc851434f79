"""The sections -> all settings of a node, each with a bound, a default and one sentence of documentation.

The sentence may take two lines of source; the generated pages join them.
"""

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from node.settings.alerts import AlertSettings
from node.settings.camera import CameraSettings
from node.settings.events import EventSettings, PeopleSettings, PublishSettings
from node.settings.mqtt import HomeAssistantSettings, MqttSettings
from node.settings.node import NodeSettings
from node.settings.page import PageSettings, ReviewSettings
from node.settings.section import Section
from node.settings.vision import DetectorSettings, ModelSettings

ENV_PREFIX = "FACENODE_"


class StorageSettings(Section):
    """Files on disk."""

    dir: Path = Path("/var/lib/facenode")
    """Folder of the outbox and the gallery."""
    max_rows: Annotated[int, Field(ge=10, le=10_000_000)] = 100_000
    """Maximum number of events that wait for the broker; beyond it the oldest are dropped and counted."""
    max_mb: Annotated[int, Field(ge=1, le=10_000)] = 100
    """Maximum size of the events that wait for the broker, megabytes."""


class HealthSettings(Section):
    """What the node reports about itself."""

    every_s: Annotated[float, Field(ge=1, le=3600)] = 30.0
    """Seconds between two health messages."""
    log_every_s: Annotated[float, Field(ge=1, le=86_400)] = 60.0
    """Seconds between two heartbeat lines in the log."""
    max_cpu_c: Annotated[float, Field(ge=40, le=120)] = 80.0
    """Temperature of the processor above which every other frame is skipped, °C; live cameras only."""


class Settings(BaseSettings):
    """All settings of a node."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
        use_attribute_docstrings=True,
        nested_model_default_partial_update=True,
    )

    node: NodeSettings = Field(default_factory=NodeSettings)
    """Identity of this node."""
    camera: CameraSettings = CameraSettings()
    """Source of the frames."""
    detector: DetectorSettings = DetectorSettings()
    """Face detection."""
    model: ModelSettings = ModelSettings()
    """The network."""
    people: PeopleSettings = PeopleSettings()
    """Who is known."""
    events: EventSettings = EventSettings()
    """When something becomes an event."""
    alerts: AlertSettings = AlertSettings()
    """Rules that raise alerts."""
    publish: PublishSettings = PublishSettings()
    """What leaves the node."""
    mqtt: MqttSettings = MqttSettings()
    """The broker."""
    homeassistant: HomeAssistantSettings = HomeAssistantSettings()
    """Home Assistant."""
    storage: StorageSettings = StorageSettings()
    """Files on disk."""
    health: HealthSettings = HealthSettings()
    """What the node reports about itself."""
    page: PageSettings = PageSettings()
    """The owner's web page."""
    review: ReviewSettings = ReviewSettings()
    """The inbox."""
