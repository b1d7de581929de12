"""Judge a slice of recipients, and bundle their messages into dispatches."""

from collections.abc import Iterable, MutableMapping
from datetime import date, datetime
from functools import partial
from typing import Final

from notify.domain.campaigns import RECIPIENT_ZONE, Campaign, local_moment
from notify.domain.catalogue import DEFAULT_LOCALE, Channel, Topic
from notify.domain.consent import OF_POLICY, OF_PREFERENCE, Basis, Scope, Standing, subscription
from notify.domain.eligibility import Policy
from notify.domain.newsletters import Pinned
from notify.domain.pacing import allot
from notify.domain.status import Reason, Status
from notify.domain.windows import LawfulHours
from notify.store.campaigns import Bundle, Candidate, Envelope

MOST_TOGETHER: Final = 1000
"""Messages of one call: SendGrid's personalizations."""

_Kind = tuple[str, str | None, str | None, bool, bool, bool | None, bool, str | None]
"""Channel, country, the phone's country; whether there is no purchase and no acceptance of the policy; the
preference; whether the address left the topic; its suppression."""

_Together = tuple[str, str, datetime, str | None]
"""Channel, language, when it leaves, and why not before."""

_When = tuple[datetime | None, str | None, Status]
"""When a message leaves, and why not before; or that it ends here, and why."""

_Verdict = tuple[str | None, int, str | None]
"""On what basis, whose entry of the ledger that rests on, or why not."""


class Slicer:
    """Turns what is known about recipients into messages, for one slice of a campaign."""

    def __init__(
        self,
        campaign: Campaign,
        pinned: Pinned,
        policy: Policy,
        hours: LawfulHours,
        *,
        now: datetime,
        booked: MutableMapping[datetime, int],
    ) -> None:
        """`booked` is what of a campaign is planned for each minute already; see `allot`."""
        self._campaign = campaign
        self._pinned = pinned
        self._booked = booked
        self._now = now
        self._verdicts = _Verdicts(campaign.topic, policy)
        self._moments = _Moments(campaign, hours, now)
        self._hours = hours
        self._going: dict[_Together, list[Envelope]] = {}
        self._ended: dict[tuple[str, str, Status], list[Envelope]] = {}
        self._home: dict[_Together, tuple[str | None, str | None]] = {}

    def __call__(self, candidates: Iterable[Candidate]) -> list[Bundle]:
        """Return the messages of those who are in it, those that end here included."""
        self._sort(candidates)
        bundles = [
            Bundle(Channel(channel), locale, None, envelopes, status)
            for (channel, locale, status), envelopes in self._ended.items()
        ]
        for together, envelopes in self._going.items():
            bundles += self._dispatches(together, envelopes)
        return bundles

    def _sort(self, candidates: Iterable[Candidate]) -> None:
        """Put each where it belongs. It runs a million times: hence the tuples, and no calls."""
        verdicts, moments, going = self._verdicts, self._moments, self._going
        locales: dict[str | None, str] = {None: self._pinned.locale(DEFAULT_LOCALE)}
        taken: set[tuple[str, bytes]] = set()
        for one in candidates:
            number, channel, address, wanted, zone, country, phone, since, policy, chosen, entry = one[:11]
            left, barred, seen = one[11:]
            verdict = verdicts[channel, country, phone, since is None, policy is None, chosen, left, barred]
            if verdict is None:
                continue
            basis, rests_on, reason = verdict
            if wanted not in locales:
                locales[wanted] = self._pinned.locale(wanted or DEFAULT_LOCALE)
            locale = locales[wanted]
            due_at, why, ended = moments[channel, zone, country]
            if reason is not None:
                ended = Status.SKIPPED
            elif due_at is None:
                reason = why
            elif seen or (channel, address) in taken:
                reason, ended = Reason.DUPLICATE_ADDRESS, Status.SKIPPED
            if due_at is None or ended is not Status.QUEUED:
                self._end(number, channel, locale, reason, ended)
                continue
            taken.add((channel, address))
            consent = entry if rests_on == OF_PREFERENCE else policy if rests_on == OF_POLICY else None
            key = (channel, locale, due_at, why)
            if key not in going:
                going[key] = []
                self._home[key] = (country, zone)
            going[key].append(Envelope(number, address, basis, consent, why))

    def _end(self, number: int, channel: str, locale: str, reason: str | None, status: Status) -> None:
        key = (channel, locale, status)
        self._ended.setdefault(key, []).append(Envelope(number, None, None, None, reason))

    def _dispatches(self, together: _Together, envelopes: list[Envelope]) -> Iterable[Bundle]:
        channel, locale, due_at, _ = together
        alone = channel == Channel.SMS or self._pinned.individual
        # What waits for its window, or by local time, cannot be paced by the slices that make it.
        paced = self._moments.local or Channel.SMS in self._campaign.channels
        throttle = self._campaign.throttle if paced else None
        packed = alone or throttle is not None
        after = 0
        lawful = partial(self._lawful, together) if channel == Channel.SMS else _at_once
        for moment, count in allot(self._booked, due_at, len(envelopes), throttle, lawful):
            for start in range(after, after + count, MOST_TOGETHER):
                some = envelopes[start : min(start + MOST_TOGETHER, after + count)]
                yield Bundle(Channel(channel), locale, moment, some, packed=packed)
            after += count

    def _lawful(self, together: _Together, at: datetime) -> datetime:
        span = self._hours.span(*self._home[together], at)
        return max(at, span.opens) if span else at


def _at_once(at: datetime) -> datetime:
    return at


class _Verdicts(dict[_Kind, _Verdict | None]):
    """Whether each kind of recipient may be written to; None is not subscribed, and no part of it at all.

    It depends on few facts besides the numbers of ledger entries, so that the rules are asked once for each
    combination of them, and not a million times.
    """

    def __init__(self, topic: int, policy: Policy) -> None:
        super().__init__()
        self._topic: Topic | None = policy.catalogue.numbered(topic)
        self._policy = policy

    def __missing__(self, kind: _Kind) -> _Verdict | None:
        found = self[kind] = self._judge(kind)
        return found

    def _judge(self, kind: _Kind) -> _Verdict | None:
        channel, country, phone_country, never_bought, never_accepted, subscribed, left, barred = kind
        standing = Standing(
            country=country,
            subscribed=subscribed,
            preference_consent_id=None if subscribed is None else OF_PREFERENCE,
            address_opted_out=left,
            suppression=Scope(barred) if barred else None,
            policy_consent_id=None if never_accepted else OF_POLICY,
            customer_since=None if never_bought else date.min,
        )
        topic = self._topic
        if topic is None or subscription(topic, standing) is None:
            return None
        found = self._policy.verdict(topic.number, Channel(channel), phone_country, standing)
        return (found.regime, found.consent_id or 0, None) if isinstance(found, Basis) else (None, 0, found)


class _Moments(dict[tuple[str, str | None, str | None], _When]):
    """When messages leave, by channel, time zone and country."""

    def __init__(self, campaign: Campaign, hours: LawfulHours, now: datetime) -> None:
        super().__init__()
        self.local = campaign.timezone == RECIPIENT_ZONE
        self._campaign = campaign
        self._hours = hours
        self._now = now

    def __missing__(self, whose: tuple[str, str | None, str | None]) -> _When:
        found = self[whose] = self._when(*whose)
        return found

    def _when(self, channel: str, timezone: str | None, country: str | None) -> _When:
        moment = self._moment(timezone, country) if self.local else self._now
        if moment is None:
            return None, Reason.TOO_LATE, Status.SKIPPED
        held = None
        if channel == Channel.SMS:
            span = self._hours.span(country, timezone, moment)
            if span is None:
                return None, Reason.OUTSIDE_HOURS, Status.SKIPPED
            if span.opens > moment:
                moment, held = span.opens, Reason.OUTSIDE_HOURS
        if self._campaign.expires_at and self._campaign.expires_at <= moment:
            return None, held, Status.EXPIRED
        return moment, held, Status.QUEUED

    def _moment(self, timezone: str | None, country: str | None) -> datetime | None:
        campaign = self._campaign
        wanted = datetime.fromisoformat(campaign.send_at or "")
        moment = local_moment(wanted, timezone, country)
        if moment >= (campaign.start_at or self._now):
            return moment
        return self._now if campaign.send_past else None
