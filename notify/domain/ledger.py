"""The ledger of consent: what an entry says, and how preferences follow from it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from notify.domain.catalogue import Channel
from notify.domain.recipients import PolicyAcceptance
from notify.domain.requests import Proof

ONE_CLICK: Final = "one_click"
"""A POST to the link that came from no form of ours: a mail program's button (RFC 8058)."""

LINK: Final = "link"
"""The button on the page behind the link."""

MAILTO: Final = "mailto"
"""A mail to the address in `List-Unsubscribe`."""

PREFERENCE_CENTRE: Final = "preference_centre"

COMPLAINT: Final = "complaint"
"""The message was reported as spam."""

PROVIDER: Final = "provider"
"""The provider's own unsubscribe link; also how it came to bar a number, in a proof."""

DOUBLE_OPT_IN: Final = "double_opt_in"
"""A link sent to the address, used to confirm that its owner wants to subscribe."""

SHOP: Final = "shop"
"""The way of a choice that the shop passed on; its proof says where the shop has it from."""

UNDO: Final = "undo"
"""The way of an entry that takes others back; the preference is again what it was before them."""

STOP: Final = "stop"
START: Final = "start"
PAUSE: Final = "pause"
RESUME: Final = "resume"
PAUSE_END: Final = "pause_end"
"""The way of what comes again because a pause was over; `resume` is that of who ended it before its day."""

READMITTED: Final = "readmitted"
"""The way of what comes again because the person had a bar of an address lifted in the preference centre."""

SUPPRESSED: Final = "suppressed"
"""The way of what stops, or comes again, because the shop barred an address or lifted that; also of what the
file of an import says that an old tool no longer wrote to."""

BARRING_WAYS: Final = frozenset({STOP, START, PAUSE, RESUME, PAUSE_END, READMITTED, SUPPRESSED})
"""Ways of entries that tell what comes or stops coming by a suppression, and set no preference."""

OWN_WAYS: Final = (BARRING_WAYS - {SUPPRESSED}) | {
    *(ONE_CLICK, LINK, MAILTO, PREFERENCE_CENTRE, COMPLAINT, PROVIDER, DOUBLE_OPT_IN, UNDO),
}
"""Ways that were the person's own; every other is the shop's."""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One entry about to be appended. `topic` and `channel` are None for an acceptance of the policy.

    `way` is one of a few fixed words; what a caller says of the source belongs to the proof, which can be
    erased.
    """

    recipient_id: int
    at: datetime
    subscribed: bool
    way: str
    topic: int | None = None
    channel: Channel | None = None
    locale: str | None = None
    policy_version: str | None = None
    message_id: int | None = None
    proof: Proof | None = None

    @classmethod
    def accepting(
        cls, told: PolicyAcceptance, recipient_id: int, locale: str | None, at: datetime
    ) -> "LedgerEntry":
        """Return the entry of an acceptance of the privacy policy."""
        proof = Proof(source=told.source, obtained_at=told.accepted_at)
        return cls(
            recipient_id, at, True, SHOP, locale=locale, policy_version=told.policy_version, proof=proof
        )


@dataclass(frozen=True, slots=True)
class SealedEntry:
    """One entry that is part of the chain: final, and never to be changed.

    `topic` and `channel` are None for an acceptance of the policy.
    """

    number: int
    recipient_id: int
    at: datetime
    topic: int | None
    channel: Channel | None
    subscribed: bool
    way: str
    locale: str | None
    policy_version: str | None
    message_id: int | None


@dataclass(frozen=True, slots=True)
class Change:
    """One preference that is to change; `before` is what was stored, None for nothing."""

    topic: int
    channel: Channel
    subscribed: bool
    before: bool | None


@dataclass(frozen=True, slots=True)
class Choices:
    """What was chosen on one channel so far, by topic.

    `preferences`: subscribed or not, and the ledger entry that says so. `left`: the addresses that left the
    topic, under whatever recipient id.
    """

    preferences: Mapping[int, tuple[bool, int]]
    left: Mapping[int, Collection[bytes]]


@dataclass(frozen=True, slots=True)
class OptedOut:
    """An opt-out that took place: from which address, and in which language its message was."""

    address: str | None
    locale: str | None


@dataclass(frozen=True, slots=True)
class UndoDraft:
    """An undo about to be kept with the change it takes back; `digest` is the SHA-256 of its token."""

    digest: bytes
    expires_at: datetime
    broad: bool


@dataclass(frozen=True, slots=True)
class Undo:
    """What an undo takes back: the entries of the ledger, and the preferences as they were.

    `broad`: of a stop of a whole channel or more.
    """

    recipient_id: int
    consent_ids: Sequence[int]
    changes: Sequence[Change]
    expires_at: datetime
    broad: bool


class Left(NamedTuple):
    """A topic that somebody asks to stop on a channel, for a person and for addresses, by their hashes."""

    recipient_id: int
    topic: int
    channel: Channel
    hashes: Collection[bytes]
