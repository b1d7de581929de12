"""Explains a message's status in one sentence, English or French: "did she get it? why not?"."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from notify.domain.catalogue import DEFAULT_LOCALE, Channel, Purpose, Topic
from notify.domain.explanations import MONTHS, OWN_DETAILS, TEXTS, Texts
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
_GAVE_UP: Final = re.compile(r"^gave up after \d+ attempts: ")
_NOT_SENT: Final = frozenset({Status.SKIPPED, Status.CANCELLED, Status.EXPIRED})
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
    `handed_over`: the provider had taken the message, or may have, when its last try ended. `doubted`: of
    some try nobody knows whether the message arrived. `elsewhere`: it was under another recipient id that the
    address opted out.
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
    doubted: bool = False
    elsewhere: bool = False


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
        doubted = facts.doubted and facts.status in _NOT_SENT
        tries = texts["one_try"] if facts.attempts == 1 else texts["tries"].format(count=facts.attempts)
        sentence = texts[self._key()].format(
            not_sent=texts["not_sent.again" if doubted else "not_sent"],
            who=facts.recipient_name or texts["nobody"],
            channel=self._of_channel("channel"),
            the_address=self._of_channel("the_address"),
            this_address=self._of_channel("this_address"),
            no_address=self._of_channel("no_address"),
            topic=self._topic(),
            provider=self._provider(),
            tries=tries,
            because=texts["because"].format(detail=self._detail(facts.detail)) if facts.detail else "",
            on=self._when("on", facts.at),
            due=self._when("due", facts.due_at) or texts["due.unknown"],
            expiry=self._when("expiry", facts.expires_at),
            optout=self._optout(),
            barred=self._when("on", facts.barred_at),
            until=self._when("until", facts.barred_until),
        )
        return sentence.removesuffix(".") + texts["perhaps"] + "." if doubted else sentence

    def _key(self) -> str:
        """Choose the sentence: by reason or provider if it has one, else by whether it was tried before."""
        facts = self._facts
        if facts.status is Status.FAILED:
            return self._failure()
        if facts.status is Status.SENDING and facts.due_at:
            return "sending.waits"
        barred = f"barred.{facts.barred_by}"
        if facts.reason is Reason.SUPPRESSED and barred in self._texts:
            return barred
        words = (
            f"{facts.reason}.{self._variant()}",
            facts.reason,
            facts.provider,
            "silent" if facts.silent else None,
            "again" if facts.attempts else None,
        )
        keys = (f"{facts.status}.{word}" for word in words if word)
        return next((key for key in keys if key in self._texts), facts.status.value)

    def _variant(self) -> str | None:
        """Return which case of a reason it is, where one has several."""
        facts = self._facts
        if facts.reason is Reason.OUTSIDE_HOURS:
            return "night" if facts.topic and facts.topic.purpose is Purpose.TRANSACTIONAL else None
        if facts.reason is Reason.UNSUBSCRIBED and facts.optout_at is None:
            return "somehow"
        return "elsewhere" if facts.elsewhere else None

    def _failure(self) -> str:
        facts = self._facts
        if facts.handed_over:
            return "failed.handed_over"
        if facts.doubted:
            return "failed.doubted"
        # The one try of a message that failed at once needs no count.
        return {0: "failed.untried", 1: "failed"}.get(facts.attempts, "failed.again")

    def _detail(self, detail: str) -> str:
        """Return our own details in the language; those of providers stay in their words."""
        said = _GAVE_UP.sub("", detail)  # the sentence tells the number of tries
        key = OWN_DETAILS.get(said)
        return self._texts[key] if key else said

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
