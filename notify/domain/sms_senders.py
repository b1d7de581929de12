"""The senders of SMS by country and purpose, whether they can be answered, and what a STOP to each ends."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from notify.domain.catalogue import Purpose
from notify.domain.consent import Scope
from notify.domain.countries import EVERYWHERE, key_of

SENDER: Final = re.compile(r"\+[1-9]\d{6,14}|(?=.*[A-Za-z])[A-Za-z0-9]{1,11}|MG[0-9a-f]{32}|\d{4,6}")
"""A number, an alphanumeric sender, a Messaging Service or a short code."""

_CAN_RECEIVE: Final = re.compile(r"\+\d+|MG[0-9a-f]{32}|\d{4,6}")
_SHORT_CODE: Final = re.compile(r"\d{4,6}")
_ONE_WAY_COUNTRIES: Final = frozenset({"CI"})
"""Where networks bring no answers to any sender (twilio.com/guidelines/ci/sms)."""

_EXAMPLE: Final = '{"FR": {"marketing": {"sender": "36105"}}}'


@dataclass(frozen=True, slots=True)
class SmsSender:
    """One sender: a number, a short code, an alphanumeric name or a Messaging Service SID.

    `two_way`: people can answer it, so that STOP reaches us.
    """

    sender: str
    two_way: bool

    @property
    def stop(self) -> str | None:
        """What a message says of STOP: the short code it goes to, "" for an answer, None for nothing."""
        if not self.two_way:
            return None
        return self.sender if _SHORT_CODE.fullmatch(self.sender) else ""


ByCountry = Mapping[str, Mapping[Purpose, SmsSender]]
"""By ISO 3166 country, or `*` for all others; a purpose may be missing."""


class SmsSenders:
    """The senders of an installation: what its table says, and two for the rest."""

    def __init__(self, orders: str, marketing: str, by_country: ByCountry | None = None) -> None:
        self._rest = {Purpose.TRANSACTIONAL: orders, Purpose.MARKETING: marketing}
        self._by_country = by_country or {}

    def __iter__(self) -> Iterator[tuple[str, Purpose]]:
        """Return each sender with a purpose it serves."""
        for purpose, sender in self._rest.items():
            yield sender, purpose
        for row in self._by_country.values():
            for purpose, one in row.items():
                yield one.sender, purpose

    def of(self, country: str | None, purpose: Purpose) -> SmsSender:
        """Return who writes to numbers of a country; None is unknown."""
        for key in (country, EVERYWHERE):
            found = self._by_country.get(key or "", {}).get(purpose)
            if found:  # what was declared for all countries is bound to what is possible in one
                return SmsSender(found.sender, found.two_way and receives(found.sender, country))
        sender = self._rest[purpose]
        return SmsSender(sender, receives(sender, country))

    def scope(self, *senders: str) -> Scope:
        """Return what a STOP to a sender ends; more than one name the same, as a number and its service.

        Marketing only where it serves nothing else: orders' senders, shared ones and unknown ones end all.
        """
        return Scope.MARKETING if self._served(senders) == {Purpose.MARKETING} else Scope.ALL

    def only_orders(self, *senders: str) -> bool:
        """Whether a sender serves order updates and no marketing; of unknown ones nobody can tell."""
        return self._served(senders) == {Purpose.TRANSACTIONAL}

    def _served(self, senders: Collection[str]) -> set[Purpose]:
        asked = {one.casefold() for one in senders if one}
        return {purpose for sender, purpose in self if sender.casefold() in asked}


def receives(sender: str, country: str | None) -> bool:
    """Whether a sender can be answered from a country, as far as its form tells."""
    return country not in _ONE_WAY_COUNTRIES and _CAN_RECEIVE.fullmatch(sender) is not None


def read_senders(given: object) -> ByCountry:
    """Read `{"FR": {"marketing": {"sender": "36105", "two_way": true}}, "*": {…}}`. ValueError.

    Without `two_way` numbers, short codes and services can receive, names cannot.
    """
    return {
        key_of(country): {_purpose(purpose): _sender(country, one) for purpose, one in _table(row).items()}
        for country, row in _table(given).items()
    }


def _table(given: object) -> Mapping[str, object]:
    if not isinstance(given, dict) or not given:
        raise ValueError(f"must be a JSON object of objects, as {_EXAMPLE}")
    return given


def _purpose(key: str) -> Purpose:
    if key not in set(Purpose):
        raise ValueError(f"each purpose must be one of {', '.join(Purpose)}")
    return Purpose(key)


def _sender(country: str, given: object) -> SmsSender:
    one = _table(given)
    sender, two_way = one.get("sender"), one.get("two_way")
    if one.keys() - {"sender", "two_way"}:
        raise ValueError("an entry has a sender and two_way, nothing else")
    if not isinstance(sender, str) or not SENDER.fullmatch(sender):
        raise ValueError(
            f"{country}: a sender is a number with its +, a short code, up to 11 letters and digits, or MG…"
        )
    possible = receives(sender, country)
    if two_way is None:
        return SmsSender(sender, possible)
    if not isinstance(two_way, bool):
        raise ValueError(f"{country}: two_way is true or false")  # noqa: TRY004 - for pydantic
    if two_way and not possible:
        raise ValueError(f"{country}: two_way cannot be true: nobody can answer that sender from there")
    return SmsSender(sender, two_way)
