"""What an SMS that comes in asks for: STOP, START, HELP and their French kin, in any reasonable wording.

Sources: Twilio's lists of English keywords (twilio.com/docs/messaging/tutorials/advanced-opt-out), the
keywords of French short codes, and the FCC's rule that any reasonable wording of a STOP counts
(47 CFR 64.1200(a)(10)). A message that holds such a word among others, as "can you stop by tomorrow?",
asks for nothing: a wrong opt-out would cost someone their order updates.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Keyword(StrEnum):
    """What a person asks for by SMS."""

    STOP = "STOP"
    START = "START"
    HELP = "HELP"


@dataclass(frozen=True, slots=True)
class Asked:
    """What was understood: `word` is the keyword that said it, or the fixed name of a phrase.

    It is never the person's own text. `locale` is the language of the word, None for one of both.
    """

    keyword: Keyword
    word: str
    locale: str | None = None

    @property
    def is_mere_yes(self) -> bool:
        """Whether it may as well be the answer to something else, as a courier's question."""
        return self.word in _YES


_YES: Final = frozenset({"YES", "OUI"})

HEARD_BY_TWILIO: Final = frozenset({"START", "YES", "UNSTOP"})
"""Words by which Twilio ends its own block of a number, unless it was taught others."""

_MOST_STRONG: Final = 14
"""Longer messages are letters to somebody; whoever wants out says so shortly."""


def _meaning(keyword: Keyword, locale: str | None, words: str) -> dict[str, tuple[Keyword, str | None]]:
    return dict.fromkeys(words.split(), (keyword, locale))


_STRONG: Final = {
    **_meaning(Keyword.STOP, None, "STOP STOPP STOPS"),
    **_meaning(
        Keyword.STOP,
        "fr",
        "ARRET ARRETE ARRETER ARRETES ARRETEZ ARRETS ARRETT STOPPE STOPPER STOPPEZ CESSER CESSEZ"
        " DESABONNE DESABONNER"
        " DESABONNEZ DESABONNEMENT DESINSCRIRE DESINSCRIS DESINSCRIVEZ DESINSCRIPTION RESILIER RESILIATION",
    ),
    **_meaning(Keyword.STOP, "en", "UNSUBSCRIBE UNSUBSCRIBED UNSUB OPTOUT REVOKE STOPALL"),
}
"""Words that ask for an end wherever they stand among words that add nothing (`_FILL`)."""

_ALONE: Final = {
    **_meaning(Keyword.STOP, "fr", "ANNULER ANNULATION FIN FINI TERMINER"),
    **_meaning(Keyword.STOP, "en", "END QUIT CANCEL"),
    **_meaning(Keyword.START, None, "START UNSTOP"),
    **_meaning(Keyword.START, "en", "YES RESUME SUBSCRIBE RESUBSCRIBE"),
    **_meaning(
        Keyword.START, "fr", "REPRENDRE REPRENEZ REPRISE DEMARRER RECOMMENCER REACTIVER REABONNER OUI"
    ),
    **_meaning(Keyword.HELP, None, "INFO INFOS CONTACT"),
    **_meaning(Keyword.HELP, "en", "HELP"),
    **_meaning(Keyword.HELP, "fr", "AIDE"),
}
"""Words that mean much else as well: by themselves, or with a sender and a word of courtesy."""

_COURTESY: Final = frozenset(
    {"SVP", "STP", "MERCI", "BONJOUR", "BONSOIR", "SALUT", "CORDIALEMENT"}
    | {"PLEASE", "PLS", "PLZ", "THANKS", "THANK", "THX", "HELLO", "HI", "HEY"}
)
_SENDER: Final = frozenset({"AU", "A", "TO", "SMS", "PUB"})
_FILL: Final = frozenset(
    _meaning(
        Keyword.STOP,
        None,
        "SMS MMS PUB PUBS PUBLICITE PUBLICITES TEXTO TEXTOS MESSAGE MESSAGES MSG MSGS MAIL MAILS SPAM SPAMS"
        " NOTIFICATION NOTIFICATIONS OFFRE OFFRES PROMO PROMOS MARKETING NEWSLETTER LISTE ABONNEMENT"
        " A AU AUX LA LE LES L DE DES D DU CE CES CET CETTE SES MES VOS VOTRE TOUT TOUS TOUTE TOUTES ET OU"
        " J JE M ME MOI TE SE VOUS NOUS S IL PLAIT VEUX VOUDRAIS SOUHAITE DEMANDE POUR QUE MAINTENANT"
        " IMMEDIATEMENT DEFINITIVEMENT ENVOI ENVOIS ENVOYER RECEVOIR ECRIRE"
        " TEXT TEXTS OFFER OFFERS ADS LIST SUBSCRIPTION I IT YOU YOUR THE THESE THIS FROM TO ALL NOW AND"
        " WANT WOULD LIKE SEND SENDING TEXTING MESSAGING CONTACTING RECEIVING GETTING SPAMMING",
    )
)

_OBJECT: Final = (
    r"(?:SMS|MMS|TEXTOS?|MESSAGES?|MSGS?|PUBS?|PUBLICITES?|OFFRES?|PROMOS?|NOTIFICATIONS?|SPAMS?)"
)
_THINGS: Final = (
    rf"(?:(?:DE|D|DES|VOS|CES|AUCUNE?|TOUS|LES|RECEVOIR) )*{_OBJECT}"
    r"(?: (?:DE|VOTRE|VOS|PUBLICITAIRES?|PART))*"
)
_PHRASES: Final = (
    (
        "fr",
        "ne plus recevoir",
        re.compile(
            rf"(?:(?:JE )?(?:(?:NE|N) )?(?:VEUX|VEUT|SOUHAITE|DESIRE) )?(?:NE )?PLUS (?:RIEN )?"
            rf"(?:RECEVOIR|RIEN RECEVOIR|{_THINGS}|RECEVOIR (?:RIEN )?{_THINGS}|ETRE CONTACTEE?)"
        ),
    ),
    (
        "fr",
        "ne plus recevoir",
        re.compile(
            rf"NE (?:M |ME )?(?:ENVOYEZ|ENVOYER|ENVOIE|CONTACTEZ|CONTACTER|ECRIVEZ|DERANGEZ) PLUS"
            rf"(?: RIEN| JAMAIS)?(?: {_THINGS})?"
        ),
    ),
    (
        "fr",
        "se retirer",
        re.compile(r"(?:RETIREZ|ENLEVEZ|SUPPRIMEZ|RETIRER) MOI(?: DE (?:VOTRE|VOS|LA) LISTES?)?"),
    ),
    ("fr", "laissez-moi", re.compile(r"(?:LAISSEZ|LAISSE|FOUTEZ)(?: MOI)?(?: LA PAIX| TRANQUILLE)(?: MOI)?")),
    ("en", "no more", re.compile(r"NO MORE (?:SMS|TEXTS?|MESSAGES?|ADS|OFFERS|SPAM)")),
    ("en", "opt out", re.compile(r"(?:I (?:WANT TO |WOULD LIKE TO )?)?OPT (?:ME )?OUT")),
    (
        "en",
        "remove me",
        re.compile(r"(?:REMOVE ME|TAKE ME OFF)(?: (?:FROM )?(?:YOUR|THE|THIS) LIST)?|LEAVE ME ALONE"),
    ),
    (
        "en",
        "do not text",
        re.compile(
            r"(?:DO NOT|DONT|DON T) (?:TEXT|MESSAGE|CONTACT|SMS|SPAM) ME(?: (?:ANYMORE|ANY MORE|AGAIN|EVER))*"
        ),
    ),
)
"""Phrases without a keyword, over folded words and without courtesy."""

_APART: Final = re.compile(r"[^A-Z0-9]+")
_LETTERS_APART: Final = re.compile(r"(?:[A-Z] ){3,}[A-Z]")
_WITH_NUMBER: Final = re.compile(r"(STOP|ARRET|START)(\d{4,6})")
_POLITE: Final = re.compile(r"\bS IL (?:VOUS|TE) PLAIT\b")
_DRAWN_OUT: Final = re.compile(r"([A-Z])\1{2,}")
_NUMBER: Final = re.compile(r"\d{2,12}")


def asked_in(text: str) -> Asked | None:
    """Return what an SMS asks for, None where it asks for nothing that is done here."""
    found = _read(text)
    if found is None and (first := text.strip().partition("\n")[0]) != text.strip():
        found = _read(first)  # a signature, or the message that is answered, follows
    return found


def asked_as(told: str) -> Asked | None:
    """Return what a provider says it has understood, in its own word (STOP, START or HELP)."""
    word = told.strip().upper()
    return Asked(Keyword(word), word) if word in Keyword.__members__ else None


def _read(text: str) -> Asked | None:
    words = _words(text)
    if not words or len(words) > _MOST_STRONG:
        return None
    plain = [word for word in words if word not in _COURTESY] or words
    return _single(plain) or _filled(plain) or _phrase(plain)


def _words(text: str) -> list[str]:
    """Fold: compatibility forms, accents, case, drawn-out letters; what is no letter or digit parts words."""
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(one for one in decomposed if not unicodedata.combining(one)).upper()
    spaced = " ".join(_APART.sub(" ", bare).split())
    if _LETTERS_APART.fullmatch(spaced):
        spaced = spaced.replace(" ", "")
    return _WITH_NUMBER.sub(r"\1 \2", _DRAWN_OUT.sub(r"\1", spaced)).split()


def _single(words: list[str]) -> Asked | None:
    """Read one keyword, with the sender it is sent to at most."""
    word, rest = words[0], words[1:]
    known = _ALONE.get(word) or _STRONG.get(word)
    if known is None or not all(one in _SENDER or _NUMBER.fullmatch(one) for one in rest):
        return None
    return Asked(known[0], word, known[1])


def _filled(words: list[str]) -> Asked | None:
    """Read a STOP among words that add nothing to it."""
    stops = [word for word in words if word in _STRONG]
    rest = [word for word in words if word not in _STRONG]
    if not stops or not all(one in _FILL or _NUMBER.fullmatch(one) for one in rest):
        return None
    word = stops[0]
    return Asked(Keyword.STOP, word, _STRONG[word][1])


def _phrase(words: list[str]) -> Asked | None:
    """Read a phrase; a keyword before or after it is no contradiction."""
    line = " ".join(_POLITE.sub("", " ".join(words)).split())
    bare = " ".join(word for word in line.split() if word != "STOP")
    for locale, name, pattern in _PHRASES:
        if pattern.fullmatch(bare):
            return Asked(Keyword.STOP, name, locale)
    return None
