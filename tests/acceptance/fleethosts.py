"""Bare roots -> booted Debian hosts with systemd and ssh, and the files by which ssh and Ansible reach them."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from fleetroot import host_root
from mosquitto_broker import eventually, free_port
from process import run

_BOOT_S, _END_S = 60.0, 30.0
# The host's own cgroup tree and bpf, else DeviceAllow= is accepted and has no effect; adjtimex, else no host can tell
# whether its clock is synchronised.
_NSPAWN = (
    "--register=no --keep-unit --resolv-conf=copy-host --console=pipe "
    "--system-call-filter=bpf --capability=CAP_BPF,CAP_PERFMON "
    "--system-call-filter=adjtimex --system-call-filter=clock_adjtime"
)
# The overlay is mounted in a namespace that ends with the host. A reboot is asked for by ending with 133.
_BOOT = f"""
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
while :; do
    rc=0
    systemd-nspawn --boot --directory "$2/root" --machine="$3" {_NSPAWN} || rc=$?
    [ $rc = 133 ] || exit $rc
done
"""


class Host:
    """One Debian host, booted by systemd-nspawn on this machine's own loopback.

    Its disk is a layer over the bare root, and stays when it is powered off.

    Attributes:
        name: its name, also that of Ansible and ssh.
        port: where its sshd listens on 127.0.0.1.
    """

    def __init__(self, name: str, debian: int, folder: Path, authorized: Path) -> None:
        self.name, self.port, self.debian = name, free_port(), debian
        self._root, self._folder = host_root(debian), folder / name
        self._process: subprocess.Popen[bytes] | None = None
        for part in ("upper", "work", "root"):
            (self._folder / part).mkdir(parents=True)
        self._prepare(self._folder / "upper", authorized)

    @property
    def disk(self) -> Path:
        """Where files may be laid for it before it boots."""
        return self._folder / "upper"

    @property
    def key(self) -> str:
        """The public key of its sshd, type and key."""
        text = (self.disk / "etc/ssh/ssh_host_ed25519_key.pub").read_text()
        return " ".join(text.split()[:2])

    @property
    def running(self) -> bool:
        """Whether it is powered on."""
        return self._process is not None and self._process.poll() is None

    def boot(self) -> None:
        """Power it on; one that is on is left alone."""
        if self.running:
            return
        command = (
            "setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
            "bash", "-euc", _BOOT, "host", str(self._root), str(self._folder), self.name,
        )  # fmt: skip
        environ = os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1", "LC_ALL": "C.UTF-8"}
        with (self._folder / "console.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environ)

    def cut(self) -> None:
        """Take its power away."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def wait_off(self) -> None:
        """Wait until it has powered itself off; by force where it does not."""
        if self._process is None:
            return
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def console(self) -> str:
        """Return what its console said."""
        return (self._folder / "console.log").read_text(errors="replace")

    def _prepare(self, disk: Path, authorized: Path) -> None:
        """Make this host itself: name, machine id, sshd's port and keys, who may log in."""
        for folder in ("etc/ssh/sshd_config.d", "root/.ssh"):
            (disk / folder).mkdir(parents=True)
        for folder, mode in (("etc", 0o755), ("root", 0o700), ("root/.ssh", 0o700)):
            (disk / folder).chmod(mode)
        (disk / "etc/hostname").write_text(f"{self.name}\n")
        (disk / "etc/hosts").write_text(f"127.0.0.1 localhost {self.name}\n")
        (disk / "etc/machine-id").write_text(f"{os.urandom(16).hex()}\n")
        (disk / "etc/ssh/sshd_config.d/fleet.conf").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nPermitRootLogin prohibit-password\n"
        )
        shutil.copy(authorized, disk / "root/.ssh/authorized_keys")
        (disk / "root/.ssh/authorized_keys").chmod(0o600)
        run("ssh-keygen", "-q", "-A", "-f", disk)


class Hosts:
    """Some hosts, and how to reach them; all end, and their disks go, when the context ends.

    Args:
        debians: 12 or 13 for each host; they are called node-1, node-2, ...
        folder: for their disks: not in a file system that is an overlay itself.
    """

    def __init__(self, debians: Sequence[int], folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._id = folder / "id"
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "fleet", "-f", self._id)
        authorized = self._id.with_suffix(".pub")
        self.all = [Host(f"node-{number}", debian, folder, authorized) for number, debian in enumerate(debians, 1)]
        self.ssh_config = folder / "ssh_config"
        self._write_ssh_config()

    def __enter__(self) -> Self:
        try:
            self.boot(*self.all)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def __getitem__(self, name: str) -> Host:
        return next(host for host in self.all if host.name == name)

    def boot(self, *hosts: Host) -> None:
        """Power hosts on and wait until each has started."""
        for host in hosts:
            host.boot()
        for host in hosts:
            if not eventually(lambda host=host: self.started(host) or not host.running, _BOOT_S):  # type: ignore[misc]
                pytest.fail(f"{host.name} does not start:\n{host.console()[-3000:]}")
            if not host.running:
                pytest.fail(f"{host.name} has ended:\n{host.console()[-3000:]}")

    def started(self, host: Host) -> bool:
        """Return whether a host has started all that it starts by itself."""
        return self.try_ssh(host, "systemctl is-system-running").stdout.strip() in {"running", "degraded"}

    def ssh(self, host: Host, command: str, timeout_s: float = 120) -> str:
        """Run a shell command on a host and return what it printed; fail where it fails."""
        done = self.try_ssh(host, command, timeout_s)
        assert done.returncode == 0, f"{host.name}: {command}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def try_ssh(self, host: Host, command: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a shell command on a host, whatever becomes of it."""
        return subprocess.run(
            ["ssh", "-F", str(self.ssh_config), host.name, command],
            capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=timeout_s,
        )  # fmt: skip

    def power_off(self, *hosts: Host) -> None:
        """Power hosts off and wait for it; their disks stay."""
        for host in hosts:
            self.try_ssh(host, "systemctl poweroff")
        for host in hosts:
            host.wait_off()

    def inventory(self) -> dict[str, dict[str, object]]:
        """Return the variables by which Ansible reaches each host."""
        return {
            host.name: {
                "ansible_host": "127.0.0.1",
                "ansible_port": host.port,
                "ansible_user": "root",
                "ansible_ssh_private_key_file": str(self._id),
                "ansible_ssh_common_args": f"-F {self.ssh_config}",
            }
            for host in self.all
        }

    def _write_ssh_config(self) -> None:
        known = self._folder / "known_hosts"
        known.write_text("".join(f"[127.0.0.1]:{host.port} {host.key}\n" for host in self.all))
        common = {
            "HostName": "127.0.0.1",
            "User": "root",
            "IdentityFile": self._id,
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": known,
            "GlobalKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "yes",
            "LogLevel": "ERROR",
            "ConnectTimeout": "3",
        }
        lines = [f"Host {host.name}\n  Port {host.port}\n" for host in self.all]
        lines.append("Host node-* 127.0.0.1\n" + "".join(f"  {key} {value}\n" for key, value in common.items()))
        self.ssh_config.write_text("".join(lines))

    def _end(self) -> None:
        self.power_off(*(host for host in self.all if host.running))
        shutil.rmtree(self._folder, ignore_errors=True)


def yaml(value: object) -> str:
    """Return a value as JSON, which is YAML."""
    return json.dumps(value, indent=2)
