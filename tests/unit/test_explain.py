import string
from datetime import UTC, datetime
from itertools import product

import pytest

from notify.domain.catalogue import LOCALES, Channel, Purpose, Topic
from notify.domain.explain import MessageFacts, explain
from notify.domain.explanations import NOT_RENDERED, TEXTS
from notify.domain.status import Reason, Status
from notify.domain.suppressions import REASONS

ORDERS = Topic(
    number=1,
    name="order_updates",
    purpose=Purpose.TRANSACTIONAL,
    title={"en": "Order updates", "fr": "Suivi de vos commandes"},
    description={},
    frequency={},
)
NEWS = Topic(
    number=2,
    name="company_news",
    purpose=Purpose.MARKETING,
    title={"en": "Smarttontine news"},
    description={},
    frequency={},
)
NOW = datetime(2026, 5, 12, 8, 30, tzinfo=UTC)
ENDS = datetime(2026, 6, 11, 8, 30, tzinfo=UTC)
LEFT = MessageFacts(
    status=Status.SKIPPED,
    channel=Channel.SMS,
    reason=Reason.UNSUBSCRIBED,
    topic=ORDERS,
    recipient_name="Awa",
    at=NOW,
    optout_source="link",
    optout_at=datetime(2026, 5, 3, tzinfo=UTC),
    optout_reference="order-99811",
)


def left(**facts: object) -> MessageFacts:
    known = {name: getattr(LEFT, name) for name in MessageFacts.__dataclass_fields__}
    return MessageFacts(**{**known, **facts})


def test_the_sentence_of_the_contract() -> None:
    assert explain(LEFT, "en") == (
        "Not sent: Awa unsubscribed from order updates by SMS on 3 May, with the link in order 99811's SMS."
    )


def test_the_same_in_french() -> None:
    assert explain(LEFT, "fr") == (
        "Non envoyé\u00a0: Awa a arrêté «\u00a0Suivi de vos commandes\u00a0» par SMS le 3 mai,"
        " avec le lien du SMS de la commande 99811."
    )


@pytest.mark.parametrize(
    ("facts", "english", "french"),
    [
        (left(recipient_name=None), "the recipient unsubscribed", "le destinataire a arrêté"),
        (left(topic=None), "from this topic by SMS", "a arrêté ce sujet par SMS"),
        (left(topic=NEWS), "from “Smarttontine news”", "arrêté «\u00a0company_news\u00a0»"),
        (
            left(channel=Channel.EMAIL),
            "the link in order 99811's e-mail",
            "le lien de l’e-mail de la commande 99811",
        ),
        (left(optout_reference="99811"), "order 99811's SMS", "la commande 99811."),
        (left(optout_reference="Commande #FR-99811"), "order FR-99811's SMS", "la commande FR-99811."),
        (left(optout_reference="spring greetings"), "with the link in an SMS.", "avec le lien d’un SMS."),
        (left(optout_reference=None), "with the link in an SMS.", "avec le lien d’un SMS."),
        (
            left(optout_source="one_click", channel=Channel.EMAIL),
            "unsubscribe button on order 99811's",
            "bouton de désinscription",
        ),
        (
            left(optout_source="mailto"),
            "by a mail to the unsubscribe address in order",
            "par un e-mail à l’adresse de désinscription du SMS",
        ),
        (
            left(optout_source="preference_centre"),
            ", in the preference centre.",
            "dans le centre de préférences.",
        ),
        (left(optout_source="stop"), "on 3 May, by answering STOP.", "le 3 mai, en répondant STOP."),
        (left(optout_source="undo"), "taking an earlier choice back.", "en revenant sur un choix."),
        (
            left(optout_source="call centre, agent 7"),
            "on 3 May, as the shop recorded.",
            "la boutique l’a noté.",
        ),
        (left(optout_source=None), "by SMS on 3 May.", "par SMS le 3 mai."),
        (
            left(optout_source=None, optout_at=None),
            "Not sent: this phone number was unsubscribed from order updates.",
            "«\u00a0Suivi de vos commandes\u00a0» a été arrêté pour ce numéro de téléphone.",
        ),
        (
            left(optout_at=datetime(2025, 12, 1, tzinfo=UTC)),
            "on 1 December 2025, with",
            "le 1er décembre 2025, avec",
        ),
    ],
)
def test_who_left_when_and_how(facts: MessageFacts, english: str, french: str) -> None:
    assert english in explain(facts, "en")
    assert french in explain(facts, "fr")


@pytest.mark.parametrize(
    ("facts", "english", "french"),
    [
        (
            MessageFacts(Status.SCHEDULED, Channel.SMS, Reason.OUTSIDE_HOURS, at=NOW, due_at=NOW),
            "to be sent on 12 May at 08:30 UTC.",
            "l’envoi est prévu le 12 mai à 08:30 UTC.",
        ),
        (
            MessageFacts(
                Status.SCHEDULED, Channel.SMS, Reason.OUTSIDE_HOURS, topic=ORDERS, at=NOW, due_at=NOW
            ),
            "it is late, and is to wake nobody; it is to be sent on 12 May at 08:30 UTC.",
            "ne doit réveiller personne\u00a0; l’envoi est prévu le 12 mai à 08:30 UTC.",
        ),
        (
            MessageFacts(Status.EXPIRED, Channel.SMS, Reason.OUTSIDE_HOURS, topic=ORDERS, expires_at=NOW),
            "it was late, and expired on 12 May at 08:30 UTC, before the morning.",
            "il était en retard et a expiré le 12 mai à 08:30 UTC, avant le matin.",
        ),
        (MessageFacts(Status.SCHEDULED, Channel.SMS), "to be sent later.", "prévu plus tard."),
        (
            MessageFacts(Status.SCHEDULED, Channel.SMS, attempts=1, detail="20429", due_at=NOW),
            "tried again on 12 May at 08:30 UTC, after one try (20429).",
            "le 12 mai à 08:30 UTC, après un essai (20429).",
        ),
        (
            MessageFacts(Status.QUEUED, Channel.SMS, attempts=2),
            "tried again, after 2 tries.",
            "après 2 essais.",
        ),
        (
            MessageFacts(Status.SENT, Channel.EMAIL, provider="sendgrid", at=NOW),
            "SendGrid accepted it on 12 May",
            "SendGrid l’a accepté le 12 mai",
        ),
        (MessageFacts(Status.SENDING, Channel.EMAIL, provider="smtp"), "the SMTP server", "le serveur SMTP"),
        (MessageFacts(Status.SENDING, Channel.EMAIL, provider="pigeon"), "by pigeon", "par pigeon"),
        (MessageFacts(Status.SENDING, Channel.EMAIL), "by the provider", "par le prestataire"),
        (
            MessageFacts(
                Status.SENDING, Channel.SMS, provider="twilio", detail="20429", due_at=NOW, attempts=2
            ),
            "Waiting: Twilio did not take it (20429); next try on 12 May at 08:30 UTC.",
            "En attente\u00a0: Twilio ne l’a pas pris (20429)\u00a0; prochain essai le 12 mai à 08:30 UTC.",
        ),
        (
            MessageFacts(Status.SENT, Channel.SMS, provider="outbox", at=NOW),
            "Kept by the local outbox on 12 May: nothing was sent.",
            "Gardé par la boîte d’envoi locale le 12 mai\u00a0: rien n’a été envoyé.",
        ),
        (
            MessageFacts(Status.SENT, Channel.EMAIL, provider="smtp", at=NOW),
            "the SMTP server accepted it on 12 May; it does not report deliveries.",
            "le serveur SMTP l’a accepté le 12 mai\u00a0; il ne signale pas les remises.",
        ),
        (
            MessageFacts(Status.FAILED, Channel.SMS, provider="twilio", detail="21211", attempts=1),
            "Twilio refused it (21211).",
            "Twilio l’a refusé (21211).",
        ),
        (
            MessageFacts(Status.FAILED, Channel.SMS, provider="twilio", detail="30003", handed_over=True),
            "Failed: Twilio took it, but it was not delivered (30003).",
            "Twilio l’a pris, mais il n’a pas été remis (30003).",
        ),
        (
            MessageFacts(Status.FAILED, Channel.SMS, detail=NOT_RENDERED),
            "Failed: nothing was sent (its template could not be filled in).",
            "Échec\u00a0: rien n’a été envoyé (son modèle n’a pas pu être rempli).",
        ),
        (
            MessageFacts(
                Status.FAILED,
                Channel.SMS,
                attempts=5,
                detail="gave up after 5 attempts: 503 Service Unavailable",
            ),
            "did not leave in 5 tries (503 Service Unavailable).",
            "en 5 essais (503 Service Unavailable).",
        ),
        (
            MessageFacts(
                Status.FAILED, Channel.SMS, provider="twilio", attempts=2, detail="21211", doubted=True
            ),
            "Twilio refused it in the end (21211), but an earlier try may have arrived.",
            "Twilio l’a finalement refusé (21211), mais un essai précédent est peut-être arrivé.",
        ),
        (
            left(attempts=1, doubted=True),
            "with the link in order 99811's SMS; an earlier try may have arrived.",
            "Non renvoyé\u00a0: Awa a arrêté",
        ),
        (
            MessageFacts(Status.CANCELLED, Channel.SMS, attempts=1, doubted=True),
            "Not sent again: it was cancelled; an earlier try may have arrived.",
            "annulé\u00a0; un essai précédent est peut-être arrivé.",
        ),
        (
            left(elsewhere=True),
            "number was unsubscribed from order updates on 3 May, with the link in order 99811's SMS, under",
            "arrêté pour ce numéro de téléphone le 3 mai, avec le lien du SMS de la commande 99811, sous",
        ),
        (
            MessageFacts(Status.SKIPPED, Channel.SMS, Reason.DUPLICATE_ADDRESS),
            "this phone number stands under another recipient id too, and a campaign writes to it once.",
            "ce numéro de téléphone figure aussi sous un autre identifiant",
        ),
        (MessageFacts(Status.FAILED, Channel.SMS, attempts=7), "did not leave in 7 tries.", "en 7 essais."),
        (
            MessageFacts(Status.EXPIRED, Channel.SMS, attempts=2, expires_at=NOW),
            "expired on 12 May at 08:30 UTC, after 2 tries.",
            "le 12 mai à 08:30 UTC, après 2 essais.",
        ),
        (MessageFacts(Status.EXPIRED, Channel.SMS), "it expired, before", "il a expiré, avant"),
        (
            MessageFacts(Status.SKIPPED, Channel.EMAIL, Reason.NO_ADDRESS, recipient_name="Awa"),
            "no e-mail address is known for Awa.",
            "aucune adresse e-mail n’est connue pour Awa.",
        ),
        (
            MessageFacts(Status.SKIPPED, Channel.SMS, Reason.SUPPRESSED, detail="hard_bounce"),
            "to this phone number any more (hard_bounce).",
            "vers ce numéro de téléphone (hard_bounce).",
        ),
        (
            left(reason=Reason.SUPPRESSED, barred_by="pause", barred_at=NOW, barred_until=ENDS),
            "Not sent: Awa paused news and offers on 12 May until 11 June.",
            "Awa a mis les nouvelles et les offres en pause le 12 mai jusqu’au 11 juin.",
        ),
        (
            left(reason=Reason.SUPPRESSED, barred_by="stop", barred_at=datetime(2026, 5, 3, tzinfo=UTC)),
            "Not sent: Awa answered STOP to an SMS on 3 May.",
            "Awa a répondu STOP à un SMS le 3 mai.",
        ),
        (
            left(reason=Reason.SUPPRESSED, barred_by="of a later version"),
            "nothing of this kind goes to this phone number any more",
            "rien de tel ne part plus vers ce numéro de téléphone",
        ),
        (
            MessageFacts(Status.BOUNCED, Channel.EMAIL, at=NOW, detail="550 5.1.1"),
            "Bounced on 12 May: the e-mail address did not take it (550 5.1.1).",
            "l’adresse e-mail ne l’a pas accepté (550 5.1.1).",
        ),
    ],
)
def test_what_is_known_is_said(facts: MessageFacts, english: str, french: str) -> None:
    assert english in explain(facts, "en")
    assert french in explain(facts, "fr")


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("bare", [True, False])
def test_every_status_with_every_reason_is_one_sentence(locale: str, bare: bool) -> None:  # noqa: FBT001 - a parameter
    for status, reason, channel, attempts in product(Status, (None, *Reason), Channel, (0, 1, 3)):
        facts = MessageFacts(status, channel, reason, attempts=attempts)
        if not bare:
            facts = left(
                status=status,
                reason=reason,
                channel=channel,
                attempts=attempts,
                provider="twilio",
                detail="30003",
                due_at=NOW,
                expires_at=NOW,
            )
        sentence = explain(facts, locale)
        assert sentence.endswith(".")
        assert sentence.count(".") == 1
        assert sentence[0].isupper()
        assert not {"{", "}", "None"} & set(sentence.split())
        assert "  " not in sentence


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("reason", REASONS)
def test_every_suppression_has_a_sentence_of_its_own(locale: str, reason: str) -> None:
    plain = left(reason=Reason.SUPPRESSED)
    known = left(reason=Reason.SUPPRESSED, barred_by=reason)
    assert explain(known, locale) != explain(plain, locale)
    assert explain(known, locale).count(".") == 1


@pytest.mark.parametrize("provider", ["outbox", "smtp"])
@pytest.mark.parametrize("status", [Status.SENT, Status.UNKNOWN])
def test_no_report_is_promised_by_who_sends_none(status: Status, provider: str) -> None:
    facts = MessageFacts(status, Channel.EMAIL, provider=provider, at=NOW, attempts=1)
    for locale, promises in (("en", ("yet", "will settle")), ("fr", ("encore", "trancheront"))):
        assert not [word for word in promises if word in explain(facts, locale)]
    if provider == "outbox":
        assert "nothing was sent" in explain(facts, "en")
        assert "rien n’a été envoyé" in explain(facts, "fr")


@pytest.mark.parametrize("locale", LOCALES)
def test_every_reason_to_skip_has_a_sentence_of_its_own(locale: str) -> None:
    sentences = {
        explain(MessageFacts(Status.SKIPPED, Channel.SMS, reason), locale) for reason in (None, *Reason)
    }
    assert len(sentences) == len(Reason) + 1
    assert len({explain(MessageFacts(status, Channel.SMS), locale) for status in Status}) == len(Status)


def test_both_languages_say_the_same() -> None:
    english, french = TEXTS["en"], TEXTS["fr"]
    assert english.keys() == french.keys()
    for key in english:
        assert placeholders(english[key]) == placeholders(french[key]), key


def placeholders(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_another_language_gets_french_and_a_name_is_no_format() -> None:
    assert explain(LEFT, "wo") == explain(LEFT, "fr")
    assert "{topic} unsubscribed from order updates" in explain(left(recipient_name="{topic}"), "en")


def test_an_sms_has_a_link_and_no_button() -> None:
    assert explain(left(optout_source="one_click"), "en") == explain(LEFT, "en")
    assert "unsubscribe button" in explain(left(optout_source="one_click", channel=Channel.EMAIL), "en")
