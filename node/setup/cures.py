"""Why a broker cannot be used, as `facenode check` says it -> the owner's words, and the way on.

The sentences of `node.mqtt.reason_codes` name settings, which somebody in the first run has not seen. Here each name is
replaced by what the first run calls it, and each step adds where to go.
"""

from node.setup.world import LoginResult

_WORDS = (
    ("mqtt.username and mqtt.password_file", "username and password"),
    ("set mqtt.tls.cert_file and mqtt.tls.key_file", "edit the settings file by hand for that"),
    ("set mqtt.tls.ca_file to that authority", "give the file of that authority's certificate"),
    ("set mqtt.tls.ca_file to it", "give the file of that certificate"),
    (", or set mqtt.tls.enabled = false", ", or go on without TLS"),
    ("set mqtt.host to the name in it", "use the name that is in it"),
    ("mqtt.host and mqtt.port", "name and port"),
    ("mqtt.host", "the name"),
    ("mqtt.port", "the port"),
    ("mqtt.protocol", "which MQTT versions it supports"),
    ("node.id", "id for the node"),
)
"""What the sentences name, longest first, and what the first run calls it."""

_WAYS_ON = {
    "name": "Type its address instead, such as 192.168.1.10.",
    "tcp": "In Home Assistant, look under Settings, Apps, Mosquitto broker whether it is started.",
    "tls": "The authority's certificate is a file ending in .pem or .crt on the machine of the broker.",
    "login": "With Home Assistant's broker it is a user of Settings, People, Users; both are case-sensitive.",
    "message": "A broker with an access list must let this login read and write facenode/ID/#.",
    "will": "A broker with an access list must let this login write facenode/ID/status.",
    "retained": "A broker with an access list must let this login write facenode/ID/#.",
    "discovery": "A broker with an access list must let this login write homeassistant/device/facenode/ID/config.",
}


def cure(result: LoginResult) -> str:
    """Return why a broker cannot be used and what to do, two sentences."""
    text = result.problem
    for setting, words in _WORDS:
        text = text.replace(setting, words)
    way = _WAYS_ON.get(result.step or "", "")
    first = text.split(" ", 1)[0]
    begins_with_host = ":" in first or "." in first
    return f"{text[0] if begins_with_host else text[0].upper()}{text[1:].rstrip('.')}. {way}".rstrip()
