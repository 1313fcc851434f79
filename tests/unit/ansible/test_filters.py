"""The template filters: inventory values as TOML settings and mosquitto password hashes."""

import tomllib
from typing import Any

import pytest
from facenode_filters import mosquitto_hash, to_toml


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"node": {"id": "hall", "name": 'Zoë "Z" \\ Müller\n\x7f'}},
        {"mqtt": {"port": 8883, "tls": {"enabled": True, "ca_file": "/etc/x"}}, "camera": {"fps": 7.5}},
        {"alerts": {"rules": [{"id": "a", "between": ["22:00", "06:00"]}, {"id": "b", "people": []}]}},
        {"events": {"gates": {"min_face_px": 40}}},
        {"camera": {"source": "picamera", "hflip": True, "crop": [0.25, 0, 0.5, 1]}},
        {"a b": {"c.d": 1}},
    ],
)
def test_settings_survive_a_round_trip_through_toml(settings: dict[str, Any]) -> None:
    """Python's TOML parser reads back the values of the inventory."""
    assert tomllib.loads(to_toml(settings)) == settings


def test_the_hash_has_the_format_of_mosquitto() -> None:
    """It is `$7$`, rounds, a 12-byte salt and a 64-byte digest; it depends on password, account and key only."""
    first = mosquitto_hash("secret", "key", "app.one")
    kind, rounds, salt, digest = first.split("$")[1:]
    assert (kind, rounds, len(salt), len(digest)) == ("7", "101", 16, 88)
    assert first == mosquitto_hash("secret", "key", "app.one")
    assert len({first, mosquitto_hash("secret", "key", "app.two"), mosquitto_hash("secret", "yek", "app.one")}) == 3
