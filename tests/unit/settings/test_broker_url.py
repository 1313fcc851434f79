"""A URL as `mqtt.host`: its password is never repeated, and the settings that it means are proposed."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.errors import SettingsError
from node.settings.broker_url import proposal, shown
from node.settings.endpoints import endpoints
from node.settings.loader import load

LOGIN = 'mqtt.username = "ada", mqtt.password_file = a file with the password alone in it'


@pytest.mark.parametrize(
    ("url", "proposed"),
    [
        ("mqtt://ada:s3cret@host", f'this is a URL: set mqtt.host = "host", {LOGIN}'),
        ("mqtt://ada:s3@cr/et@host:1884/x", f'this is a URL: set mqtt.host = "host", mqtt.port = 1884, {LOGIN}'),
        ("mqtt:/ada:s3 cr,et@host", f'this is a URL: set mqtt.host = "host", {LOGIN}'),
        ("mqtt://host:1884", 'this is a URL: set mqtt.host = "host", mqtt.port = 1884'),
        ("mqtt://[2001:db8::1]:1884", 'this is a URL: set mqtt.host = "[2001:db8::1]", mqtt.port = 1884'),
        ("mqtt://host?password=s3cret", 'this is a URL: set mqtt.host = "host"'),
        ("mqtt://s3cret@host", 'this is a URL: set mqtt.host = "host", mqtt.username = the name before the @'),
        (
            "mqtts://ada:s3cret@host",
            f'this is a URL: set mqtt.host = "host", mqtt.port = 8883, mqtt.tls.enabled = true, {LOGIN}',
        ),
        (
            "ssl://host:8884",
            'this is a URL: set mqtt.host = "host", mqtt.port = 8884, mqtt.tls.enabled = true',
        ),
        ("ws://host:9001/mqtt", 'MQTT over WebSocket is not supported: set mqtt.host = "host"'),
        ("http://homeassistant.local:8123", 'a web page is not a broker: set mqtt.host = "homeassistant.local"'),
        ("ada:s3cret@host", f'this is more than a name and a port: set mqtt.host = "host", {LOGIN}'),
        ("host/path", 'this is more than a name and a port: set mqtt.host = "host"'),
        ("mqtt://ada:s3cret%33@a, mqtt://ada:s3cret@b:1884", f'this is a URL: set mqtt.host = "a, b:1884", {LOGIN}'),
        ("mqtt://ada:s3cret?x@host", "write HOST or HOST:PORT, without a login, a path or a scheme"),
        ("mqtt://host?password=s3@cret", "write HOST or HOST:PORT, without a login, a path or a scheme"),
    ],
)
def test_the_settings_that_a_url_means_are_proposed(url: str, proposed: str) -> None:
    """Host, port, login and encryption each have a setting of their own, and the password a file."""
    assert proposal(url) == proposed
    with pytest.raises(ValueError, match=re.escape(proposed)):
        endpoints(url, 1883)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("broker:1884, [2001:db8::1]:1884, 2001:db8::1, fe80::1%eth0", None),
        ("ada:s3cret", "ada:***"),
        ("a:1884,ada:s3cret", "a:1884,ada:***"),
        ("ada:s3cret@host", "***"),
        ("mqtt://ada:s3cret", "mqtt://***"),
    ],
)
def test_what_could_be_a_password_is_not_shown(text: str, printed: str | None) -> None:
    """Whatever follows a colon and is no port; addresses are shown as they are."""
    assert shown(text) == (printed or text)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1), st.booleans())
def test_no_password_is_ever_shown(password: str, with_scheme: bool) -> None:  # noqa: FBT001 - hypothesis' choice
    """Any character may occur in it: people do not escape what they paste."""
    secret = f"<{password}>"
    with pytest.raises(SettingsError, match=r"mqtt\.host = ") as caught:
        load(overrides={"mqtt": {"host": f"{'mqtt://' if with_scheme else ''}ada:{secret}@host"}}, environ={})
    assert secret not in str(caught.value)
