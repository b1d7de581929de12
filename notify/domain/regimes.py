"""Consent regimes: what makes someone subscribed to marketing from the start, by country."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

SOFT_OPT_IN_TOPICS: Final = frozenset({"product_offers"})
"""Topics that a recorded purchase opens (directive 2002/58/EC, art. 13(2))."""


class Regime(StrEnum):
    """What makes someone subscribed to marketing from the start."""

    POLICY = "policy"
    EXPLICIT = "explicit"


@dataclass(frozen=True, slots=True)
class RegimeRow:
    """One country's regime, and the law it rests on.

    `double_opt_in`: whoever subscribes by a link of ours confirms it through the address itself.
    """

    regime: Regime
    law: str
    double_opt_in: bool = False


@dataclass(frozen=True, slots=True)
class Regimes:
    """The regimes of this installation, by ISO 3166 country. Who is not listed, or unknown, is `explicit`."""

    rows: Mapping[str, RegimeRow] = field(default_factory=dict)

    def of(self, country: str | None) -> Regime:
        """Return the regime of a country; unknown is strict."""
        row = self.rows.get(country or "")
        return row.regime if row else Regime.EXPLICIT

    def asks_twice(self, country: str | None) -> bool:
        """Whether an opt-in by a link is to be confirmed through the address."""
        row = self.rows.get(country or "")
        return row is not None and row.double_opt_in

    @property
    def policy_countries(self) -> list[str]:
        """The countries where accepting the privacy policy subscribes."""
        return [country for country, row in self.rows.items() if row.regime is Regime.POLICY]
