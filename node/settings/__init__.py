"""The settings of a node: their sections, and how they are read."""

from node.settings.alerts import AlertSettings, RuleSettings
from node.settings.camera import CameraSettings
from node.settings.events import EventSettings, PeopleSettings, PublishSettings
from node.settings.mqtt import HomeAssistantSettings, MqttSettings, TlsSettings
from node.settings.node import NodeSettings
from node.settings.schema import HealthSettings, Settings, StorageSettings
from node.settings.vision import DetectorSettings, GateSettings, ModelSettings

__all__ = [
    "AlertSettings",
    "CameraSettings",
    "DetectorSettings",
    "EventSettings",
    "GateSettings",
    "HealthSettings",
    "HomeAssistantSettings",
    "ModelSettings",
    "MqttSettings",
    "NodeSettings",
    "PeopleSettings",
    "PublishSettings",
    "RuleSettings",
    "Settings",
    "StorageSettings",
    "TlsSettings",
]
