"""Judge a slice of recipients, and bundle their messages into dispatches."""

from collections.abc import Iterable, MutableMapping
from datetime import date, datetime
from typing import Final

from notify.domain.campaigns import RECIPIENT_ZONE, Campaign, local_moment
from notify.domain.catalogue import DEFAULT_LOCALE, Channel, Topic
from notify.domain.consent import Basis, Scope, Standing, subscription
from notify.domain.eligibility import Policy
from notify.domain.newsletters import Pinned
from notify.domain.pacing import allot
from notify.domain.status import Reason
from notify.store.campaigns import Bundle, Candidate, Envelope

MOST_TOGETHER: Final = 1000
"""Messages of one call: SendGrid's personalizations."""

_OF_PREFERENCE: Final = 1
_OF_POLICY: Final = 2

_Kind = tuple[str, str | None, str | None, bool, bool, bool | None, bool, str | None]
"""Channel, country, the phone's country; whether there is no purchase and no acceptance of the policy; the
preference; whether the address left the topic; its suppression."""

_Verdict = tuple[str | None, int, str | None]
"""On what basis, whose entry of the ledger that rests on, or why not."""


class Slicer:
    """Turns what is known about recipients into messages, for one slice of a campaign."""

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
        self._booked = booked
        self._now = now
        self._verdicts = _Verdicts(campaign.topic, policy)
        self._moments = _Moments(campaign, now)
        self._going: dict[tuple[str, str, datetime], list[Envelope]] = {}
        self._skipped: dict[tuple[str, str], list[Envelope]] = {}

    def __call__(self, candidates: Iterable[Candidate]) -> list[Bundle]:
        """Return the messages of those who are in it, those to be skipped included."""
        self._sort(candidates)
        bundles = [
            Bundle(Channel(channel), locale, None, envelopes)
            for (channel, locale), envelopes in self._skipped.items()
        ]
        for (channel, locale, due_at), envelopes in self._going.items():
            bundles += self._dispatches(Channel(channel), locale, due_at, envelopes)
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
            due_at = moments[zone, country]
            if reason is None:
                if due_at is None:
                    reason = Reason.TOO_LATE
                elif seen or (channel, address) in taken:
                    reason = Reason.DUPLICATE_ADDRESS
            if reason is not None or due_at is None:
                self._skip(number, channel, locale, reason)
                continue
            taken.add((channel, address))
            consent = entry if rests_on == _OF_PREFERENCE else policy if rests_on == _OF_POLICY else None
            key = (channel, locale, due_at)
            if key not in going:
                going[key] = []
            going[key].append(Envelope(number, address, basis, consent))

    def _skip(self, number: int, channel: str, locale: str, reason: str | None) -> None:
        self._skipped.setdefault((channel, locale), []).append(Envelope(number, None, None, None, reason))

    def _dispatches(
        self, channel: Channel, locale: str, due_at: datetime, envelopes: list[Envelope]
    ) -> Iterable[Bundle]:
        alone = channel is Channel.SMS or self._pinned.individual
        most = 1 if alone else MOST_TOGETHER
        throttle = self._campaign.throttle if self._moments.local else None
        after = 0
        for moment, count in allot(self._booked, due_at, len(envelopes), throttle):
            for start in range(after, after + count, most):
                yield Bundle(channel, locale, moment, envelopes[start : min(start + most, after + count)])
            after += count


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
            preference_consent_id=None if subscribed is None else _OF_PREFERENCE,
            address_opted_out=left,
            suppression=Scope(barred) if barred else None,
            policy_consent_id=None if never_accepted else _OF_POLICY,
            customer_since=None if never_bought else date.min,
        )
        topic = self._topic
        if topic is None or subscription(topic, standing) is None:
            return None
        found = self._policy.verdict(topic.number, Channel(channel), phone_country, standing)
        return (found.regime, found.consent_id or 0, None) if isinstance(found, Basis) else (None, 0, found)


class _Moments(dict[tuple[str | None, str | None], datetime | None]):
    """When it is, by time zone and country; None where that was past when the campaign began."""

    def __init__(self, campaign: Campaign, now: datetime) -> None:
        super().__init__()
        self.local = campaign.timezone == RECIPIENT_ZONE
        self._campaign = campaign
        self._now = now

    def __missing__(self, zone: tuple[str | None, str | None]) -> datetime | None:
        found = self[zone] = self._moment(*zone) if self.local else self._now
        return found

    def _moment(self, timezone: str | None, country: str | None) -> datetime | None:
        campaign = self._campaign
        wanted = datetime.fromisoformat(campaign.send_at or "")
        moment = local_moment(wanted, timezone, country)
        if moment >= (campaign.start_at or self._now):
            return moment
        return self._now if campaign.send_past else None
