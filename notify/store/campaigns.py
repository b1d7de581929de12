"""What the use cases need of the database for campaigns, as Protocols."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple, Protocol

from notify.domain.audience import Audience
from notify.domain.campaigns import Campaign, CampaignChanges
from notify.domain.catalogue import Channel, Topic
from notify.domain.newsletters import Content, Pinned
from notify.domain.status import Status

Opens = Callable[[str | None, str | None], datetime]
"""From when on an SMS may arrive in a country and a time zone: not after now, if it may at once."""


class Candidate(NamedTuple):
    """A recipient × channel of a slice, and what is known that decides on it. A tuple: a million are read.

    `suppression` is a `Scope` in words, `subscribed` the stored preference. `seen`: the campaign has a
    message to this address already.
    """

    recipient: int
    channel: str
    address_hash: bytes
    locale: str | None
    timezone: str | None
    country: str | None
    phone_country: str | None
    customer_since: date | None
    policy_consent_id: int | None
    subscribed: bool | None
    preference_consent_id: int | None
    address_opted_out: bool
    suppression: str | None
    seen: bool


class Kind(NamedTuple):
    """How many recipients of an audience have a language and a country of their number, and why they are
    left out, if they are.
    """

    reason: str | None
    locale: str | None
    phone_country: str | None
    people: int


class Envelope(NamedTuple):
    """One message of a campaign about to be stored; the reason is why it is held, or does not go."""

    recipient: int
    address_hash: bytes | None
    basis: str | None
    basis_consent_id: int | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Bundle:
    """Messages of one channel, moment and language: one dispatch, or without `due_at` some that end here.

    `packed`: the pump lets go of them, in parts, as those before them leave.
    """

    channel: Channel
    locale: str
    due_at: datetime | None
    envelopes: Sequence[Envelope]
    status: Status = Status.QUEUED
    packed: bool = False


@dataclass(frozen=True, slots=True)
class TestMessage:
    """One message of a test send: an address of nobody we know."""

    __test__ = False  # no test of pytest's

    channel: Channel
    address: str


class Audiences(Protocol):
    """Recipients, as a campaign goes over them."""

    def highest(self) -> int:
        """Return the highest number a recipient has; 0 if there is none."""
        ...

    def count(self, topic: Topic, channels: Collection[Channel], audience: Audience, highest: int) -> int:
        """Count the messages a campaign would have: subscribed, with an address, and in the filter."""
        ...

    def kinds(
        self, topic: Topic, channel: Channel, audience: Audience, countries: Collection[str] | None
    ) -> list[Kind]:
        """Judge everybody in the filter as the pump would, all at once; SMS may go to `countries` only."""
        ...

    def slice_end(self, after: int, highest: int, limit: int) -> int | None:
        """Return the number of the last of the next `limit` recipients; None if none is left."""
        ...

    def candidates(self, campaign: Campaign, audience: Audience, after: int, up_to: int) -> list[Candidate]:
        """Read those in the filter that have an address, one for each channel, by number; locks nothing."""
        ...


class Campaigns(Protocol):
    """Campaigns, and what they have on its way. A campaign's row is locked before its dispatches."""

    def add(self, campaign: Campaign, content: Content, now: datetime) -> int:
        """Store a new one; return its number."""
        ...

    def get(self, number: int, *, lock: bool = False) -> Campaign:
        """Read one; `lock` keeps others from changing it until commit. NotFoundError."""
        ...

    def content(self, number: int) -> Content:
        """Return what its author wrote. NotFoundError."""
        ...

    def pinned(self, number: int) -> Pinned | None:
        """Return what the content was made into, if it was yet. NotFoundError."""
        ...

    def change(self, number: int, changes: CampaignChanges, now: datetime) -> None:
        """Write columns of one."""
        ...

    def to_run(self, now: datetime) -> list[int]:
        """Return which have something to do: to start, to make a slice, or to look whether they are done."""
        ...

    def lock_if_free(self, number: int) -> Campaign | None:
        """Lock one, unless somebody else holds it."""
        ...

    def booked(self, number: int) -> Mapping[datetime, int]:
        """Return how many messages are planned for each moment."""
        ...

    def add_messages(self, campaign: Campaign, bundles: Sequence[Bundle], now: datetime) -> list[int]:
        """Insert dispatches and their messages, and skipped messages; return the dispatches' numbers."""
        ...

    def add_tests(
        self, campaign: Campaign, tests: Sequence[TestMessage], locale: str, now: datetime
    ) -> tuple[list[int], list[int]]:
        """Insert test messages, a dispatch each; return the numbers of messages and of dispatches."""
        ...

    def forget_tests_before(self, at: datetime) -> int:
        """Forget where test messages went that were made before and are through, and how they looked.

        Some at a time; return how many values were deleted.
        """
        ...

    def pause_dispatches(self, number: int) -> int:
        """Keep those that were not called yet from being called until they are resumed; count them."""
        ...

    def resume_dispatches(self, number: int) -> int:
        """Let those that were paused wait again; count them."""
        ...

    def cancel_dispatches(self, number: int, now: datetime) -> int:
        """End those that were not called yet as `cancelled`; count them."""
        ...

    def expire_dispatches(self, number: int, now: datetime) -> int:
        """End those that were not called yet as `expired`; count them."""
        ...

    def cancel_leftovers(self, now: datetime) -> int:
        """End what was put back after its campaign was cancelled in mid-call; count it."""
        ...

    def expire_leftovers(self, now: datetime) -> int:
        """End what a paused campaign has left once its time is over, made or not; count what was made."""
        ...

    def open_dispatches(self, number: int) -> tuple[int, datetime | None]:
        """Count those that are not done; return also when the last of them is due."""
        ...

    def under_way(self, number: int, now: datetime, most: int) -> int:
        """Count messages that wait for a call within a minute, or had it in the last one.

        Looked at are the newest `most` dispatches; what is still packed does not count.
        """
        ...

    def ahead(self, number: int, most: int, now: datetime) -> tuple[int, int]:
        """Count those that are due and not done; and with them those that wait for another try.

        Counted are `most` in all; what is still packed does not count.
        """
        ...

    def let_go(self, number: int, most: int, now: datetime, *, apart: bool, opens: Opens) -> int:
        """Take up to `most` messages that are due out of their packs, so that they wait for their calls.

        SMS have a call each, and so have e-mails that are to go `apart`. SMS that may not arrive before a
        moment after `now` stay packed until then. Returns how many messages were taken out.
        """
        ...

    def next_packed(self, number: int) -> datetime | None:
        """Return when the first pack there is is due."""
        ...

    def sending(self) -> Mapping[int, Collection[str]]:
        """Return those that are sending, each with the reasons to stop that a person has overridden."""
        ...

    def begun_since(self, since: datetime) -> Mapping[int, datetime]:
        """Return which campaigns have begun since then, and when; tests are none."""
        ...

    def reports(self, number: int) -> dict[str, int]:
        """Count what was handed over, `sent` being so many at least, and what of it went wrong; quickly."""
        ...

    def progress(self, number: int, now: datetime) -> dict[str, int]:
        """Count its messages by status, `pending` among them, all at one moment. Tests do not count."""
        ...
