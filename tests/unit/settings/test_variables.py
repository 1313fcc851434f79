"""Variables of the environment: what Kubernetes and Docker make is nobody's mistake, what a person mistypes is one."""

import pytest

from node.errors import SettingsError
from node.settings.variables import setting_variables

KUBERNETES = {
    "SERVICE_HOST": "10.0.0.1",
    "SERVICE_PORT": "1883",
    "SERVICE_PORT_MQTT_TLS": "8883",
    "PORT": "tcp://10.0.0.1:1883",
    "PORT_1883_TCP": "tcp://10.0.0.1:1883",
    "PORT_1883_TCP_PROTO": "tcp",
    "PORT_1883_TCP_PORT": "1883",
    "PORT_1883_TCP_ADDR": "fd00::1",
    "PORT_5353_UDP": "udp://10.0.0.1:5353",
    "PORT_5353_UDP_ADDR": "10.0.0.1",
}
DOCKER = {"NAME": "/web/SERVICE", "ENV_PATH": "/usr/bin", "PORT_1_TCP_START": "tcp://10.0.0.1:1", "PORT_1_TCP_END": "x"}


@pytest.mark.parametrize(
    "service", ["facenode", "facenode-mqtt", "facenode-node", "facenode-camera-2", "facenode--mqtt", "facenode-mqtt--x"]
)
def test_what_kubernetes_and_docker_make_of_a_service_is_ignored(service: str) -> None:
    """Whoever calls a service like a section of the settings finds a node that starts."""
    alias = service.upper().replace("-", "_")
    made = {f"{alias}_{name}": value.replace("SERVICE", service) for name, value in (KUBERNETES | DOCKER).items()}
    assert setting_variables({**made, "FACENODE_MQTT__PORT": "1884"}) == {"FACENODE_MQTT__PORT": "1884"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FACENODE_MQTT_PORT", "1883"),
        ("FACENODE_MQTT_PORT", "mqtt://10.0.0.1:1883"),
        ("FACENODE_MQTT_HOST", "broker"),
        ("FACENODE_NODE_NAME", "Kitchen"),
        ("FACENODE_NODE_NAME", "/web/facenode-other"),
        ("FACENODE_NODE_ENV_PATH", "/usr/bin"),
        ("FACENODE_MQTT_SERVICE", "x"),
        ("FACENODE_MQTT_PORT_1883", "x"),
        ("FACENODE_MQTT_PORT_X_TCP", "tcp://10.0.0.1:1"),
        ("FACENODE_CAMERA_SOURCE", "webcam:0"),
    ],
)
def test_what_a_person_mistypes_is_still_refused(name: str, value: str) -> None:
    """The message proposes two underscores."""
    section = name.split("_")[1]
    with pytest.raises(SettingsError, match=f"write FACENODE_{section}__"):
        setting_variables({name: value})


@pytest.mark.parametrize(("name", "value"), [("FACENODE_MQTT__PORT", "tcp://a:1"), ("FACENODE_NODE__NAME", "/a/b")])
def test_a_setting_is_never_taken_for_a_service(name: str, value: str) -> None:
    """Two underscores make it a setting, whatever its value looks like."""
    assert setting_variables({name: value}) == {name: value}
