"""What a figure was measured on."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Final

_LIBRARIES: Final = (
    "rq",
    "redis",
    "SQLAlchemy",
    "psycopg",
    "Flask",
    "granian",
    "sendgrid",
    "twilio",
    "orjson",
)


def machine() -> str:
    """Say in a line what this machine is."""
    return (
        f"{os.cpu_count()} cores of {_processor()}, {_gigabytes():.0f} GB, {_system()},"
        f" Python {platform.python_version()}"
    )


def libraries() -> str:
    """Name the versions that figures hang on."""
    return ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)


def load() -> float:
    """Return how many processes wanted a core in the last minute."""
    return os.getloadavg()[0]


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    if platform.system() == "Darwin":
        command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
    return platform.processor() or platform.machine()


def _gigabytes() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _system() -> str:
    if platform.system() != "Linux":
        return f"{platform.system()} {platform.release()}"
    found = platform.freedesktop_os_release()
    return found.get("PRETTY_NAME", "Linux")
