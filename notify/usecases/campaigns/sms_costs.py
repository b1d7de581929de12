"""What the SMS of a campaign come to: their segments, by language, and what they cost, by country."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from notify.domain.catalogue import Channel
from notify.domain.content import Links, Segments
from notify.domain.newsletters import MAX_ATTRIBUTE, MAX_NAME, Person, Pinned
from notify.domain.prices import Money, SmsPrices
from notify.domain.segments import count
from notify.domain.views import SmsEstimateView, SmsTextView
from notify.ports import Templates

SampleLinks = Callable[[int, str | None], tuple[Links, Links]]
"""Returns the shortest and the longest links that SMS about a topic have which go to a country."""

Audience = Mapping[tuple[str, str | None], int]
"""How many SMS go to each language and country of a number."""

_DEAREST: Final = "Ж"
"""Makes a text UCS-2, and is not folded."""


@dataclass(frozen=True, slots=True)
class _Text:
    """One text: as to somebody of whom nothing is known, and how many segments it may have at most."""

    characters: int
    usual: Segments
    most: int
    exact: bool


@dataclass(frozen=True, slots=True)
class SmsCosts:
    """Counts segments and prices. A name or an attribute counts as the longest that is shown."""

    templates: Templates
    links: SampleLinks
    prices: SmsPrices

    def __call__(self, pinned: Pinned, topic: int, audience: Audience) -> SmsEstimateView:
        """Return what they come to; `exact` where no text differs in length by person."""
        texts = {
            (locale, country): self._text(pinned, locale, self.links(topic, country))
            for locale, country in {
                *audience,
                *((locale, None) for locale, own in pinned.texts.items() if own.sms is not None),
            }
        }
        messages: Counter[str | None] = Counter()
        segments: Counter[str | None] = Counter()
        for (locale, country), number in audience.items():
            messages[country] += number
            segments[country] += number * texts[locale, country].most
        prices = {country: self.prices.of(country, total) for country, total in segments.items()}
        whole = self._sum(prices)
        return {
            "texts": _by_language(texts),
            "countries": [
                {
                    "country": country,
                    "messages": messages[country],
                    "segments": segments[country],
                    "price": _shown(prices[country]),
                }
                for country in sorted(messages, key=lambda one: one or "")
            ],
            "messages": messages.total(),
            "segments": segments.total(),
            "price": _shown(whole),
            "exact": all(texts[one].exact for one in audience),
        }

    def _text(self, pinned: Pinned, locale: str, links: tuple[Links, Links]) -> _Text:
        own = pinned.texts[pinned.locale_on(locale, Channel.SMS)]
        attributes = dict.fromkeys(pinned.attributes, _DEAREST * MAX_ATTRIBUTE)
        shown = [self.templates.sms_for(pinned, locale, Person(one)) for one in links]
        billed = [count(text) for text in shown]
        most = max(one.segments for one in billed)
        exact = len({one.segments for one in billed}) == 1
        if own.sms_fields or pinned.individual:
            known = Person(links[1], _DEAREST * MAX_NAME, attributes)
            most = max(most, count(self.templates.sms_for(pinned, locale, known)).segments)
            exact = False
        return _Text(len(shown[1]), billed[1], most, exact)

    def _sum(self, prices: Mapping[str | None, Money | None]) -> Money | None:
        """Return the total; None where a part of it has no price."""
        known = [one.amount for one in prices.values() if one]
        complete = prices and len(known) == len(prices)
        return Money(sum(known, Decimal(0)), self.prices.currency) if complete else None


def _by_language(texts: Mapping[tuple[str, str | None], _Text]) -> dict[str, SmsTextView]:
    """Return each language's longest text: what it says of STOP depends on the country."""
    found: dict[str, _Text] = {}
    for (locale, _), text in sorted(texts.items(), key=lambda one: (one[0][0], one[0][1] or "")):
        longest = found.setdefault(locale, text)
        if (longest.most, longest.characters) < (text.most, text.characters):
            found[locale] = text
    return {
        locale: {
            "characters": text.characters,
            "encoding": text.usual.encoding,
            "segments": text.usual.segments,
            "most_segments": text.most,
            "culprits": list(text.usual.culprits),
        }
        for locale, text in sorted(found.items())
    }


def _shown(price: Money | None) -> dict[str, str] | None:
    return price.to_json() if price else None
