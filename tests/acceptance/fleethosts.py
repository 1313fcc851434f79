"""Bare roots -> booted Debian hosts with systemd and ssh, and the configuration for ssh and Ansible to reach them."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from fleetroot import host_root
from mosquitto_broker import eventually, lasting_ports
from process import run

_BOOT_TIMEOUT_S, _POWER_OFF_TIMEOUT_S = 60.0, 30.0
# bpf makes DeviceAllow= effective, which is otherwise accepted and ignored; adjtimex lets a host read whether its clock
# is synchronized.
_NSPAWN = (
    "--register=no --keep-unit --resolv-conf=copy-host --console=pipe "
    "--system-call-filter=bpf --capability=CAP_BPF,CAP_PERFMON "
    "--system-call-filter=adjtimex --system-call-filter=clock_adjtime"
)
# The overlay is mounted in a namespace that ends with the host. systemd-nspawn exits with 133 to request a reboot.
_BOOT_SCRIPT = f"""
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
while :; do
    rc=0
    systemd-nspawn --boot --directory "$2/root" --machine="$3" {_NSPAWN} || rc=$?
    [ $rc = 133 ] || exit $rc
done
"""


class Host:
    """One Debian host, booted by systemd-nspawn and reachable on this machine's loopback.

    Its disk is an overlay layer over the bare root and is kept when the host is powered off.

    Attributes:
        name: its host name, also for Ansible and ssh.
        port: the port of its sshd on 127.0.0.1.
        debian: its Debian release, 12 or 13.
    """

    def __init__(self, name: str, debian: int, folder: Path, authorized: Path, port: int) -> None:
        self.name, self.port, self.debian = name, port, debian
        self._root, self._folder = host_root(debian), folder / name
        self._process: subprocess.Popen[bytes] | None = None
        for part in ("upper", "work", "root"):
            (self._folder / part).mkdir(parents=True)
        self._write_identity(self._folder / "upper", authorized)

    @property
    def disk(self) -> Path:
        """The folder of its disk layer, to which files can be added before it boots."""
        return self._folder / "upper"

    @property
    def host_key(self) -> str:
        """The public host key of its sshd: type and key."""
        text = (self.disk / "etc/ssh/ssh_host_ed25519_key.pub").read_text()
        return " ".join(text.split()[:2])

    @property
    def running(self) -> bool:
        """Whether it is powered on."""
        return self._process is not None and self._process.poll() is None

    def boot(self) -> None:
        """Power it on unless it is on."""
        if self.running:
            return
        command = (
            "setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
            "bash", "-euc", _BOOT_SCRIPT, "host", str(self._root), str(self._folder), self.name,
        )  # fmt: skip
        environ = os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1", "LC_ALL": "C.UTF-8"}
        with (self._folder / "console.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environ)

    def cut_power(self) -> None:
        """Cut its power, without a shutdown."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def wait_off(self) -> None:
        """Wait until it has powered off; cut its power after a timeout."""
        if self._process is None:
            return
        try:
            self._process.wait(_POWER_OFF_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def console(self) -> str:
        """Return the output of its console."""
        return (self._folder / "console.log").read_text(errors="replace")

    def _write_identity(self, disk: Path, authorized: Path) -> None:
        """Write its host name, machine id, sshd port, host keys and authorized keys."""
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
    """A group of hosts; leaving the context powers them off and removes their disks.

    Args:
        debian_releases: 12 or 13 for each host; the hosts are named node-1, node-2, ...
        folder: the folder for their disks, not on an overlay file system.

    Attributes:
        all: the hosts.
        ports: more ports for what runs on them.
        ssh_config: the configuration file for ssh.
    """

    def __init__(self, debian_releases: Sequence[int], folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._ssh_key = folder / "id"
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "fleet", "-f", self._ssh_key)
        authorized = self._ssh_key.with_suffix(".pub")
        self.ports = lasting_ports()
        self.all = [
            Host(f"node-{number}", debian, folder, authorized, next(self.ports))
            for number, debian in enumerate(debian_releases, 1)
        ]
        self.ssh_config = folder / "ssh_config"
        self._write_ssh_config()

    def __enter__(self) -> Self:
        try:
            self.boot(*self.all)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def __getitem__(self, name: str) -> Host:
        return next(host for host in self.all if host.name == name)

    def boot(self, *hosts: Host) -> None:
        """Power hosts on and wait until each has booted."""
        for host in hosts:
            host.boot()
        for host in hosts:
            if not eventually(lambda host=host: self.started(host) or not host.running, _BOOT_TIMEOUT_S):  # type: ignore[misc]
                pytest.fail(f"{host.name} does not boot:\n{host.console()[-3000:]}")
            if not host.running:
                pytest.fail(f"{host.name} has powered off:\n{host.console()[-3000:]}")

    def started(self, host: Host) -> bool:
        """Return whether a host has completed its boot."""
        return self.try_ssh(host, "systemctl is-system-running").stdout.strip() in {"running", "degraded"}

    def ssh(self, host: Host, command: str, timeout_s: float = 120) -> str:
        """Run a shell command on a host and return its output; fail the test if it fails."""
        done = self.try_ssh(host, command, timeout_s)
        assert done.returncode == 0, f"{host.name}: {command}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def try_ssh(self, host: Host, command: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a shell command on a host and return its result, even if it fails."""
        return subprocess.run(
            ["ssh", "-F", str(self.ssh_config), host.name, command],
            capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=timeout_s,
        )  # fmt: skip

    def power_off(self, *hosts: Host) -> None:
        """Shut hosts down and wait until they are off; keep their disks."""
        for host in hosts:
            self.try_ssh(host, "systemctl poweroff")
        for host in hosts:
            host.wait_off()

    def inventory(self) -> dict[str, dict[str, object]]:
        """Return the Ansible connection variables of each host."""
        return {
            host.name: {
                "ansible_host": "127.0.0.1",
                "ansible_port": host.port,
                "ansible_user": "root",
                "ansible_ssh_private_key_file": str(self._ssh_key),
                "ansible_ssh_common_args": f"-F {self.ssh_config}",
            }
            for host in self.all
        }

    def _write_ssh_config(self) -> None:
        known = self._folder / "known_hosts"
        known.write_text("".join(f"[127.0.0.1]:{host.port} {host.host_key}\n" for host in self.all))
        common = {
            "HostName": "127.0.0.1",
            "User": "root",
            "IdentityFile": self._ssh_key,
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

    def _stop(self) -> None:
        self.power_off(*(host for host in self.all if host.running))
        shutil.rmtree(self._folder, ignore_errors=True)
