"""Messages ready to be handed to a provider."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache


@dataclass(slots=True)
class OutgoingEmail:
    """One e-mail to one person. `message_ref` is our public message id, safe to give to a provider.

    `substitutions` are the marks in subject, HTML and text that stand for what differs from person to
    person, each with what is to be read in its place. Many messages can so share their texts.
    """

    message_ref: str
    sender: str
    to: str
    subject: str
    html: str
    text: str
    headers: Mapping[str, str]
    reply_to: str | None = None
    substitutions: Mapping[str, str] = field(default_factory=dict)

    def filled(self) -> "OutgoingEmail":
        """Return the same e-mail with every mark replaced, for providers that cannot do it themselves."""
        if not self.substitutions:
            return self
        return replace(
            self,
            subject=fill(self.subject, self.substitutions),
            html=fill(self.html, self.substitutions),
            text=fill(self.text, self.substitutions),
            substitutions={},
        )


def fill(text: str, substitutions: Mapping[str, str]) -> str:
    """Replace every mark in one pass: what is put in is never read for marks again."""
    if not substitutions:
        return text
    return _any_of(tuple(substitutions)).sub(lambda match: substitutions[match[0]], text)


@lru_cache(maxsize=64)
def _any_of(marks: tuple[str, ...]) -> re.Pattern[str]:
    """Return what finds each of the marks, the longest first where one begins another."""
    return re.compile("|".join(re.escape(mark) for mark in sorted(marks, key=len, reverse=True)))


@dataclass(frozen=True, slots=True)
class OutgoingSms:
    """One SMS to one person; `sender` is a number, an alphanumeric id or a Messaging Service SID.

    `valid_for` is how many seconds the provider may keep trying.
    """

    message_ref: str
    sender: str
    to: str
    text: str
    valid_for: int | None = None


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """One message as the local outbox kept it, instead of a provider taking it."""

    id: int
    kept_at: datetime
    message: OutgoingEmail | OutgoingSms
