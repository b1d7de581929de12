"""Where the browser is, and how to get one."""

import os
import shutil
import sys
from pathlib import Path
from typing import Final

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ON_MACOS: Final = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)

INSTALL_CHROMIUM: Final = (
    "install it with `brew install --cask chromium`"
    if sys.platform == "darwin"
    else "install it with `apt-get install chromium` (as root)"
)


def find_chromium() -> str | None:
    """Return the path of a Chromium: CHROMIUM, else one on PATH, else one of macOS's places."""
    given = os.environ.get("CHROMIUM")
    if given:
        return given
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    return found or next((path for path in _ON_MACOS if Path(path).exists()), None)
