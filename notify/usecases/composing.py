"""Write a message: render it, and put its links, sender and headers on."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from notify.domain import ids
from notify.domain.catalogue import Catalogue, Channel, Topic
from notify.domain.content import RECIPIENT_NAME, Links
from notify.domain.delivery import Letter
from notify.domain.outgoing import OutgoingEmail, OutgoingSms
from notify.domain.sending import Senders, mail_headers
from notify.domain.token_claims import CentreClaim, OptOutClaim
from notify.ports import Templates, Tokens

_MAX_SMS_VALIDITY: Final = 36_000  # seconds; Twilio's longest ValidityPeriod


@dataclass(frozen=True, slots=True)
class Composer:
    """Turns a letter into what a provider is handed."""

    templates: Templates
    tokens: Tokens
    catalogue: Catalogue
    senders: Senders

    def links(self, letter: Letter) -> Links:
        """Sign the links of one letter."""
        claim = OptOutClaim(letter.recipient.id, letter.topic, letter.channel, letter.message_id)
        centre = CentreClaim(letter.recipient.id, letter.message_id)
        by_mail = letter.channel is Channel.EMAIL
        return Links(
            unsubscribe=self.senders.opt_out_url(letter.channel, self.tokens.opt_out(claim)),
            centre=self.senders.centre_url(self.tokens.centre(centre)) if by_mail else None,
            mailto=self.senders.opt_out_mailto(self.tokens.mailbox(claim)) if by_mail else None,
        )

    def email(self, letter: Letter) -> OutgoingEmail:
        """Write an e-mail; the letter's recipient has an address."""
        topic = self._topic(letter)
        links = self.links(letter)
        content = self.templates.email(letter.template, letter.locale, self._data(letter), links)
        sender = self.senders.sender(Channel.EMAIL, topic.purpose)
        return OutgoingEmail(
            message_ref=ids.public(ids.MESSAGE, letter.message_id),
            sender=sender,
            to=letter.recipient.profile.email or "",
            subject=content.subject,
            html=content.html,
            text=content.text,
            headers=mail_headers(topic, letter.template, sender, links.unsubscribe, links.mailto),
            reply_to=self.senders.reply_to,
        )

    def sms(self, letter: Letter, now: datetime) -> OutgoingSms:
        """Write an SMS; the letter's recipient has a number."""
        topic = self._topic(letter)
        left = int((letter.expires_at - now).total_seconds()) if letter.expires_at else None
        return OutgoingSms(
            message_ref=ids.public(ids.MESSAGE, letter.message_id),
            sender=self.senders.sender(Channel.SMS, topic.purpose),
            to=letter.recipient.profile.phone or "",
            text=self.templates.sms(letter.template, letter.locale, self._data(letter), self.links(letter)),
            valid_for=max(1, min(left, _MAX_SMS_VALIDITY)) if left is not None else None,
        )

    def _topic(self, letter: Letter) -> Topic:
        topic = self.catalogue.numbered(letter.topic)
        if topic is None:
            raise LookupError("the topic is no longer declared")
        return topic

    def _data(self, letter: Letter) -> dict[str, Any]:
        name = letter.recipient.profile.name
        return {**letter.data, RECIPIENT_NAME: name} if name else dict(letter.data)
