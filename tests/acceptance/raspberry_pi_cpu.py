"""A folder -> Linux's description of a Raspberry Pi 4's processor, for a program that runs in qemu.

XNNPACK reads the processor's features from Linux and switches itself off if it finds none: the network then runs on
other kernels, which are several times slower and round differently. qemu's user emulation shows a program the files of
the host, which describe another processor.
"""

from pathlib import Path

CORE = "cortex-a72"
"""Qemu's name of the core; its default core has instructions that no Pi has."""
_CORES = 4
_CPUINFO_CORE = """processor\t: {number}
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd08
CPU revision\t: 3

"""
"""Arm's number for the core is 0xd08; a Pi 4 has its third revision."""
_MODEL = "Revision\t: c03114\nModel\t\t: Raspberry Pi 4 Model B Rev 1.4\n"


def write_cpu_files(folder: Path) -> Path:
    """Write `cpuinfo`, to mount at `/proc/cpuinfo`, and `sys`, to mount at `/sys`; return the folder."""
    cores = folder / "sys" / "devices" / "system" / "cpu"
    cores.mkdir(parents=True)
    for name in ("possible", "present", "online"):
        (cores / name).write_text(f"0-{_CORES - 1}\n")
    folder.joinpath("cpuinfo").write_text(
        "".join(_CPUINFO_CORE.format(number=number) for number in range(_CORES)) + _MODEL
    )
    return folder
