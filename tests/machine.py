"""Names what this machine lacks for the tests, and the line that installs it."""

import os
import sys

from tests.chromium import INSTALL_CHROMIUM, find_chromium


def main() -> int:
    """Print what is missing; 1 in CI if anything is."""
    missing = []
    if find_chromium() is None:
        missing.append(f"no Chromium for the browser tests: {INSTALL_CHROMIUM}")
    for line in missing:
        sys.stderr.write(f"MISSING: {line}\n")
    if not missing:
        return 0
    if os.environ.get("CI"):
        sys.stderr.write("In CI nothing is skipped.\n")
        return 1
    sys.stderr.write("The tests that need it will be skipped.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
