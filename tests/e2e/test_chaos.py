"""A small `make chaos`: processes are killed while they work, and nothing is lost or doubled."""

import subprocess
import sys


def test_nothing_is_lost_or_doubled_whatever_dies() -> None:
    command = [sys.executable, "-u", "-m", "benchmarks.chaos", "--seed", "7"]
    small = "--kills 6 --campaign 1000 --orders 40 --pause 1.2 --absence 3 --latency 50 --settle 300"
    run = subprocess.run([*command, *small.split()], capture_output=True, text=True, timeout=600, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "BROKEN" not in run.stdout
    assert "| newsletter | 1,000 |" in run.stdout
    assert "| order updates | 40 |" in run.stdout
