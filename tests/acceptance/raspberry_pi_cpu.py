"""A folder -> Linux's description of a Raspberry Pi's processor, for a program that runs in qemu.

XNNPACK reads the processor's features from Linux and switches itself off if it finds none: the network then runs on
other kernels, which are several times slower and round differently. qemu's user emulation shows a program the files of
the host, which describe another processor.
"""

from dataclasses import dataclass
from pathlib import Path

_CORES = 4
_CPUINFO_CORE = """processor\t: {number}
BogoMIPS\t: 108.00
Features\t: {features}
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: {variant}
CPU part\t: {part}
CPU revision\t: {revision}

"""


@dataclass(frozen=True, slots=True)
class RaspberryPi:
    """A model and its processor.

    Attributes:
        core: qemu's name of the core; its default core has instructions that no Pi has.
        features: Linux's names of the core's instructions.
        part: Arm's number for the core.
        variant: of the core.
        revision: of the core.
        model: the last lines of `/proc/cpuinfo`.
    """

    core: str
    features: str
    part: str
    variant: str
    revision: int
    model: str


PI_4 = RaspberryPi(
    "cortex-a72",
    "fp asimd evtstrm crc32 cpuid",
    "0xd08",
    "0x0",
    3,
    "Revision\t: c03114\nModel\t\t: Raspberry Pi 4 Model B Rev 1.4\n",
)
PI_5 = RaspberryPi(
    "cortex-a76",
    "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp",
    "0xd0b",
    "0x4",
    1,
    "Revision\t: c04170\nModel\t\t: Raspberry Pi 5 Model B Rev 1.0\n",
)


def write_cpu_files(folder: Path, pi: RaspberryPi) -> Path:
    """Write `cpuinfo`, to mount at `/proc/cpuinfo`, and `sys`, to mount at `/sys`; return the folder."""
    cores = folder / "sys" / "devices" / "system" / "cpu"
    cores.mkdir(parents=True)
    for name in ("possible", "present", "online"):
        (cores / name).write_text(f"0-{_CORES - 1}\n")
    folder.joinpath("cpuinfo").write_text(
        "".join(
            _CPUINFO_CORE.format(
                number=number, features=pi.features, variant=pi.variant, part=pi.part, revision=pi.revision
            )
            for number in range(_CORES)
        )
        + pi.model
    )
    return folder
