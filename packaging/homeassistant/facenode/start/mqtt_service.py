"""The Supervisor's service API -> the broker of Home Assistant, and the login that this app has there."""

import json
import logging
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from start.errors import AppError

URL = "http://supervisor/services/mqtt"
_WAIT_S, _MAX_BYTES = 10.0, 64 * 1024
_REFUSED = (401, 403)
_MAX_PORT = 65535

_log = logging.getLogger(__name__)


class UnavailableError(Exception):
    """There is no broker now; there may be one later."""


@dataclass(frozen=True, slots=True)
class MqttService:
    """A broker.

    Attributes:
        host: its name in the network of the apps.
        port: its port.
        tls: whether it wants TLS.
        username: of the login; empty for none.
        password: of the login, which is never shown.
    """

    host: str
    port: int
    tls: bool
    username: str
    password: str

    def __repr__(self) -> str:
        """Return what may stand in a log."""
        return f"MqttService({self.host}:{self.port}, tls={self.tls})"


class ServiceApi:
    """Ask the Supervisor for the broker.

    Args:
        token: of the app, from SUPERVISOR_TOKEN.
        url: of the service.
    """

    def __init__(self, token: str, url: str = URL) -> None:
        self._token, self._url = token, url

    def ask(self) -> MqttService:
        """Return the broker as it is now.

        Raises:
            UnavailableError: no answer, or no broker runs.
            AppError: the Supervisor refuses the app.
        """
        request = urllib.request.Request(  # noqa: S310 - the Supervisor's address
            self._url, headers={"Authorization": f"Bearer {self._token}"}
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=_WAIT_S) as answer:
                return _service(_content(answer))
        except urllib.error.HTTPError as error:
            with error:
                if error.code in _REFUSED:
                    raise AppError(
                        f"the Supervisor refuses this app ({error.code}): restart the app, and install it again if "
                        "that does not help"
                    ) from error
                raise UnavailableError(f"{error.code}: {_reason(error)}") from error
        except OSError as error:
            raise UnavailableError(str(getattr(error, "reason", None) or error)) from error
        except (ValueError, KeyError, TypeError) as error:
            raise UnavailableError(f"the Supervisor's answer makes no sense: {error}") from error


def _service(content: bytes) -> MqttService:
    """Return the broker of an answer.

    Raises:
        ValueError, KeyError, TypeError: the answer has another form.
    """
    data = json.loads(content)["data"]
    host, port = str(data["host"]), int(data["port"])
    if not host or not 0 < port <= _MAX_PORT:
        raise ValueError(f"host {host!r}, port {port}")
    return MqttService(
        host, port, bool(data.get("ssl", False)), str(data.get("username") or ""), str(data.get("password") or "")
    )


def _content(answer: Any) -> bytes:  # noqa: ANN401 - urlopen's own type
    content: bytes = answer.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise ValueError(f"more than {_MAX_BYTES} bytes")
    return content


def _reason(error: urllib.error.HTTPError) -> str:
    """Return what the Supervisor says about an error."""
    try:
        return str(json.loads(_content(error))["message"])[:200]
    except (OSError, ValueError, KeyError, TypeError):
        return str(error.reason)
