"""How long a dead child waits before it is started again."""

from typing import Final

DELAYS: Final = (0.0, 0.5, 1.0, 2.0, 4.0)
"""Seconds, by how often it died in a row. Whatever happens, a child is back within 5 seconds."""

STEADY_SECONDS: Final = 30.0
"""A child that lived this long starts afresh: its death is the first in a row."""


def delay_after(deaths_in_a_row: int) -> float:
    """Return the seconds to wait after that many deaths, of which there is at least one."""
    return DELAYS[min(deaths_in_a_row, len(DELAYS)) - 1]
