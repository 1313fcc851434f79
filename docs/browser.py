"""Headless Chromium, driven by its DevTools -> pictures of pages."""

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

_START_S, _ANSWER_S, _PAGE_S = 30.0, 30.0, 60.0
_ARGUMENTS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-port=0")
# Components of a page keep their text in shadow roots, which no selector enters.
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
    """One window of Chromium, ended by its process id when the context ends.

    Args:
        zone: where its user is, by their clocks.
    """

    def __init__(self, zone: str = "UTC") -> None:
        self._zone = zone
        self._folder = tempfile.TemporaryDirectory(prefix="facenode-browser-", ignore_cleanup_errors=True)
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._line: ClientConnection | None = None

    def __enter__(self) -> Self:
        program = shutil.which("chromium") or "/usr/bin/chromium"
        folder = Path(self._folder.name)
        self._process = subprocess.Popen(  # noqa: S603 - a program of this machine with arguments of this file
            # It must not slow down what it shows.
            ("/usr/bin/nice", "-n", "19", program, *_ARGUMENTS, f"--user-data-dir={folder}", "about:blank"),
            env=os.environ | {"TZ": self._zone},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        ports = folder / "DevToolsActivePort"
        self._until(lambda: ports.exists() and len(ports.read_text().splitlines()) > 1, _START_S, "no DevTools")
        address = f"http://127.0.0.1:{ports.read_text().splitlines()[0]}/json/list"
        with urllib.request.urlopen(address, timeout=_ANSWER_S) as answer:
            pages = json.loads(answer.read())
        url = next(each["webSocketDebuggerUrl"] for each in pages if each["type"] == "page")
        self._line = connect(url, max_size=None)
        self._ask("Page.enable")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._line is not None:
            self._line.close()
        if self._process is not None:
            self._process.terminate()
            self._process.wait(_START_S)
        self._folder.cleanup()

    def resize(self, width: int, height: int) -> None:
        """Give the page another size, pixels, and let it come to rest."""
        self._ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.rest(1)

    def open(self, url: str, *texts: str) -> None:
        """Go to a page and wait until it shows all these texts.

        Raises:
            TimeoutError: it does not.
        """
        self._ask("Page.navigate", url=url)
        self.wait(*texts)

    def wait(self, *texts: str) -> None:
        """Wait until the page shows all these texts, and for its pictures and movements to come to rest.

        Raises:
            TimeoutError: it does not.
        """
        self._until(
            lambda: all(text in (self.run(_TEXTS) or "") for text in texts), _PAGE_S, f"the page lacks one of {texts}"
        )
        self.rest()

    def rest(self, for_s: float = 2.0) -> None:
        """Let the page come to rest."""
        threading.Event().wait(for_s)

    def run(self, script: str) -> Any:  # noqa: ANN401 - whatever it gives
        """Run a script in the page and return its value."""
        return self._ask("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")

    def picture(self) -> bytes:
        """Return the page as it is, PNG."""
        return base64.b64decode(self._ask("Page.captureScreenshot", format="png")["data"])

    def _ask(self, method: str, **parameters: object) -> Any:  # noqa: ANN401 - whatever the answer holds
        if self._line is None:
            raise RuntimeError("the browser is not open")
        number = next(self._numbers)
        self._line.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            heard = json.loads(self._line.recv(_ANSWER_S))
            if heard.get("id") == number:
                if "error" in heard:
                    raise RuntimeError(f"{method}: {heard['error']}")
                return heard["result"]

    def _until(self, condition: Callable[[], bool], patience_s: float, otherwise: str) -> None:
        until_s = time.monotonic() + patience_s
        while not condition():
            if time.monotonic() > until_s:
                raise TimeoutError(otherwise)
            self.rest(0.2)
