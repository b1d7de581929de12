"""An e-mail as it stands on the wire (RFC 5322, RFC 2045), for SMTP and for the outbox page."""

import re
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime
from hashlib import sha256
from typing import Final

from notify.domain.outgoing import OutgoingEmail

_NAME_AND_ADDRESS: Final = re.compile(r'\s*"?(?P<name>.*?)"?\s*<(?P<address>[^<>]+)>\s*', re.DOTALL)
_DIGEST: Final = 20  # hexadecimal digits: 80 bits
_LONGEST_LINE: Final = 998  # RFC 5322, 2.1.1
_PREFERRED_LINE: Final = 78

BUILT_HERE: Final = frozenset({
    "bcc", "cc", "content-transfer-encoding", "content-type", "date", "dkim-signature", "from", "message-id",
    "mime-version", "received", "reply-to", "subject", "to",
})  # fmt: skip
"""Lower-case names of headers that the fields of a message or its transport make, never its `headers`."""


def split_sender(sender: str) -> tuple[str, str]:
    """Split `Name <address>` into name and address; the name is "" where there is none."""
    match = _NAME_AND_ADDRESS.fullmatch(sender)
    return (match["name"], match["address"].strip()) if match else ("", sender.strip())


def message_id_of(message: OutgoingEmail, at: datetime) -> str:
    """Return the Message-ID (RFC 5322, 3.6.4): our id and a digest at the sender's domain.

    Our ids start anew in each database; the moment and the signed links in the headers never come again.
    """
    domain = split_sender(message.sender)[1].rpartition("@")[2]
    once = "\n".join((message.message_ref, at.isoformat(), *message.headers.values()))
    return f"<{message.message_ref}.{sha256(once.encode()).hexdigest()[:_DIGEST]}@{domain}>"


def needs_smtputf8(message: OutgoingEmail) -> bool:
    """Whether an address is not ASCII, so that only SMTPUTF8 (RFC 6531) can carry it."""
    return not (split_sender(message.sender)[1] + message.to + (message.reply_to or "")).isascii()


def mime_message(message: OutgoingEmail, *, message_id: str, date: datetime) -> bytes:
    """Build the message: plain text and HTML as alternatives, lines end in CRLF.

    Raises ValueError for a header that holds a line break.
    """
    mail = EmailMessage(policy=_POLICY.clone(utf8=needs_smtputf8(message)))
    mail["From"] = _address(message.sender)
    mail["To"] = _address(message.to)
    if message.reply_to:
        mail["Reply-To"] = _address(message.reply_to)
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(date)
    mail["Message-ID"] = message_id
    for name, value in message.headers.items():
        if name.lower() not in BUILT_HERE:
            mail[name] = value
    # Quoted-printable keeps lines short and 7-bit: no server needs 8BITMIME.
    mail.set_content(message.text, cte="quoted-printable")
    mail.add_alternative(message.html, subtype="html", cte="quoted-printable")
    return mail.as_bytes()


def _address(text: str) -> Address:
    """Parse `Name <address>`; `Address(addr_spec=…)` would refuse a local part that is not ASCII."""
    name, address = split_sender(text)
    user, _, domain = address.rpartition("@")
    return Address(name, username=user, domain=domain)


class _WholeUrls(EmailPolicy):
    """Folds an ASCII header only between the URLs of a list.

    The standard policy writes a word that is longer than a line as RFC 2047 encoded words, which no mail
    client reads in List-Unsubscribe.
    """

    def fold_binary(self, name: str, value: str) -> bytes:
        """Return the header with its line end."""
        plain = f"{name}: {value}"
        if not plain.isascii() or max(map(len, plain.split(" "))) <= _PREFERRED_LINE - len(name):
            return super().fold_binary(name, value)
        folded = plain.replace(">, <", ">,\r\n <")
        if max(map(len, folded.split("\r\n"))) > _LONGEST_LINE:
            raise ValueError(f"the header {name} is longer than a line may be")
        return folded.encode("ascii") + b"\r\n"


_POLICY: Final = _WholeUrls(linesep=SMTP.linesep, raise_on_defect=False)
