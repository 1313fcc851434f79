"""Files of the kernel -> temperature, throttling, memory, boot and board of this machine; None where one is missing."""

import os
import time
from pathlib import Path

from node.clock import Boot

_MAX_HARDWARE, _MAX_HARDWARE_BYTES = 64, 1024


class Machine:
    """Reads the sensors and the boot of this machine.

    Args:
        root: folder of `/proc` and `/sys`.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._temperature = root / "sys/class/thermal/thermal_zone0/temp"
        # On a Raspberry Pi this file holds what `vcgencmd get_throttled` prints.
        self._throttled = root / "sys/devices/platform/soc/soc:firmware/get_throttled"
        self._memory = root / "proc/self/statm"
        # On a Raspberry Pi and its like from the device tree, on a PC from its firmware.
        self._hardware = (root / "sys/firmware/devicetree/base/model", root / "sys/class/dmi/id/product_name")
        self._boot_id = root / "proc/sys/kernel/random/boot_id"

    def cpu_c(self) -> float | None:
        """Return the temperature of the processor, degrees Celsius."""
        value = _number(self._temperature, 10)
        return None if value is None else value / 1000

    def throttled(self) -> bool | None:
        """Return whether the board is throttled now, because of low voltage, heat or a capped frequency.

        Bits 0 to 3 describe the present, bits 16 to 19 the time since the boot (Raspberry Pi documentation, vcgencmd).
        """
        value = _number(self._throttled, 16)
        return None if value is None else bool(value & 0xF)

    def rss_mb(self) -> float | None:
        """Return the memory of this process, megabytes."""
        try:
            pages = int(self._memory.read_text(encoding="ascii").split()[1])
        except (OSError, ValueError, IndexError):
            return None
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def hardware(self) -> str | None:
        """Return the name of the board, such as `Raspberry Pi 4 Model B Rev 1.4`, at most 64 characters."""
        for path in self._hardware:
            try:
                text = path.read_bytes()[:_MAX_HARDWARE_BYTES].decode(errors="replace")
            except OSError:
                continue
            name = " ".join("".join(each if each.isprintable() else " " for each in text).split())[:_MAX_HARDWARE]
            if name:
                return name
        return None

    def boot(self) -> Boot:
        """Return the present boot."""
        try:
            boot_id = self._boot_id.read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            boot_id = ""
        return Boot(boot_id, time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic())


def _number(path: Path, base: int) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"), base)
    except (OSError, ValueError):
        return None
