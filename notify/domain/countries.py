"""Which countries there are: ISO 3166-1, and what has phone numbers of its own besides."""

from functools import cache
from importlib.resources import files
from typing import Final

EVERYWHERE: Final = "*"
"""Stands for all countries that have no entry of their own."""

_NUMBERED: Final = frozenset({"AC", "TA", "XK"})
"""Ascension, Tristan da Cunha and Kosovo: no codes of ISO 3166, but what their numbers are known by."""


@cache
def countries() -> frozenset[str]:
    """Return the ISO 3166-1 alpha-2 codes, as the tz database lists them."""
    table = files("tzdata.zoneinfo").joinpath("iso3166.tab").read_text("utf-8")
    return frozenset(line[:2] for line in table.splitlines() if line and not line.startswith("#"))


def is_country(code: str) -> bool:
    """Whether somebody, or their number, can be of that country."""
    return code in countries() or code in _NUMBERED


def key_of(code: str) -> str:
    """Return the key of a table by country if it is one, or `*`. ValueError."""
    if code != EVERYWHERE and not is_country(code):
        raise ValueError(f'"{code}" must be a country of two capital letters (ISO 3166), or "*"')
    return code


def checked(codes: frozenset[str]) -> frozenset[str]:
    """Return them if each is a country. ValueError names those that are none."""
    if unknown := sorted(code for code in codes if not is_country(code)):
        raise ValueError(f"each must be a country, as SN,CI,FR (ISO 3166): not {', '.join(unknown)}")
    return codes
