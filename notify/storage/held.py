"""What a transaction has read in passing, so that it is not looked for twice."""

from collections.abc import Collection, Sequence
from typing import Any


class Held:
    """The rows of some recipients, as they were locked, and what bars new ones; each good for one look."""

    def __init__(self) -> None:
        """Hold nobody yet."""
        self._asked: frozenset[str] = frozenset()
        self._rows: list[tuple[Any, ...]] = []
        self._new: frozenset[int] = frozenset()
        self._barred: list[tuple[Any, ...]] = []

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

    def hold_barred(self, new: Collection[int], rows: Sequence[tuple[Any, ...]]) -> None:
        """Keep what was known of the addresses of recipients who are `new`: nothing else is known of them."""
        self._new = frozenset(new)
        self._barred = list(rows)

    def barred_of(self, recipient_ids: Collection[int]) -> list[tuple[Any, ...]] | None:
        """Hand that over, once, to whom asks for new ones only; None for anybody else."""
        new, self._new = self._new, frozenset()
        return self._barred if new and new.issuperset(recipient_ids) else None
