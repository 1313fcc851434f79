"""Ansible's values as settings files and password hashes."""

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
def test_what_is_written_is_read_back(settings: dict[str, Any]) -> None:
    """TOML's own reader gives back what the inventory said."""
    assert tomllib.loads(to_toml(settings)) == settings


def test_the_hash_is_the_one_that_mosquitto_knows() -> None:
    """`$7$`, rounds, salt of 12 bytes and digest of 64; the same for the same, another for another account or key."""
    first = mosquitto_hash("secret", "key", "app.one")
    kind, rounds, salt, digest = first.split("$")[1:]
    assert (kind, rounds, len(salt), len(digest)) == ("7", "101", 16, 88)
    assert first == mosquitto_hash("secret", "key", "app.one")
    assert len({first, mosquitto_hash("secret", "key", "app.two"), mosquitto_hash("secret", "yek", "app.one")}) == 3
