"""Who messages come from, where their links point, and the headers that go with an e-mail."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from functools import lru_cache
from typing import Final

from notify.domain.catalogue import Channel, Purpose, Topic
from notify.domain.sms_senders import SmsSenders

UNSUBSCRIBE_MAILBOX: Final = "unsubscribe-"
"""What the local part of the `mailto:` address begins with; the token follows."""


@dataclass(frozen=True, slots=True)
class Senders:
    """The senders of an installation; marketing has its own, so that a block on one never stops the other."""

    public_url: str
    sms_url: str
    email: str
    email_marketing: str
    sms: SmsSenders
    reply_to: str | None = None
    mail_domain: str | None = None

    def sender(self, channel: Channel, purpose: Purpose, phone_country: str | None = None) -> str:
        """Return the sender of a channel for a purpose, and of SMS for the country of a number."""
        if channel is Channel.SMS:
            return self.sms.of(phone_country, purpose).sender
        return self.email_marketing if purpose is Purpose.MARKETING else self.email

    @property
    def shop(self) -> str:
        """The shop's name, as its e-mails are from."""
        return parseaddr(self.email)[0] or parseaddr(self.email)[1].rpartition("@")[2]

    def opt_out_url(self, channel: Channel, token: str) -> str:
        """Return the address that stops what the token is about; one spelling, no redirect."""
        base = self.public_url if channel is Channel.EMAIL else self.sms_url
        return f"{base}/u/{token}"

    def confirm_url(self, channel: Channel, token: str) -> str:
        """Return the address where a person confirms what they asked for."""
        base = self.public_url if channel is Channel.EMAIL else self.sms_url
        return f"{base}/confirm/{token}"

    def centre_url(self, token: str) -> str:
        """Return the address of the preference centre."""
        return f"{self.public_url}/preferences/{token}"

    def opt_out_mailto(self, mailbox_token: str) -> str | None:
        """Return the mail address that stops it too; None where no mail is received."""
        if self.mail_domain is None:
            return None
        return f"{UNSUBSCRIBE_MAILBOX}{mailbox_token}@{self.mail_domain}"


def mail_headers(
    topic: Topic, template: str, sender: str, unsubscribe_url: str, mailto: str | None
) -> dict[str, str]:
    """Return the headers of one e-mail."""
    shared = shared_headers(topic.name, topic.purpose, template, sender)
    return {"List-Unsubscribe": list_unsubscribe(unsubscribe_url, mailto), **shared}


def list_unsubscribe(unsubscribe_url: str, mailto: str | None) -> str:
    """Return the header that is each message's own (RFC 2369)."""
    by_mail = f", <mailto:{mailto}?subject=unsubscribe>" if mailto else ""
    return f"<{unsubscribe_url}>{by_mail}"


@lru_cache(maxsize=256)
def shared_headers(topic: str, purpose: Purpose, template: str, sender: str) -> Mapping[str, str]:
    """Return the headers that do not differ from person to person: a million newsletters share them.

    RFC 8058 (one-click), 2919 (List-Id), 3834 (Auto-Submitted), and Gmail's Feedback-ID.
    """
    domain = parseaddr(sender)[1].rpartition("@")[2]
    headers = {
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "List-Id": f"<{topic}.{domain}>",
        "Feedback-ID": f"{template}:{topic}:{purpose}:{_feedback_sender(domain)}",
    }
    if purpose is Purpose.TRANSACTIONAL:
        headers["Auto-Submitted"] = "auto-generated"
    return headers


def _feedback_sender(domain: str) -> str:
    """Return Gmail's SenderId: 5 to 15 characters, the same on every mail of the domain."""
    return domain.split(".")[-2][:15].ljust(5, "-") if "." in domain else "notify"
