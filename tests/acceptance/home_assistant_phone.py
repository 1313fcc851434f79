"""A Home Assistant -> a phone with its app: it registers, gets notifications and presses buttons as the app does.

The app is registered at Home Assistant's own interface for it. Notifications come over its WebSocket, which the app
uses in the home's network, and a pressed button is an event that the app fires through its webhook.
"""

import json
import queue
import threading
from collections.abc import Mapping
from typing import Any, Self

from home_assistant import HomeAssistant
from websockets.exceptions import ConnectionClosed

_ANSWER_S = 30.0


class Phone:
    """A phone, for as long as the context lasts.

    Args:
        home: the Home Assistant that it belongs to.
        name: of the device.

    Attributes:
        device: its id in Home Assistant's device registry.
    """

    def __init__(self, home: HomeAssistant, name: str) -> None:
        self._home = home
        registered = home.post(
            "/api/mobile_app/registrations",
            {
                "device_id": name, "app_id": "test", "app_name": "Test", "app_version": "1", "device_name": name,
                "manufacturer": "Test", "model": "Test", "os_name": "Test", "os_version": "1",
                "supports_encryption": False, "app_data": {"push_websocket_channel": True},
            },
        )  # fmt: skip
        self._webhook = str(registered["webhook_id"])
        self.device = next(
            str(each["id"])
            for each in home.command("config/device_registry/list")
            if ["mobile_app", name] in each["identifiers"]
        )
        self._notifications: queue.SimpleQueue[Mapping[str, Any]] = queue.SimpleQueue()
        self._socket = home.socket()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        self._socket.command("mobile_app/push_notification_channel", webhook_id=self._webhook)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._thread.join(_ANSWER_S)

    def notification(self, timeout_s: float) -> Mapping[str, Any]:
        """Return the next notification; fail if none comes in time."""
        return self._notifications.get(timeout=timeout_s)

    def is_quiet(self, within_s: float) -> bool:
        """Return whether no notification comes within a time."""
        try:
            self._notifications.get(timeout=within_s)
        except queue.Empty:
            return True
        return False

    def press(self, notification: Mapping[str, Any], title: str) -> None:
        """Press a button of a notification by its title."""
        (action,) = (each for each in notification["data"]["actions"] if each["title"] == title)
        fired = {"event_type": "mobile_app_notification_action", "event_data": {"action": action["action"]}}
        self._home.send_webhook(self._webhook, {"type": "fire_event", "data": fired})

    def fetch(self, path: str) -> bytes:
        """Return the picture of a notification, with the login of the phone's owner."""
        return self._home.fetch(path)

    def _listen(self) -> None:
        while True:
            try:
                message = self._socket.receive()
            except ConnectionClosed:
                return
            if message.get("type") == "event":
                self._notifications.put(json.loads(json.dumps(message["event"])))


def titles(notification: Mapping[str, Any]) -> list[str]:
    """Return the titles of a notification's buttons."""
    return [each["title"] for each in notification.get("data", {}).get("actions", ())]
