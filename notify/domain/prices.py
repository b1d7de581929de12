"""What an SMS costs: an operator's own prices of a segment, by country."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Final

from notify.domain.countries import EVERYWHERE, key_of

_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_MOST: Final = 100


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in an ISO 4217 currency."""

    amount: Decimal
    currency: str

    def to_json(self) -> dict[str, str]:
        """Return it as answers show it; as text, since JSON's numbers are not exact."""
        return {"amount": format(self.amount, "f"), "currency": self.currency}


@dataclass(frozen=True, slots=True)
class SmsPrices:
    """The prices of one segment by ISO 3166 country; `*` is that of all others."""

    currency: str = "EUR"
    by_country: Mapping[str, Decimal] = field(default_factory=dict)

    def of(self, country: str | None, segments: int) -> Money | None:
        """Return what so many segments cost to a country; None is unknown, and None where no price is set."""
        price = self.by_country.get(country or EVERYWHERE, self.by_country.get(EVERYWHERE))
        return None if price is None else Money(price * segments, self.currency)


def read_prices(given: object) -> SmsPrices:
    """Read `{"currency": "EUR", "SN": "0.045", "*": "0.08"}`. ValueError names the key that is wrong."""
    if not isinstance(given, dict):
        raise ValueError('must be a JSON object, as {"currency": "EUR", "SN": "0.045"}')  # noqa: TRY004 - for pydantic
    currency = given.get("currency")
    if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
        raise ValueError('"currency" must be three capital letters, as "EUR"')
    prices = {}
    for country, price in given.items():
        if country == "currency":
            continue
        prices[key_of(country)] = _price(country, price)
    return SmsPrices(currency, prices)


def _price(country: str, given: object) -> Decimal:
    try:
        price = Decimal(given) if isinstance(given, str | int | Decimal) else Decimal("NaN")
    except InvalidOperation:
        price = Decimal("NaN")
    if isinstance(given, bool) or not price.is_finite() or not 0 <= price <= _MOST:
        raise ValueError(f'"{country}" must be the price of a segment, as "0.045"')
    return price
