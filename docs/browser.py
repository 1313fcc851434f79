"""Headless Chromium, controlled through DevTools -> screenshots of pages."""

import base64
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from websockets.sync.client import ClientConnection, connect

_START_TIMEOUT_S, _RESPONSE_TIMEOUT_S, _PAGE_TIMEOUT_S = 30.0, 30.0, 60.0
_ARGUMENTS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-port=0")
# Web components keep their text in shadow roots, which selectors do not enter.
_TEXTS = """
(function texts(root) {
  let found = "";
  for (const each of root.querySelectorAll("*:not(script, style)")) {
    if (each.shadowRoot) found += texts(each.shadowRoot);
    for (const child of each.childNodes) if (child.nodeType === 3) found += child.textContent + " ";
  }
  return found;
})(document)
"""


class Browser:
    """One window of Chromium. The context ends its process.

    Args:
        zone: time zone of the browser.
    """

    def __init__(self, zone: str = "UTC") -> None:
        self._zone = zone
        self._folder = tempfile.TemporaryDirectory(prefix="facenode-browser-", ignore_cleanup_errors=True)
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: ClientConnection | None = None

    def __enter__(self) -> Self:
        program = shutil.which("chromium") or "/usr/bin/chromium"
        folder = Path(self._folder.name)
        self._process = subprocess.Popen(  # noqa: S603 - a program of this machine with arguments of this file
            # The browser must not slow down the programs that it shows.
            ("/usr/bin/nice", "-n", "19", program, *_ARGUMENTS, f"--user-data-dir={folder}", "about:blank"),
            env=os.environ | {"TZ": self._zone},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        ports = folder / "DevToolsActivePort"
        self._wait_until(
            lambda: ports.exists() and len(ports.read_text().splitlines()) > 1,
            _START_TIMEOUT_S,
            "Chromium did not start DevTools",
        )
        address = f"http://127.0.0.1:{ports.read_text().splitlines()[0]}/json/list"
        with urllib.request.urlopen(address, timeout=_RESPONSE_TIMEOUT_S) as response:
            pages = json.loads(response.read())
        url = next(each["webSocketDebuggerUrl"] for each in pages if each["type"] == "page")
        self._connection = connect(url, max_size=None)
        self._call("Page.enable")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.terminate()
            self._process.wait(_START_TIMEOUT_S)
        self._folder.cleanup()

    def resize(self, width: int, height: int) -> None:
        """Resize the page, pixels, and let it settle."""
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.settle(1)

    def open(self, url: str, *texts: str) -> None:
        """Open a page and wait until it shows all these texts.

        Raises:
            TimeoutError: The page does not show them in time.
        """
        self._call("Page.navigate", url=url)
        self.wait(*texts)

    def wait(self, *texts: str) -> None:
        """Wait until the page shows all these texts and has settled.

        Raises:
            TimeoutError: The page does not show them in time.
        """
        self._wait_until(
            lambda: all(text in (self.evaluate(_TEXTS) or "") for text in texts),
            _PAGE_TIMEOUT_S,
            f"the page does not show all of {texts}",
        )
        self.settle()

    def settle(self, for_s: float = 2.0) -> None:
        """Wait for the page to stop changing."""
        threading.Event().wait(for_s)

    def evaluate(self, script: str) -> Any:  # noqa: ANN401 - the value depends on the script
        """Run a script in the page and return its value."""
        return self._call("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")

    def screenshot(self) -> bytes:
        """Return a screenshot of the page, PNG."""
        return base64.b64decode(self._call("Page.captureScreenshot", format="png")["data"])

    def _call(self, method: str, **parameters: object) -> Any:  # noqa: ANN401 - the result depends on the method
        if self._connection is None:
            raise RuntimeError("the browser is not open")
        number = next(self._numbers)
        self._connection.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._connection.recv(_RESPONSE_TIMEOUT_S))
            if message.get("id") == number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]

    def _wait_until(self, condition: Callable[[], bool], timeout_s: float, error: str) -> None:
        deadline_s = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline_s:
                raise TimeoutError(error)
            self.settle(0.2)
