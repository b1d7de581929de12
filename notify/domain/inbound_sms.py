"""An SMS that somebody sent us, and what is answered: a literal table for each language, one segment each."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from notify.domain.catalogue import DEFAULT_LOCALE
from notify.domain.consent import Scope
from notify.domain.sms_keywords import Keyword


@dataclass(frozen=True, slots=True)
class InboundSms:
    """One SMS to one of our senders.

    `provider_message_id` is "" where the provider gave none that is one: an opt-out needs none.
    `phone` is in E.164. `senders` are all names of the sender it came to: its number, its service.
    `understood`: the keyword that the provider has understood and answered itself, "" if it did not.
    """

    provider: str
    provider_message_id: str
    phone: str
    senders: tuple[str, ...]
    text: str
    understood: str = ""


_ANSWERS: Final[Mapping[str, Mapping[str, str]]] = {
    "fr": {
        "STOP.marketing": (
            "{shop}: c'est fait, plus d'offres ni d'actualités par SMS."
            " Le suivi de vos commandes continue. Pour les recevoir à nouveau: START"
        ),
        "STOP.all": (
            "{shop}: c'est fait, plus aucun SMS, suivi de commandes compris."
            " Pour en recevoir à nouveau, répondez START"
        ),
        "START": (
            "{shop}: vous recevrez de nouveau nos SMS, sauf ceux refusés par un lien."
            " Pour ne plus en recevoir, répondez STOP"
        ),
        "START.unheard": (
            "{shop}: c'est noté. Pour lever aussi un blocage chez l'opérateur, répondez ce seul mot: START"
        ),
        "HELP": "{shop}: nos SMS.{contact}{link} Pour ne plus en recevoir, répondez STOP",
        "contact": " Aide: {contact}.",
        "link": " Vos choix: {link}",
    },
    "en": {
        "STOP.marketing": (
            "{shop}: done, no more offers or news by SMS. Updates on your orders go on."
            " To get them again, reply START"
        ),
        "STOP.all": (
            "{shop}: done, no more SMS at all, order updates included. To get them again, reply START"
        ),
        "START": (
            "{shop}: you will get our SMS again, but for those you refused with a link."
            " To get no more, reply STOP"
        ),
        "START.unheard": "{shop}: noted. To end a block at the carrier too, reply with this one word: START",
        "HELP": "{shop}: our SMS.{contact}{link} To get no more, reply STOP",
        "contact": " Help: {contact}.",
        "link": " Your choices: {link}",
    },
}
"""In letters of GSM-7 only: no circumflex, no typographic apostrophe."""


def answer(
    keyword: Keyword,
    locale: str,
    scope: Scope,
    *,
    shop: str,
    contact: str | None = None,
    link: str | None = None,
    unheard: bool = False,
) -> str:
    """Return what a person is answered; a language that is not spoken here becomes French.

    `contact` and `link` are those of HELP, where there are any. `unheard`: a START that the provider has not
    understood and will not be told of, so that a block of its own would stay.
    """
    texts = _ANSWERS.get(locale, _ANSWERS[DEFAULT_LOCALE])
    key = f"{keyword}.{scope}" if keyword is Keyword.STOP else keyword.value
    if keyword is Keyword.START and unheard:
        key = "START.unheard"
    return texts[key].format(
        shop=_plain(shop),
        contact=texts["contact"].format(contact=contact) if contact else "",
        link=texts["link"].format(link=link) if link else "",
    )


def _plain(name: str) -> str:
    """Return a name without accents: one of some would double the price of the answer."""
    decomposed = unicodedata.normalize("NFKD", name)
    return "".join(one for one in decomposed if one.isascii()).strip()
