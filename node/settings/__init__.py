"""The settings of a node: their schema, and how they are read."""

from node.settings.schema import (
    AlertSettings,
    CameraSettings,
    DetectorSettings,
    EventSettings,
    GateSettings,
    HealthSettings,
    HomeAssistantSettings,
    ModelSettings,
    MqttSettings,
    NodeSettings,
    PeopleSettings,
    PublishSettings,
    RuleSettings,
    Settings,
    StorageSettings,
    TlsSettings,
)

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
