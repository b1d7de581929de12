"""Explains a message's status in one sentence, English or French: "did she get it? why not?"."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from notify.domain.catalogue import DEFAULT_LOCALE, Channel, Topic
from notify.domain.explanations import MONTHS, TEXTS, Texts
from notify.domain.ledger import (
    COMPLAINT,
    LINK,
    MAILTO,
    ONE_CLICK,
    PREFERENCE_CENTRE,
    PROVIDER,
    STOP,
    UNDO,
)
from notify.domain.status import Reason, Status

_ORDER: Final = re.compile(r"(?:(?:order|commande)[-_ #]*)?([A-Za-z-]*\d[\w-]*)", re.IGNORECASE)
"""References that name an order: "order-99812", "99812", "Commande #FR-99812"."""
_PROVIDERS: Final[Mapping[str, str]] = {"sendgrid": "SendGrid", "twilio": "Twilio"}
_SOURCES: Final = frozenset(
    {LINK, ONE_CLICK, MAILTO, PREFERENCE_CENTRE, STOP, UNDO, COMPLAINT, PROVIDER},
)
"""How people opt out, as the ledger says; everything else was recorded by the shop."""


@dataclass(frozen=True, slots=True)
class MessageFacts:
    """What is known about a message and is worth a word.

    `at` is when the status was reached. `topic` is None if it is no longer declared. `optout_reference` is
    the reference of the notification whose message led to the opt-out. `detail` is what the provider
    said, or the reason of a suppression. `attempts` counts the tries that were made. `due_at` is when the
    next one is due: with the status `sending`, only while the message waits for it. `silent`: with the status
    `unknown`, no word has come for as long as it was to be expected. `barred_by` is the reason of the
    suppression that held the message back, with when that began and when it ends by itself.
    `handed_over`: the provider had taken the message, or may have, when its last try ended.
    """

    status: Status
    channel: Channel
    reason: Reason | None = None
    topic: Topic | None = None
    recipient_name: str | None = None
    at: datetime | None = None
    optout_source: str | None = None
    optout_at: datetime | None = None
    optout_reference: str | None = None
    provider: str | None = None
    detail: str | None = None
    due_at: datetime | None = None
    expires_at: datetime | None = None
    attempts: int = 0
    silent: bool = False
    barred_by: str | None = None
    barred_at: datetime | None = None
    barred_until: datetime | None = None
    handed_over: bool = False


def explain(facts: MessageFacts, locale: str) -> str:
    """Return the explanation; a language that is not spoken here becomes French."""
    language = locale if locale in TEXTS else DEFAULT_LOCALE
    return _Explanation(facts, language).sentence()


class _Explanation:
    """The words of one explanation in one language."""

    def __init__(self, facts: MessageFacts, language: str) -> None:
        self._facts = facts
        self._language = language
        self._texts: Texts = TEXTS[language]

    def sentence(self) -> str:
        facts, texts = self._facts, self._texts
        tries = texts["one_try"] if facts.attempts == 1 else texts["tries"].format(count=facts.attempts)
        return texts[self._key()].format(
            who=facts.recipient_name or texts["nobody"],
            channel=self._of_channel("channel"),
            the_address=self._of_channel("the_address"),
            this_address=self._of_channel("this_address"),
            no_address=self._of_channel("no_address"),
            topic=self._topic(),
            provider=self._provider(),
            tries=tries,
            because=texts["because"].format(detail=facts.detail) if facts.detail else "",
            on=self._when("on", facts.at),
            due=self._when("due", facts.due_at) or texts["due.unknown"],
            expiry=self._when("expiry", facts.expires_at),
            optout=self._optout(),
            barred=self._when("on", facts.barred_at),
            until=self._when("until", facts.barred_until),
        )

    def _key(self) -> str:
        """Choose the sentence: by reason or provider if it has one, else by whether it was tried before."""
        status = self._facts.status.value
        if self._facts.status is Status.SENDING and self._facts.due_at:
            return "sending.waits"
        barred = f"barred.{self._facts.barred_by}"
        if self._facts.reason is Reason.SUPPRESSED and barred in self._texts:
            return barred
        for special in (self._facts.reason, self._facts.provider):
            if special and (key := f"{status}.{special}") in self._texts:
                return key
        if self._facts.status is Status.UNKNOWN and self._facts.silent:
            return "unknown.silent"
        if self._facts.status is Status.FAILED and self._facts.handed_over:
            return "failed.handed_over"
        again = f"{status}.again"
        # The one try of a message that failed at once needs no count.
        tried = self._facts.attempts > (1 if self._facts.status is Status.FAILED else 0)
        return again if tried and again in self._texts else status

    def _of_channel(self, word: str) -> str:
        return self._texts[f"{self._facts.channel.value}.{word}"]

    def _topic(self) -> str:
        topic = self._facts.topic
        if topic is None:
            return self._texts["no_topic"]
        title = topic.title.get(self._language) or topic.name
        # "Order updates" goes without marks in an English sentence; a title that is no plain noun does not.
        plain = topic.name.replace("_", " ")
        return plain if title.casefold() == plain else self._texts["topic"].format(title=title)

    def _provider(self) -> str:
        name = self._facts.provider
        if name is None:
            return self._texts["no_provider"]
        return self._texts.get(f"provider.{name}") or _PROVIDERS.get(name, name)

    def _when(self, key: str, moment: datetime | None) -> str:
        """Return the phrase for a moment, "" if it is unknown; the year if it is not that of the status."""
        if moment is None:
            return ""
        day = "1er" if self._language == "fr" and moment.day == 1 else str(moment.day)
        year = f" {moment.year}" if self._facts.at and self._facts.at.year != moment.year else ""
        return self._texts[key].format(
            day=f"{day} {MONTHS[self._language][moment.month - 1]}{year}", time=f"{moment:%H:%M}"
        )

    def _optout(self) -> str:
        facts, texts = self._facts, self._texts
        when = self._when("on", facts.optout_at)
        if facts.optout_source is None:
            return when
        source = facts.optout_source if facts.optout_source in _SOURCES else "other"
        if source == ONE_CLICK and facts.channel is Channel.SMS:
            source = LINK  # an SMS has no such button: something posted to its link
        order = _ORDER.fullmatch(facts.optout_reference or "")
        message = (
            self._of_channel("order_message").format(order=order[1])
            if order
            else self._of_channel("some_message")
        )
        return when + texts[f"optout.{source}"].format(message=message)
