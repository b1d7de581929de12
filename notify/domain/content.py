"""What a template is and what it renders to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, NamedTuple

from notify.domain.catalogue import Channel

RECIPIENT_NAME: Final = "_recipient_name"
"""The key of `data` under which templates find the recipient's name; callers cannot set it."""


@dataclass(frozen=True, slots=True)
class TemplateInfo:
    """What can be sent: a template's topic, channels, languages, and the JSON Schema of its data.

    A template of campaigns has no topic: it takes the campaign's, and its data is one language's content.
    `expires_after` is counted from the moment it was to be sent; `supersedes` names the templates whose
    waiting messages of the same reference it drops.
    """

    name: str
    topic: str | None
    channels: tuple[Channel, ...]
    locales: tuple[str, ...]
    data_schema: Mapping[str, Any]
    expires_after: timedelta | None = None
    supersedes: tuple[str, ...] = ()


class Links(NamedTuple):
    """The links a message carries: `mailto` is a bare address. None stands where there is none.

    `stop` is the short code that STOP goes to, "" where it is an answer, None where none would arrive.
    """

    unsubscribe: str
    centre: str | None = None
    mailto: str | None = None
    stop: str | None = None


@dataclass(frozen=True, slots=True)
class EmailContent:
    """A rendered e-mail."""

    subject: str
    html: str
    text: str


@dataclass(frozen=True, slots=True)
class Segments:
    """How an SMS is billed: encoding, number of segments, and the characters that forced UCS-2."""

    encoding: str
    segments: int
    culprits: tuple[str, ...]
