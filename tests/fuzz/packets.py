"""A broker that sends any bytes -> a connection, or one error that says why not; nothing hangs or leaks.

python -m tests.fuzz.packets --seconds 60
"""

import contextlib
import queue
import socket
import threading
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

from node.contract.message import Message
from node.errors import BrokerError
from node.mqtt.connect import connect
from node.mqtt.link import Client, Lost, Report, Timeouts
from node.settings import MqttSettings
from tests.fuzz.driver import Target, main
from tests.fuzz.mutation import Bytes

_LOST_S, _GONE_S = 10.0, 10.0
_TIMEOUTS = Timeouts(connect_s=2.0, answer_s=2.0)
_PROTOCOLS = ("auto", "5", "3.1.1")
_CONNACK_5 = bytes((0x20, 0x06, 0, 0, 3, 0x21, 0, 8))
_CONNACK_3 = bytes((0x20, 0x02, 0, 0))
_TOPIC = b"facenode/pi-1/request/check"
_PUBLISH = bytes((0x32, len(_TOPIC) + 14, 0, len(_TOPIC))) + _TOPIC + b"\0\1" + b'{"t":12345}'
_PROPERTIES = b"\2\0\0\0\5" + b"\x26\0\x08expire_s\0\x0260"
_EXPIRING = (
    bytes((0x32, 2 + len(_TOPIC) + 2 + 1 + len(_PROPERTIES) + 2, 0, len(_TOPIC)))
    + _TOPIC + b"\0\2" + bytes((len(_PROPERTIES),)) + _PROPERTIES + b"{}"
)  # fmt: skip
_SEEDS = (
    _CONNACK_5 + b"\x90\4\0\1\0\1" + _PUBLISH + b"\xd0\0" + b"\x40\2\0\1",
    _CONNACK_5 + _EXPIRING,
    _CONNACK_3 + b"\x90\3\0\1\1" + _PUBLISH + b"\xd0\0" + b"\x40\2\0\1",
    b"\x20\3\0\x87\0",
    _CONNACK_5 + b"\xe0\2\x8b\0",
)
_WORDS = (b"\xff\xff\xff\x7f", b"\x80\x80\x80\x80", b"\x26\0\1a\0\1b", b"\x1f\0\3why", b"\x27\0\0\4\0")


class ByteBroker:
    """A listener on loopback that reads a client's first bytes, answers with any bytes, and closes.

    Attributes:
        port: the port it listens on.
        answer: the bytes that the next connections get.
    """

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.answer = b""
        threading.Thread(target=self._serve, name="byte-broker", daemon=True).start()

    def _serve(self) -> None:
        while True:
            opened, _ = self._listener.accept()
            with opened, contextlib.suppress(OSError):
                opened.settimeout(_LOST_S)
                opened.recv(4096)
                opened.sendall(self.answer)
                opened.shutdown(socket.SHUT_WR)
                while opened.recv(4096):
                    pass


def build(folder: Path) -> Sequence[Target]:
    """Return the target."""
    del folder
    broker = ByteBroker()
    protocols = cycle(_PROTOCOLS)
    former = set(threading.enumerate())

    def check(content: bytes) -> str:
        broker.answer = content
        settings = MqttSettings.model_validate(
            {"host": "127.0.0.1", "port": broker.port, "protocol": next(protocols), "keepalive_s": 5}
        )
        inbox: queue.SimpleQueue[Report] = queue.SimpleQueue()
        try:
            link = connect(settings, Client("facenode-fuzz"), inbox.put, _TIMEOUTS)
        except BrokerError as error:
            outcome = "refused"
            sentence = str(error)
        else:
            link.subscribe("facenode/pi-1/request/#")
            link.publish(Message("facenode/pi-1/status", b"online", retain=True))
            while not isinstance(report := inbox.get(timeout=_LOST_S), Lost):
                pass
            link.close()
            outcome, sentence = "accepted and lost", report.sentence
        assert sentence.startswith(f"127.0.0.1:{broker.port}: ")
        assert sentence.isprintable()
        for thread in set(threading.enumerate()) - former:
            thread.join(_GONE_S)
            assert not thread.is_alive()
        return outcome

    return (Target("packets", Bytes(_SEEDS, _WORDS), check),)


if __name__ == "__main__":
    raise SystemExit(main(build))
