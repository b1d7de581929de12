"""Mails to the `mailto:` address, as SendGrid's inbound parse posts them: the token decides, nothing else."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tests.e2e.raw_http import RawAnswer, exchange, request

HOOK: Final = "/webhooks/sendgrid/inbound"
_BOUNDARY: Final = "xYzZY"


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail; `fields` makes the form's fields from the person's `mailto:` address."""

    name: str
    fields: Callable[[str], Mapping[str, str]]
    stops: bool = True
    attachment: bytes = b""

    def post(self, port: int, mailbox: str) -> RawAnswer:
        """Post it to the webhook, as SendGrid does."""
        parts = [
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in {**_ALWAYS, **self.fields(mailbox)}.items()
        ]
        file = (
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="attachment1"; filename="a.pdf"\r\n\r\n'
        )
        attached = [file.encode() + self.attachment + b"\r\n"] if self.attachment else []
        body = b"".join(["".join(parts).encode(), *attached, f"--{_BOUNDARY}--\r\n".encode()])
        kind = f"Content-Type: multipart/form-data; boundary={_BOUNDARY}"
        return exchange(port, request("POST", HOOK, body, [kind]))


_ALWAYS: Final = {
    "headers": "Received: by mx.example.net",
    "from": "Somebody Else <somebody.else@example.net>",
    "subject": "unsubscribe",
    "charsets": '{"to":"UTF-8","from":"UTF-8"}',
    "SPF": "fail",
    "dkim": "{@example.net : fail}",
}
"""The sender is never the person: nobody looks."""


def envelope(*to: str) -> str:
    return json.dumps({"to": list(to), "from": "somebody.else@example.net"})


MAILS: Final = (
    Mail("From forged, To plain", lambda box: {"to": box, "envelope": envelope(box)}),
    Mail("To with a name and angle brackets", lambda box: {"to": f'"Arrêter" <{box}>'}),
    Mail("To in capitals", lambda box: {"to": box.upper()}),
    Mail("several in To", lambda box: {"to": f"a@example.org, B <b@example.org>, {box}"}),
    Mail("To of a list, envelope ours", lambda box: {"to": "list@example.org", "envelope": envelope(box)}),
    Mail(
        "60 others in To, envelope ours", lambda box: {"to": "a@example.org," * 60, "envelope": envelope(box)}
    ),
    Mail("raw, 3 MB", lambda box: {"email": "x" * 3_000_000, "to": box, "envelope": envelope(box)}),
    Mail("attachment of 20 MB", lambda box: {"to": box, "text": "stop"}, attachment=b"%PDF" * 5_000_000),
    Mail("called spam", lambda box: {"to": box, "spam_score": "12.3", "spam_report": "SPAM"}),
    Mail("token in the subject only", lambda box: {"to": "a@example.org", "subject": box}, stops=False),
    Mail("an earlier domain", lambda box: {"to": box.replace("mail.example.org", "example.net")}),
    Mail("token with a tail", lambda box: {"to": box.replace("@", "a@")}, stops=False),
    Mail("token with a tag after +", lambda box: {"to": box.replace("@", "+x@")}, stops=False),
    Mail("no address", lambda _: {"envelope": "not JSON"}, stops=False),
)
