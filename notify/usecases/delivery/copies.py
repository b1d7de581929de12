"""Write the copies of a newsletter: what its copies share is looked up once, and not a million times."""

from collections.abc import Mapping
from typing import Final

from notify.domain import ids
from notify.domain.campaigns import NOBODY
from notify.domain.catalogue import Channel, Topic
from notify.domain.content import EmailContent, Links
from notify.domain.delivery import CampaignErrand, Letter
from notify.domain.newsletters import Person
from notify.domain.outgoing import OutgoingEmail
from notify.domain.sending import Senders, list_unsubscribe, shared_headers
from notify.ports import Templates, Tokens

_TEST: Final = "[Test] "


class Copies:
    """Writes the copies of one newsletter by e-mail, each as its person gets it."""

    def __init__(
        self, errand: CampaignErrand, topic: Topic, templates: Templates, tokens: Tokens, senders: Senders
    ) -> None:
        """Look up what is the same for everybody."""
        self._pinned = errand.pinned
        self._topic = topic.number
        self._templates = templates
        self._tokens = tokens
        self._senders = senders
        self._by_mail = senders.mail_domain is not None
        self._sender = senders.sender(Channel.EMAIL, topic.purpose)
        self._headers = shared_headers(topic.name, topic.purpose, errand.pinned.template, self._sender)
        self._opt_out_url = senders.opt_out_url(Channel.EMAIL, "")
        self._centre_url = senders.centre_url("")

    def __call__(self, letter: Letter) -> OutgoingEmail:
        """Write one: as everybody's, with marks for what differs, where the newsletter allows it."""
        number, recipient = letter.message_id, letter.recipient_id
        token, centre, mailbox = self._tokens.of_email(recipient, self._topic, number, mailbox=self._by_mail)
        url = self._opt_out_url + token
        mailto = self._senders.opt_out_mailto(mailbox) if mailbox else None
        new = tuple.__new__  # a third of the time of the class itself
        links = new(Links, (url, self._centre_url + centre, mailto, None))
        content, substitutions = self._content(
            letter.locale, new(Person, (links, letter.name, letter.attributes))
        )
        return OutgoingEmail(
            ids.public(ids.MESSAGE, number),
            self._sender,
            letter.address or "",
            _TEST + content.subject if recipient == NOBODY else content.subject,
            content.html,
            content.text,
            {"List-Unsubscribe": list_unsubscribe(url, mailto), **self._headers},
            self._senders.reply_to,
            substitutions,
        )

    def _content(self, locale: str, person: Person) -> tuple[EmailContent, Mapping[str, str]]:
        pinned = self._pinned
        if pinned.individual:
            return self._templates.email_for(pinned, locale, person), {}
        return pinned.email(locale), pinned.substitutions(locale, person)
