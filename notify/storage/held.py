"""Recipients that a transaction has locked in passing, so that they are not looked for twice."""

from collections.abc import Collection, Sequence
from typing import Any


class Held:
    """The rows of some recipients, as they were locked; good for one look."""

    def __init__(self) -> None:
        """Hold nobody yet."""
        self._asked: frozenset[str] = frozenset()
        self._rows: list[tuple[Any, ...]] = []

    def hold(self, external_ids: Collection[str], rows: Sequence[tuple[Any, ...]]) -> None:
        """Keep the rows of those of `external_ids` who are there."""
        self._asked = frozenset(external_ids)
        self._rows = list(rows)

    def rows_of(self, external_ids: Collection[str]) -> list[tuple[Any, ...]] | None:
        """Hand the rows over, once, to whom asks for exactly these; None for anybody else."""
        if not self._asked or self._asked != frozenset(external_ids):
            return None
        self._asked = frozenset()
        return self._rows
