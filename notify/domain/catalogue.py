"""Channels and topics: what a message is about, and what one unsubscribes from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from notify.domain.regimes import Regimes

LOCALES: Final = ("fr", "en")
DEFAULT_LOCALE: Final = "fr"


class Channel(StrEnum):
    """How a message travels."""

    EMAIL = "email"
    SMS = "sms"


CHANNEL_NUMBERS: Final[Mapping[Channel, int]] = {Channel.EMAIL: 1, Channel.SMS: 2}
"""Permanent: they stand in tokens that never expire. Never reuse a number."""

CHANNELS_BY_NUMBER: Final = {number: channel for channel, number in CHANNEL_NUMBERS.items()}


class Purpose(StrEnum):
    """Why a topic's messages are sent; marketing needs consent."""

    TRANSACTIONAL = "transactional"
    MARKETING = "marketing"


@dataclass(frozen=True, slots=True)
class Topic:
    """What a message is about. `number` (1 to 255) is permanent: it stands in tokens.

    `title`, `description` and `frequency` are by locale; `title` is what pages and mails call it.
    `double_opt_in`: nobody is subscribed before they confirmed it through the address itself, whatever the
    regime says.
    `regimes` say what opens the topic in which country, where it is one of marketing.
    """

    number: int
    name: str
    purpose: Purpose
    title: Mapping[str, str]
    description: Mapping[str, str]
    frequency: Mapping[str, str]
    double_opt_in: bool = False
    regimes: Regimes = field(default_factory=Regimes)

    def asks_twice(self, country: str | None) -> bool:
        """Whether who subscribes by a link of ours, from that country, is to confirm it."""
        wanted = self.double_opt_in or self.regimes.asks_twice(country)
        return wanted and self.purpose is Purpose.MARKETING


CONFIRMATIONS: Final = Topic(
    number=255,
    name="confirmations",
    purpose=Purpose.TRANSACTIONAL,
    title={"fr": "Confirmation de vos demandes", "en": "Confirmation of your requests"},
    description={
        "fr": "Les liens qui confirment ce que vous demandez vous-même.",
        "en": "The links that confirm what you ask for yourself.",
    },
    frequency={"fr": "Seulement quand vous le demandez", "en": "Only when you ask"},
)
"""What we write to a person who asked for something that is to be confirmed through their own address."""


class Catalogue:
    """The topics of this installation, by name and by permanent number.

    `CONFIRMATIONS` is known by number and by `[]`, for its messages have links; nobody chooses it from a
    list or names it in a call, so it is not among the others.
    """

    def __init__(self, topics: Sequence[Topic]) -> None:
        """Index `topics`; names and numbers must be unique, and not those of `CONFIRMATIONS`."""
        self._by_name = {topic.name: topic for topic in topics}
        self._by_number = {topic.number: topic for topic in topics}
        if not len(self._by_name) == len(self._by_number) == len(topics):
            message = "topics.toml: two topics share a name or a number"
            raise ValueError(message)
        if CONFIRMATIONS.number in self._by_number or CONFIRMATIONS.name in self._by_name:
            message = f"the topic {CONFIRMATIONS.name}, number {CONFIRMATIONS.number}, is the service's own"
            raise ValueError(message)

    def __iter__(self) -> Iterator[Topic]:
        """Topics in the order they are declared."""
        return iter(self._by_name.values())

    def named(self, name: str) -> Topic | None:
        """Return the topic of that name, if there is one."""
        return self._by_name.get(name)

    def numbered(self, number: int) -> Topic | None:
        """Return the topic of that permanent number, if it is still declared."""
        return CONFIRMATIONS if number == CONFIRMATIONS.number else self._by_number.get(number)

    def name_of(self, number: int) -> str | None:
        """Return the name of the topic of that number, if it is still declared."""
        topic = self.numbered(number)
        return topic.name if topic else None

    def __getitem__(self, name: str) -> Topic:
        """Return the topic of that name; KeyError if there is none."""
        return CONFIRMATIONS if name == CONFIRMATIONS.name else self._by_name[name]
