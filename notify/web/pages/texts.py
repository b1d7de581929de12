"""The words of the pages in one language, from `templates/pages/<locale>.toml`."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from notify.domain.catalogue import DEFAULT_LOCALE, LOCALES, Channel, Topic
from notify.domain.errors import ConfigurationError


class Texts:
    """Looks words up by dotted key; values are put in for `{names}`."""

    def __init__(self, locale: str, table: Mapping[str, Any]) -> None:
        """Flatten the nested `table` into dotted keys."""
        self.locale = locale
        self._by_key = dict(_flatten(table))

    def __call__(self, key: str, **values: str) -> str:
        """Return the plain text; KeyError for an unknown key or a value that is missing."""
        return self._by_key[key].format_map(values)

    def keys(self) -> frozenset[str]:
        """Return all keys, so that two languages can be compared."""
        return frozenset(self._by_key)

    def topic(self, topic: Topic) -> str:
        """Return what the topic is called."""
        return localised(topic.title, self.locale) or topic.name

    def what(self, topic: Topic | None) -> str:
        """Return the topic's name in quotes, or "these messages" if it is no longer declared."""
        return self("what.topic", title=self.topic(topic)) if topic else self("what.gone")

    def by(self, channel: Channel) -> str:
        """Return "by e-mail", "by SMS"."""
        return self(f"by.{channel}")

    def both(self, parts: Sequence[str]) -> str:
        """Return "by e-mail and by SMS"."""
        *first, last = parts
        return self("and", first=", ".join(first), last=last) if first else last

    def line(self, topic: Topic, channel: Channel) -> str:
        """Return one preference as people read it."""
        return self("line", title=self.topic(topic), by=self.by(channel))


def whole(address: str) -> str:
    """Return a masked address that no line break tears: a phone number has spaces."""
    return address.replace(" ", "\N{NO-BREAK SPACE}")


def localised(words: Mapping[str, str], locale: str) -> str:
    """Return the words in `locale`, else in French; a shop's own topic may know only one of them."""
    return words.get(locale) or words.get(DEFAULT_LOCALE) or ""


def load_texts(directory: Path) -> dict[str, Texts]:
    """Read every language; ConfigurationError if one lacks a key that another has."""
    texts = {
        locale: Texts(locale, tomllib.loads((directory / f"{locale}.toml").read_text(encoding="utf-8")))
        for locale in LOCALES
    }
    wanted = frozenset[str]().union(*(one.keys() for one in texts.values()))
    for locale, one in texts.items():
        if missing := wanted - one.keys():
            raise ConfigurationError(f"{directory / locale}.toml lacks: {', '.join(sorted(missing))}")
    return texts


def _flatten(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value
