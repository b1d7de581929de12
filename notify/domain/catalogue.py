"""Channels and topics: what a message is about, and what one unsubscribes from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

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
    """

    number: int
    name: str
    purpose: Purpose
    title: Mapping[str, str]
    description: Mapping[str, str]
    frequency: Mapping[str, str]


class Catalogue:
    """The topics of this installation, by name and by permanent number."""

    def __init__(self, topics: Sequence[Topic]) -> None:
        """Index `topics`; names and numbers must be unique."""
        self._by_name = {topic.name: topic for topic in topics}
        self._by_number = {topic.number: topic for topic in topics}
        if not len(self._by_name) == len(self._by_number) == len(topics):
            message = "topics.toml: two topics share a name or a number"
            raise ValueError(message)

    def __iter__(self) -> Iterator[Topic]:
        """Topics in the order they are declared."""
        return iter(self._by_name.values())

    def named(self, name: str) -> Topic | None:
        """Return the topic of that name, if there is one."""
        return self._by_name.get(name)

    def numbered(self, number: int) -> Topic | None:
        """Return the topic of that permanent number, if it is still declared."""
        return self._by_number.get(number)

    def __getitem__(self, name: str) -> Topic:
        """Return the topic of that name; KeyError if there is none."""
        return self._by_name[name]
