"""What the preference centre shows."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from notify.domain.addresses import masked
from notify.domain.bars import SHOWN, Bar, bar_on, paused_until
from notify.domain.catalogue import Catalogue, Channel, Purpose, Topic
from notify.domain.confirmations import pending_in
from notify.domain.consent import subscription
from notify.domain.delivery import StoredRecipient
from notify.domain.hours import zone_of
from notify.store import Transaction
from notify.usecases.preferences.recording_choices import addresses_on


@dataclass(frozen=True, slots=True)
class CentreRow:
    """One topic on one channel as it stands, a pause apart; `bar` says why nothing of it can come.

    `pending`: the person wants it, and is still to confirm that.
    """

    topic: Topic
    channel: Channel
    subscribed: bool
    bar: Bar | None = None
    pending: bool = False


class Notice(NamedTuple):
    """What bars an address. `whole`: nothing comes there at all, by this bar or by several together."""

    channel: Channel
    bar: Bar
    whole: bool


@dataclass(frozen=True, slots=True)
class CentreView:
    """What the centre shows. `addresses` are masked, and absent for a channel without one that may be shown.

    `locale` is the language of the person's messages. `preview`: the link is that of a preview.
    """

    addresses: Mapping[Channel, str]
    locale: str | None
    rows: list[CentreRow]
    preview: bool = False
    paused_until: datetime | None = None
    zone: ZoneInfo = field(default_factory=lambda: zone_of(None, None))

    @property
    def notices(self) -> list[Notice]:
        """What bars the person's addresses, each told once."""
        found = dict.fromkeys((row.channel, row.bar) for row in self.rows if row.bar)
        return [Notice(channel, bar, not self.unbarred(channel)) for channel, bar in found]

    def bar_of(self, channel: Channel) -> Bar | None:
        """Return what bars the channel's address from everything, if anything does."""
        return next((one.bar for one in self.notices if one.channel is channel and one.whole), None)

    def unbarred(self, channel: Channel) -> list[CentreRow]:
        """Return the rows of a channel that nothing bars."""
        return [row for row in self.rows if row.channel is channel and row.bar is None]


def look(tx: Transaction, catalogue: Catalogue, recipient: StoredRecipient, now: datetime) -> CentreView:
    """Read how things stand."""
    bars = {by: tx.suppressions.of(by, addresses_on(recipient, by)) for by in Channel}
    keys = [(topic, channel) for topic in catalogue for channel in Channel]
    standings = tx.consents.standings([(recipient, topic.number, by) for topic, by in keys])
    pending = pending_in(tx.confirmations.waiting([recipient.id], now))
    rows = []
    for (topic, channel), standing in zip(keys, standings, strict=True):
        bar = bar_on(topic, bars[channel])
        subscribed = bar is None and subscription(topic, standing) is not None
        waits = not subscribed and (topic.number, channel) in pending
        rows.append(CentreRow(topic, channel, subscribed, bar, waits))
    profile = recipient.profile
    view = CentreView(
        {},
        profile.locale,
        rows,
        paused_until=paused_until(one for barred in bars.values() for one in barred),
        zone=zone_of(profile.timezone, profile.effective_country),
    )
    shown = {
        channel: shown
        for channel in Channel
        if (shown := masked(channel, profile.address(channel))) and view.bar_of(channel) in SHOWN
    }
    return replace(view, addresses=shown)


def sample(catalogue: Catalogue) -> CentreView:
    """Return what the link of a preview shows."""
    rows = [
        CentreRow(topic, channel, topic.purpose is Purpose.TRANSACTIONAL)
        for topic in catalogue
        for channel in Channel
    ]
    return CentreView({}, None, rows, preview=True)
