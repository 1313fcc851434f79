"""A host on which somebody else put the program refuses the Debian package, and Ansible refuses a host that has it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from controller import Controller
from debian_packages import KINDS, build_package, new_wheel
from package_host import PackageHost, package_host

pytestmark = pytest.mark.timeout(7200)
_DEBIAN = 13


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the package for Debian 13."""
    wheel = new_wheel(tmp_path_factory.mktemp("wheel"))
    return build_package(wheel, KINDS[_DEBIAN], tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="module")
def machine(package: Path) -> Iterator[PackageHost]:
    """Return a booted Debian 13 with the package."""
    with package_host(_DEBIAN, package) as machine:
        yield machine


@pytest.mark.parametrize(
    ("owner", "made", "sentence"),
    [
        (
            "Ansible",
            "mkdir -p /opt/facenode/releases/1.0.0/bin && ln -s releases/1.0.0 /opt/facenode/current",
            "facenode: Ansible manages this host: update it with rollout.yml, or retire it with retire.yml before",
        ),
        (
            "a hand",
            "python3 -m venv /opt/facenode/current",
            "facenode: /opt/facenode/current was installed by hand: run",
        ),
        ("a unit", "touch /etc/systemd/system/facenode.service", "facenode: /etc/systemd/system/facenode.service was"),
        ("a link", "touch /usr/local/bin/facenode", "facenode: /usr/local/bin/facenode was installed by hand: run"),
    ],
)
def test_a_host_of_another_owner_refuses_the_package(
    machine: PackageHost, package: Path, owner: str, made: str, sentence: str
) -> None:
    """One sentence says what to do, and nothing changes: no file, no user."""
    machine.type(made)
    before = machine.files()
    try:
        printed = machine.refusal(package)
        assert [line for line in printed.splitlines() if line.startswith("facenode: ")] == [
            line for line in printed.splitlines() if line.startswith(sentence)
        ], f"{owner}: {printed}"
        assert sentence in printed
        assert [line for line in machine.files() ^ before if "/var/lib/dpkg/" not in line] == []
    finally:
        machine.type("rm -rf /opt/facenode /usr/local/bin/facenode /etc/systemd/system/facenode.service")


def test_the_command_of_the_sentence_makes_way_for_the_package(machine: PackageHost, package: Path) -> None:
    """Whoever runs what the sentence says can install the package."""
    machine.type("python3 -m venv /opt/facenode/current && touch /usr/local/bin/facenode")
    (command,) = re.findall(r"run '(.+?)', which keeps", machine.refusal(package))
    machine.hosts.try_ssh(machine.host, command.replace("sudo ", ""))
    machine.install(package)
    machine.apt("purge")


def test_ansible_refuses_a_host_that_has_the_package(
    machine: PackageHost, package: Path, tmp_path: Path, media_dir: Path
) -> None:
    """site.yml says in one sentence how to remove it, and changes nothing."""
    machine.install(package)
    controller = Controller(machine.hosts, tmp_path / "controller", media_dir / "carphone.mp4")
    before = machine.files()
    refused = controller.run_playbook("site", code=2)
    assert "node-1 has the Debian package facenode, and both would own /opt/facenode" in refused.out
    assert machine.files() == before
    machine.apt("remove")
    controller.run_playbook("site", "--tags", "preflight", "--check")
    machine.apt("purge")


def test_a_purge_leaves_what_another_owner_has_since_installed(machine: PackageHost, package: Path) -> None:
    """Files of a removed package are erased, but not those of whoever has the host now."""
    machine.install(package)
    machine.apt("remove")
    machine.type("mkdir -p /opt/facenode/releases/1.0.0 /etc/facenode && touch /etc/facenode/facenode.toml")
    machine.apt("purge")
    assert machine.type("ls -d /opt/facenode/releases/1.0.0 /etc/facenode/facenode.toml /var/lib/facenode")
    assert "facenode" in machine.type("id facenode")
