"""The sections `mqtt`, `mqtt.tls` and `homeassistant`: the broker, and who finds the node there."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from node.settings.endpoints import endpoints
from node.settings.section import ConflictError, FilePath, Section

_USUAL_PORT = 1883


class TlsSettings(Section):
    """Encryption between node and broker."""

    enabled: bool = False
    """Use TLS."""
    ca_file: FilePath | None = None
    """Certificates of the authorities that may sign the broker's certificate; by default the system's."""
    cert_file: FilePath | None = None
    """This node's certificate."""
    key_file: FilePath | None = None
    """This node's private key."""

    @model_validator(mode="after")
    def _certificate_has_its_key(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            alone = "key_file" if self.cert_file is None else "cert_file"
            raise ConflictError("cert_file and key_file go together: set both or neither", alone)
        given = [name for name in ("ca_file", "cert_file") if getattr(self, name)]
        if given and not self.enabled:
            raise ConflictError("a certificate is set but TLS is off: set enabled = true", "enabled", *given)
        return self


class MqttSettings(Section):
    """The broker."""

    host: Annotated[str, Field(min_length=1, max_length=1024)] = "localhost"
    """Name or address of the broker; several are tried in order: `a.example, b.example:8883, [2001:db8::1]:8883`."""
    port: Annotated[int, Field(ge=1, le=65535)] = _USUAL_PORT
    """Port of the broker, or of each broker in `host` without a port of its own; 8883 is usual with TLS."""
    protocol: Literal["auto", "5", "3.1.1"] = "auto"
    """MQTT version: `auto` uses 5 and falls back to 3.1.1 where a broker refuses 5."""
    username: Annotated[str, Field(max_length=256)] = ""
    """Name to log in with; by default the node logs in without one."""
    password_file: FilePath | None = None
    """File that contains the password; it is read at every connection attempt."""
    tls: TlsSettings = TlsSettings()
    """Encryption between node and broker."""
    keepalive_s: Annotated[int, Field(ge=5, le=600)] = 10
    """Seconds of silence after which the node pings the broker."""
    live_s: Annotated[float, Field(ge=1, le=3600)] = 30.0
    """Seconds that an event may wait and still count as live; after that it is published under `late/`."""

    expire_s: Annotated[int, Field(ge=60, le=366 * 24 * 3600)] = 30 * 24 * 3600
    """Seconds after which a broker of MQTT 5 drops an event, an alert or a snapshot that nobody has fetched."""

    @field_validator("host")
    @classmethod
    def _hosts_can_be_read(cls, host: str) -> str:
        endpoints(host, _USUAL_PORT)
        return host

    @model_validator(mode="after")
    def _password_has_its_name(self) -> Self:
        if self.password_file and not self.username:
            raise ConflictError("password_file is set but username is not", "password_file", "username")
        return self

    @property
    def each(self) -> "tuple[MqttSettings, ...]":
        """The same settings for each broker alone, in the order in which the brokers are tried."""
        return tuple(
            self.model_copy(update={"host": host, "port": port}) for host, port in endpoints(self.host, self.port)
        )


class HomeAssistantSettings(Section):
    """Home Assistant."""

    enabled: bool = True
    """Announce the node to Home Assistant by MQTT discovery."""
    prefix: Annotated[str, Field(pattern=r"^[^/+#\s]+(/[^/+#\s]+)*$", max_length=64)] = "homeassistant"
    """Prefix of Home Assistant's discovery topics."""
