"""The page of the first run as its own process, with a path unit and a service of the test's own."""

import json
import os
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from facenode_command import ROOT, environment
from fake_setup_world import FakeBrokers, FakeCameras, FakeMachine
from mosquitto_broker import eventually, free_port, listens

from node.commands.setup.first_page import carry_out
from node.settings.loader import load
from node.setup.code import CodeState
from node.setup.first_run import World
from node.setup.one_shot import ANSWERS, CODE, INBOX
from node.setup.settings_files import Owner, SettingsFiles
from node.setup.systemd_service import SystemdService
from node.system.files import write_privately

CODE_TYPED = "abcd-efgh-jkmn"


@dataclass(frozen=True)
class FirstRunPage:
    """A page of the first run that is served.

    Attributes:
        port: at which it listens, over HTTPS.
        config: the settings file that root would write.
        folder: where answers are handed over.
        process: of the page.
    """

    port: int
    config: Path
    folder: Path
    process: subprocess.Popen[str]

    @property
    def context(self) -> ssl.SSLContext:
        """For HTTPS with a certificate that no authority knows."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context


@contextmanager
def first_run_page(
    folder: Path, broker_port: int, *pictures: Path, age_s: float = 0.0, camera: Path | None = None
) -> Iterator[FirstRunPage]:
    """Serve the page for as long as the context lasts.

    Args:
        folder: for everything.
        broker_port: of the broker that is found on 127.0.0.1; 0 for none.
        pictures: what each webcam shows.
        age_s: how old the code is.
        camera: what the node is given for its webcam.
    """
    port, config, run = free_port(), folder / "etc" / "facenode.toml", folder / "run"
    storage = folder / "state"
    for each in (run, run / INBOX, storage):
        each.mkdir(parents=True, mode=0o700)
    state = CodeState.of(CODE_TYPED, time.monotonic() - age_s)
    write_privately(run / CODE, json.dumps(state.fields()).encode())
    helper = [sys.executable, str(Path(__file__).with_name("first_run_helper.py")), str(config.parent)]
    options = {
        "port": port, "storage": str(storage), "folder": str(run), "code": state.fields(),
        "helper": [*helper, str(broker_port), *map(str, pictures)],
    }  # fmt: skip
    path = os.pathsep.join(map(str, (ROOT, ROOT / "tests" / "unit", ROOT / "tests" / "integration")))
    process = subprocess.Popen(
        [sys.executable, "-m", "node.page.first_run.composition"],
        env=environment({}) | {"PYTHONPATH": path}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    unit = PathUnit(run, config, storage, camera)
    thread = threading.Thread(target=unit.watch)
    try:
        assert process.stdin is not None
        process.stdin.write(json.dumps(options) + "\n")
        process.stdin.flush()
        assert eventually(lambda: listens("127.0.0.1", port) or process.poll() is not None, 90)
        assert process.poll() is None
        thread.start()
        yield FirstRunPage(port, config, run, process)
    finally:
        unit.done.set()
        if thread.is_alive():
            thread.join(120)
        for started in unit.started:
            started.kill()
            started.wait()
        process.kill()
        process.communicate()


@dataclass
class PathUnit:
    """What the path unit and the one-shot do, with a real node in place of the service.

    Attributes:
        run_folder: of the first run.
        config: the settings file.
        storage: `storage.dir` of the node.
        camera: what the node is given for its webcam; None: as the settings have it.
        started: every node.
        done: ends it.
    """

    run_folder: Path
    config: Path
    storage: Path
    camera: Path | None
    started: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        """Carry out answers as they come."""
        files = SettingsFiles(self.config, Owner(), lambda path: load(path, environ={}), str(self.storage))
        service = SystemdService(lambda: self.storage, managed=True, run=self._command, booted=self.run_folder)
        world = World(FakeCameras(), FakeBrokers(), FakeMachine(), service, files)
        while not self.done.wait(0.05):
            if (self.run_folder / INBOX / ANSWERS).exists():
                with suppress(OSError):
                    carry_out(self.run_folder, world)

    def _command(self, arguments: Sequence[str]) -> tuple[int, str]:
        if arguments[1] == "restart":
            camera = ["--set", f"camera.source=images:{self.camera}"] if self.camera else []
            program = [sys.executable, "-m", "node.cli", "run", "--config", str(self.config), *camera]
            more = ["--set", f"storage.dir={self.storage}"]
            self.started.append(subprocess.Popen([*program, *more], env=environment({}), stderr=subprocess.DEVNULL))
        return 0, ""
