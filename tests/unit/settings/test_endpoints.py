"""The brokers that `mqtt.host` names."""

import pytest
from pydantic import ValidationError

from node.settings import MqttSettings
from node.settings.endpoints import endpoints


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("broker.local", [("broker.local", 1883)]),
        ("192.0.2.7:8883", [("192.0.2.7", 8883)]),
        ("a.example, b.example:8883 ,c.example", [("a.example", 1883), ("b.example", 8883), ("c.example", 1883)]),
        ("2001:db8::1", [("2001:db8::1", 1883)]),
        ("[2001:db8::1]", [("2001:db8::1", 1883)]),
        ("[2001:db8::1]:8883,::1", [("2001:db8::1", 8883), ("::1", 1883)]),
    ],
)
def test_brokers_are_read_in_their_order(text: str, found: list[tuple[str, int]]) -> None:
    """A name, an address of either version, each with a port of its own or with the common one."""
    assert list(endpoints(text, 1883)) == found


@pytest.mark.parametrize("text", ["a,,b", ",", "a:port", "a:0", "a:65536", "[::1", "[::1]x", "a:1:b]"])
def test_what_cannot_be_a_broker_is_refused(text: str) -> None:
    """Otherwise an extra comma would become a broker without a name, which the node tries again and again."""
    with pytest.raises(ValidationError, match=r"write HOST|a port must be"):
        MqttSettings(host=text)


def test_each_broker_keeps_all_other_settings() -> None:
    """The settings for one of several brokers differ in nothing but host and port."""
    first, second = MqttSettings(host="a.example, b.example:8884", port=8883, keepalive_s=20).each
    assert (first.host, first.port, first.keepalive_s) == ("a.example", 8883, 20)
    assert (second.host, second.port, second.keepalive_s) == ("b.example", 8884, 20)
