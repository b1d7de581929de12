"""A small `make chaos`: processes are killed while they work, and nothing is lost or doubled."""

import subprocess
import sys


def test_nothing_is_lost_or_doubled_whatever_dies() -> None:
    command = [sys.executable, "-u", "-m", "benchmarks.chaos", "--seed", "7"]
    small = "--kills 8 --campaign 2000 --orders 60 --pause 1.5 --absence 4 --latency 50 --settle 90"
    run = subprocess.run([*command, *small.split()], capture_output=True, text=True, timeout=240, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "BROKEN" not in run.stdout
    assert "| newsletter | 2,000 |" in run.stdout
    assert "| order updates | 60 |" in run.stdout
