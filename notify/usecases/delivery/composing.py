"""Write a message: render it, and put its links, sender and headers on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from notify.domain import ids
from notify.domain.campaigns import NOBODY
from notify.domain.catalogue import Catalogue, Channel, Purpose, Topic
from notify.domain.content import RECIPIENT_NAME, Links
from notify.domain.delivery import CampaignErrand, Letter, NotificationErrand
from notify.domain.newsletters import Person
from notify.domain.outgoing import OutgoingEmail, OutgoingSms
from notify.domain.sending import Senders, mail_headers
from notify.domain.token_claims import OptOutClaim
from notify.ports import Templates, Tokens
from notify.usecases.delivery.copies import Copies

_MAX_SMS_VALIDITY: Final = 36_000  # seconds; Twilio's longest ValidityPeriod

_LATE: Final = 2**31
"""The number of a recipient or a message that is not reached soon: its links are longest."""


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
        by_sms = letter.channel is Channel.SMS
        stop = self.senders.sms.of(letter.phone_country, self._purpose(letter)).stop if by_sms else None
        claim = OptOutClaim(letter.recipient_id, letter.topic, letter.channel, letter.message_id)
        return self._signed(claim, stop)

    def _signed(self, claim: OptOutClaim, stop: str | None = None) -> Links:
        if claim.channel is Channel.SMS:
            return Links(self.senders.opt_out_url(Channel.SMS, self.tokens.opt_out(claim)), stop=stop)
        token, centre, mailbox = self.tokens.of_email(
            claim.recipient, claim.topic, claim.message, mailbox=self.senders.mail_domain is not None
        )
        return Links(
            unsubscribe=self.senders.opt_out_url(Channel.EMAIL, token),
            centre=self.senders.centre_url(centre),
            mailto=self.senders.opt_out_mailto(mailbox) if mailbox else None,
        )

    def sample_links(self) -> Mapping[Channel, Links]:
        """Return links for previews: they answer, and change nothing."""
        return {channel: self._signed(OptOutClaim(NOBODY, 1, channel, 0)) for channel in Channel}

    def sample_sms_links(self, topic: int, country: str | None) -> tuple[Links, Links]:
        """Return the shortest and the longest links that SMS of marketing have which go to a country."""
        stop = self.senders.sms.of(country, Purpose.MARKETING).stop
        first, last = (
            self._signed(OptOutClaim(one, topic, Channel.SMS, one), stop) for one in (NOBODY, _LATE)
        )
        return first, last

    def emails(self, first: Letter) -> Callable[[Letter], OutgoingEmail]:
        """Return what writes the e-mails of a dispatch, given one of its letters; they have addresses."""
        if isinstance(first.errand, CampaignErrand):
            return Copies(first.errand, self._topic(first), self.templates, self.tokens, self.senders)
        return self._email

    def _email(self, letter: Letter) -> OutgoingEmail:
        topic = self._topic(letter)
        links = self.links(letter)
        errand = letter.errand
        if not isinstance(errand, NotificationErrand):
            raise TypeError("no dispatch has letters of notifications and of a campaign")
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
