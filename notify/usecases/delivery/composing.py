"""Write a message: render it, and put its links, sender and headers on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from notify.domain import ids
from notify.domain.campaigns import NOBODY
from notify.domain.catalogue import Catalogue, Channel, Purpose, Topic
from notify.domain.content import RECIPIENT_NAME, Links
from notify.domain.delivery import CampaignErrand, Letter, NotificationErrand
from notify.domain.newsletters import Person, Pinned
from notify.domain.outgoing import OutgoingEmail, OutgoingSms
from notify.domain.sending import Senders, mail_headers
from notify.domain.token_claims import CentreClaim, OptOutClaim
from notify.ports import Templates, Tokens

_MAX_SMS_VALIDITY: Final = 36_000  # seconds; Twilio's longest ValidityPeriod

_LATE: Final = 2**31
"""The number of a recipient or a message that is not reached soon: its links are longest."""

_TEST: Final = "[Test] "


@dataclass(frozen=True, slots=True)
class Composer:
    """Turns a letter into what a provider is handed."""

    templates: Templates
    tokens: Tokens
    catalogue: Catalogue
    senders: Senders

    def sender(self, letter: Letter) -> str:
        """Return who a letter comes from."""
        return self.senders.sender(letter.channel, self._purpose(letter), letter.phone_country)

    def is_marketing(self, letter: Letter) -> bool:
        """Whether a letter is about a topic of marketing, or about one that is no longer declared."""
        topic = self.catalogue.numbered(letter.topic)
        return topic is None or topic.purpose is Purpose.MARKETING

    def links(self, letter: Letter) -> Links:
        """Sign the links of one letter."""
        claim = OptOutClaim(letter.recipient_id, letter.topic, letter.channel, letter.message_id)
        if letter.channel is Channel.SMS:
            stop = self.senders.sms.of(letter.phone_country, self._purpose(letter)).stop
            return Links(self.senders.opt_out_url(Channel.SMS, self.tokens.opt_out(claim)), stop=stop)
        mailto = None
        if self.senders.mail_domain is None:
            token = self.tokens.opt_out(claim)
        else:
            token, mailbox = self.tokens.opt_out_with_mailbox(claim)
            mailto = self.senders.opt_out_mailto(mailbox)
        centre = self.tokens.centre(CentreClaim(letter.recipient_id, letter.message_id))
        return Links(
            unsubscribe=self.senders.opt_out_url(Channel.EMAIL, token),
            centre=self.senders.centre_url(centre),
            mailto=mailto,
        )

    def sample_sms_links(self, topic: int, country: str | None) -> tuple[Links, Links]:
        """Return the shortest and the longest links that SMS of marketing have which go to a country."""
        stop = self.senders.sms.of(country, Purpose.MARKETING).stop
        first, last = (
            Links(self.senders.opt_out_url(Channel.SMS, self.tokens.opt_out(claim)), stop=stop)
            for claim in (OptOutClaim(one, topic, Channel.SMS, one) for one in (NOBODY, _LATE))
        )
        return first, last

    def email(self, letter: Letter) -> OutgoingEmail:
        """Write an e-mail; the letter has an address."""
        topic = self._topic(letter)
        links = self.links(letter)
        errand = letter.errand
        if isinstance(errand, CampaignErrand):
            return self._newsletter(letter, errand.pinned, topic, links)
        content = self.templates.email(errand.template, letter.locale, _data(letter, errand), links)
        sender = self.sender(letter)
        return OutgoingEmail(
            message_ref=ids.public(ids.MESSAGE, letter.message_id),
            sender=sender,
            to=letter.address or "",
            subject=content.subject,
            html=content.html,
            text=content.text,
            headers=mail_headers(topic, errand.template, sender, links.unsubscribe, links.mailto),
            reply_to=self.senders.reply_to,
        )

    def sms(self, letter: Letter, now: datetime, ends: datetime | None = None) -> OutgoingSms:
        """Write an SMS; the letter has a number. `ends`: when it must have arrived."""
        links = self.links(letter)
        errand = letter.errand
        ends = min((at for at in (ends, errand.expires_at) if at), default=None)
        left = int((ends - now).total_seconds()) if ends else None
        if isinstance(errand, NotificationErrand):
            text = self.templates.sms(errand.template, letter.locale, _data(letter, errand), links)
        else:
            text = self.templates.sms_for(errand.pinned, letter.locale, _person(letter, links))
        return OutgoingSms(
            message_ref=ids.public(ids.MESSAGE, letter.message_id),
            sender=self.sender(letter),
            to=letter.address or "",
            text=text,
            valid_for=max(1, min(left, _MAX_SMS_VALIDITY)) if left is not None else None,
        )

    def _newsletter(self, letter: Letter, pinned: Pinned, topic: Topic, links: Links) -> OutgoingEmail:
        """Write one copy: as everybody's, with marks for what differs, where the newsletter allows it."""
        person = _person(letter, links)
        substitutions: Mapping[str, str] = {}
        if pinned.individual:
            content = self.templates.email_for(pinned, letter.locale, person)
        else:
            content = pinned.email(letter.locale)
            substitutions = pinned.substitutions(letter.locale, person)
        sender = self.senders.sender(Channel.EMAIL, topic.purpose)
        return OutgoingEmail(
            message_ref=ids.public(ids.MESSAGE, letter.message_id),
            sender=sender,
            to=letter.address or "",
            subject=_TEST + content.subject if letter.recipient_id == NOBODY else content.subject,
            html=content.html,
            text=content.text,
            headers=mail_headers(topic, pinned.template, sender, links.unsubscribe, links.mailto),
            reply_to=self.senders.reply_to,
            substitutions=substitutions,
        )

    def _purpose(self, letter: Letter) -> Purpose:
        return Purpose.MARKETING if self.is_marketing(letter) else Purpose.TRANSACTIONAL

    def _topic(self, letter: Letter) -> Topic:
        topic = self.catalogue.numbered(letter.topic)
        if topic is None:
            raise LookupError("the topic is no longer declared")
        return topic


def _data(letter: Letter, errand: NotificationErrand) -> dict[str, Any]:
    return {**errand.data, RECIPIENT_NAME: letter.name} if letter.name else dict(errand.data)


def _person(letter: Letter, links: Links) -> Person:
    return Person(links, letter.name, letter.attributes)
