"""Numbering plans as one expression a country: tells at once that a number is a person's.

It says yes to less than the library does, and never what the library does not; for the rest, ask the library.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata
from phonenumbers.phonemetadata import PhoneNumberDesc

NO_COUNTRY: Final = "001"
"""What the library calls numbers of no country, such as satellite phones."""

_REACH_A_PERSON: Final = ("fixed_line", "mobile", "voip", "personal_number")
_DO_NOT: Final = ("premium_rate", "toll_free", "shared_cost", "pager", "uan", "voicemail")
_LONGEST_CALLING_CODE: Final = 3


@dataclass(frozen=True, slots=True)
class _Region:
    """One country's part of a plan: what begins with it, what exists in it, what reaches a person."""

    name: str
    leading: re.Pattern[str] | None
    exists: re.Pattern[str]
    persons: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Plan:
    """The numbers under one calling code (ITU-T E.164)."""

    calling_code: str
    lengths: frozenset[int]
    prefix: re.Pattern[str] | None
    """What is dialled before a number at home, as the 0 in France."""
    abroad: re.Pattern[str] | None
    """What is dialled to reach another country."""
    regions: tuple[_Region, ...]

    def read(self, national: str) -> tuple[str, str] | None:
        """Return E.164 and the country of a person's number, prefix or none; None: ask further."""
        if self.prefix and (found := self.prefix.match(national)):
            national = national[found.end() :]
        if len(national) not in self.lengths:
            return None
        for region in self.regions:
            mine = (region.leading or region.exists).match(national)
            if mine:
                return (
                    (f"+{self.calling_code}{national}", region.name)
                    if region.persons.match(national)
                    else None
                )
        return None

    def read_at_home(self, dialled: str) -> tuple[str, str] | None:
        """Return the same for what is dialled inside the country."""
        if self.abroad and self.abroad.match(dialled):
            return None
        return None if dialled.startswith(self.calling_code) else self.read(dialled)


def read_international(digits: str) -> tuple[str, str] | None:
    """Return E.164 and the country of a person's number, from its digits with the calling code."""
    if digits.startswith("0"):
        return None
    for length in range(1, _LONGEST_CALLING_CODE + 1):
        code = int(digits[:length])
        if code in COUNTRY_CODE_TO_REGION_CODE:
            plan = _plan(code)
            return plan.read(digits[length:]) if plan else None
    return None


def read_national(digits: str, country: str) -> tuple[str, str] | None:
    """Return the same for digits as dialled in a country (ISO 3166, upper case)."""
    metadata = PhoneMetadata.metadata_for_region(country, None)
    if metadata is None or metadata.country_code is None:
        return None
    plan = _plan(metadata.country_code)
    # Other countries of the plan may have another prefix.
    return plan.read_at_home(digits) if plan and plan.regions[0].name == country else None


@cache
def _plan(code: int) -> Plan | None:
    """Compile a plan; None for those that need the library, which are few."""
    regions = COUNTRY_CODE_TO_REGION_CODE[code]
    main = None if NO_COUNTRY in regions else PhoneMetadata.metadata_for_region(regions[0], None)
    if main is None or main.general_desc is None or main.national_prefix_transform_rule:
        return None
    general = main.general_desc
    prefix, abroad = main.national_prefix_for_parsing, main.international_prefix
    return Plan(
        str(code),
        frozenset(general.possible_length) - frozenset(general.possible_length_local_only),
        re.compile(prefix) if prefix else None,
        re.compile(abroad) if abroad else None,
        tuple(_region(name) for name in regions),
    )


def _region(name: str) -> _Region:
    metadata = PhoneMetadata.metadata_for_region(name, None)
    assert metadata is not None  # noqa: S101 - the library's two tables name the same countries
    general = _pattern(metadata.general_desc)
    persons = _any(getattr(metadata, kind) for kind in _REACH_A_PERSON)
    others = _any(getattr(metadata, kind) for kind in _DO_NOT)
    return _Region(
        name,
        re.compile(metadata.leading_digits) if metadata.leading_digits else None,
        re.compile(rf"(?={general})(?:{persons}|{others})"),
        re.compile(rf"(?={general})(?!{others})(?:{persons})"),
    )


def _any(kinds: Iterable[PhoneNumberDesc | None]) -> str:
    return "|".join(_pattern(kind) for kind in kinds) or "(?!)"


def _pattern(kind: PhoneNumberDesc | None) -> str:
    """Return an expression for a whole number of one kind; of the lengths listed, if any are."""
    if kind is None or not kind.national_number_pattern:
        return "(?!)"
    lengths = "|".join(rf"[0-9]{{{length}}}\Z" for length in kind.possible_length)
    return rf"(?={lengths})(?:{kind.national_number_pattern})\Z"
