"""Judge a slice of recipients, and bundle their messages into dispatches."""

from collections.abc import Iterable, MutableMapping
from datetime import datetime
from typing import Final

from notify.campaign_store import Bundle, Candidate, Envelope
from notify.domain.campaigns import RECIPIENT_ZONE, Campaign, local_moment
from notify.domain.catalogue import DEFAULT_LOCALE, Channel, Topic
from notify.domain.consent import Basis, Scope, Standing, subscription
from notify.domain.eligibility import Policy
from notify.domain.newsletters import Pinned
from notify.domain.pacing import allot
from notify.domain.status import Reason

MOST_TOGETHER: Final = 1000
"""Messages of one call: SendGrid's personalizations."""

_OF_PREFERENCE: Final = 1
_OF_POLICY: Final = 2

_Verdict = tuple[str | None, int, str | None]
"""On what basis, whose entry of the ledger that rests on, or why not."""


class Slicer:
    """Turns what is known about recipients into messages, for one slice of a campaign.

    Whether somebody may be written to depends on few facts besides the numbers of ledger entries, so that
    the rules are asked once for each combination of them, and not a million times.
    """

    def __init__(
        self,
        campaign: Campaign,
        pinned: Pinned,
        policy: Policy,
        now: datetime,
        booked: MutableMapping[datetime, int],
    ) -> None:
        """`booked` is what of a campaign by local time is planned already; see `allot`."""
        self._campaign = campaign
        self._pinned = pinned
        self._policy = policy
        self._topic: Topic | None = policy.catalogue.numbered(campaign.topic)
        self._now = now
        self._booked = booked
        self._local = campaign.timezone == RECIPIENT_ZONE and campaign.send_at is not None
        self._at = datetime.fromisoformat(campaign.send_at or "0001-01-01") if self._local else now
        self._verdicts: dict[tuple[object, ...], _Verdict | None] = {}
        self._moments: dict[tuple[str | None, str | None], datetime | None] = {}
        self._locales: dict[str | None, str] = {}
        self._seen: set[tuple[str, bytes]] = set()
        self._going: dict[tuple[str, str, datetime], list[Envelope]] = {}
        self._skipped: dict[tuple[str, str], list[Envelope]] = {}

    def __call__(self, candidates: Iterable[Candidate]) -> list[Bundle]:
        """Return the messages of those who are in it, those to be skipped included."""
        for one in candidates:
            self._take(one)
        bundles = [
            Bundle(Channel(channel), locale, None, envelopes)
            for (channel, locale), envelopes in self._skipped.items()
        ]
        for (channel, locale, due_at), envelopes in self._going.items():
            bundles += self._dispatches(Channel(channel), locale, due_at, envelopes)
        return bundles

    def _take(self, one: Candidate) -> None:
        kind = (
            one.channel,
            one.country,
            one.phone_country,
            one.customer_since is None,
            one.policy_consent_id is None,
            one.subscribed,
            one.address_opted_out,
            one.suppression,
        )
        try:
            verdict = self._verdicts[kind]
        except KeyError:
            verdict = self._verdicts[kind] = self._judge(one)
        if verdict is None:
            return
        basis, rests_on, reason = verdict
        try:
            locale = self._locales[one.locale]
        except KeyError:
            locale = self._locales[one.locale] = self._pinned.locale(one.locale or DEFAULT_LOCALE)
        due_at: datetime | None = self._now
        if reason is None and self._local:
            due_at = self._moment(one)
            reason = Reason.TOO_LATE if due_at is None else None
        address = (one.channel, one.address_hash)
        if reason is None and (one.seen or address in self._seen):
            reason = Reason.DUPLICATE_ADDRESS
        if reason is not None or due_at is None:
            skipped = Envelope(one.recipient, None, None, None, reason)
            self._skipped.setdefault((one.channel, locale), []).append(skipped)
            return
        self._seen.add(address)
        consent = (
            one.preference_consent_id
            if rests_on == _OF_PREFERENCE
            else one.policy_consent_id
            if rests_on == _OF_POLICY
            else None
        )
        envelope = Envelope(one.recipient, one.address_hash, basis, consent)
        key = (one.channel, locale, due_at)
        try:
            self._going[key].append(envelope)
        except KeyError:
            self._going[key] = [envelope]

    def _judge(self, one: Candidate) -> _Verdict | None:
        """Decide on one of a kind; None is not subscribed, and no part of the campaign at all."""
        standing = Standing(
            country=one.country,
            subscribed=one.subscribed,
            preference_consent_id=_OF_PREFERENCE,
            address_opted_out=one.address_opted_out,
            suppression=Scope(one.suppression) if one.suppression else None,
            policy_consent_id=None if one.policy_consent_id is None else _OF_POLICY,
            customer_since=one.customer_since,
        )
        if self._topic is None or subscription(self._topic, standing) is None:
            return None
        found = self._policy.verdict(self._campaign.topic, Channel(one.channel), one.phone_country, standing)
        if isinstance(found, Basis):
            return found.regime, found.consent_id or 0, None
        return None, 0, found

    def _moment(self, one: Candidate) -> datetime | None:
        """Return when it is for this recipient; None if that was past when the campaign began."""
        zone = (one.timezone, one.country)
        if zone not in self._moments:
            moment = local_moment(self._at, *zone)
            past = moment < (self._campaign.start_at or self._now)
            late = past and not self._campaign.send_past
            self._moments[zone] = None if late else max(moment, self._now) if past else moment
        return self._moments[zone]

    def _dispatches(
        self, channel: Channel, locale: str, due_at: datetime, envelopes: list[Envelope]
    ) -> Iterable[Bundle]:
        alone = channel is Channel.SMS or self._pinned.individual
        most = 1 if alone else MOST_TOGETHER
        throttle = self._campaign.throttle if self._local else None
        after = 0
        for moment, count in allot(self._booked, due_at, len(envelopes), throttle):
            for start in range(after, after + count, most):
                yield Bundle(channel, locale, moment, envelopes[start : min(start + most, after + count)])
            after += count
