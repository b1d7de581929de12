"""Recipients as a campaign goes over them: counted once, then read slice by slice."""

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Executable,
    Select,
    and_,
    any_,
    case,
    false,
    func,
    literal,
    or_,
    select,
    text,
    union_all,
)

from notify.domain.audience import FAILED, Audience
from notify.domain.campaigns import Campaign
from notify.domain.catalogue import Channel, Purpose, Topic
from notify.domain.consent import Scope
from notify.domain.regimes import SOFT_OPT_IN_TOPICS
from notify.domain.status import Reason, Status
from notify.storage.audience_filter import meets
from notify.storage.consent_tables import AddressOptOut, Preference, Suppression
from notify.storage.tables import Dispatch, Message, Recipient
from notify.store.campaigns import Candidate, Kind

_HASHES: Final = {Channel.EMAIL: Recipient.email_hash, Channel.SMS: Recipient.phone_hash}
_FACTS: Final[tuple[Any, ...]] = (
    Recipient.locale,
    Recipient.timezone,
    Recipient.effective_country,
    Recipient.phone_country,
    Recipient.customer_since,
    Recipient.policy_consent_id,
)
_CHOICE: Final[tuple[Any, ...]] = (Preference.recipient_id, Preference.subscribed, Preference.consent_id)
_LEFT: Final = "left"
_SEEN: Final = "seen"

_OF_ALL: Final = text(
    "SELECT set_config('enable_nestloop', 'off', true), set_config('enable_hashjoin', 'on', true),"
    " set_config('enable_seqscan', 'on', true)"
)
_BY_KEYS_AGAIN: Final = text(
    "SELECT set_config('enable_nestloop', 'on', true), set_config('enable_hashjoin', 'off', true),"
    " set_config('enable_seqscan', 'off', true)"
)


class SqlAudiences:
    """Implements `store.campaigns.Audiences`.

    Counting joins whole tables, once. A slice must never do that, whatever the statistics say: it asks for
    ranges and for lists of keys, never joins, and PostgreSQL is told to use indexes.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._postgresql = connection.dialect.name == "postgresql"

    def highest(self) -> int:
        """Return the highest number a recipient has."""
        return self._connection.scalar(select(func.max(Recipient.id))) or 0

    def count(self, topic: Topic, channels: Collection[Channel], audience: Audience, highest: int) -> int:
        """Count the messages a campaign would have.

        Without statistics, as right after an import, PostgreSQL would compare everybody with everything.
        """
        if self._postgresql:
            self._connection.execute(_OF_ALL)
        found = sum(
            self._connection.scalar(self._counted(topic, channel, audience, highest)) or 0
            for channel in channels
        )
        if self._postgresql:
            self._connection.execute(_BY_KEYS_AGAIN)
        return found

    def kinds(
        self, topic: Topic, channel: Channel, audience: Audience, countries: Collection[str] | None
    ) -> list[Kind]:
        """Judge everybody in the filter as the pump would, all at once."""
        if self._postgresql:
            self._connection.execute(_OF_ALL)
        judged = self._judged(topic, channel, audience, countries).subquery()
        # Of those who share an address, the first gets it.
        place = func.row_number().over(
            partition_by=(judged.c.verdict, judged.c.address_hash), order_by=judged.c.id
        )
        reason = case(
            (judged.c.verdict.is_not(None), judged.c.verdict),
            (place > 1, Reason.DUPLICATE_ADDRESS.value),
        )
        ranked = select(reason.label("reason"), judged.c.locale, judged.c.phone_country).subquery()
        query: Select[Any] = select(*ranked.c, func.count()).group_by(*ranked.c)
        rows = self._connection.execute(query).all()
        if self._postgresql:
            self._connection.execute(_BY_KEYS_AGAIN)
        return [Kind(reason, locale, country, people) for reason, locale, country, people in rows]

    def slice_end(self, after: int, highest: int, limit: int) -> int | None:
        """Return the number of the last of the next `limit` recipients."""
        numbers = (
            select(Recipient.id)
            .where(Recipient.id > after, Recipient.id <= highest)
            .order_by(Recipient.id)
            .limit(limit)
            .subquery()
        )
        last: int | None = self._connection.scalar(select(func.max(numbers.c.id)))
        return last

    def candidates(self, campaign: Campaign, audience: Audience, after: int, up_to: int) -> list[Candidate]:
        """Read those in the filter that have an address."""
        return [
            one
            for channel in campaign.channels
            for one in self._of_channel(campaign, channel, audience, after, up_to)
        ]

    def _of_channel(
        self, campaign: Campaign, channel: Channel, audience: Audience, after: int, up_to: int
    ) -> list[Candidate]:
        """Read a slice, then what else is known of its people and addresses, each by an index."""

        def read(query: Executable) -> Sequence[Any]:
            return self._connection.execute(query).all()  # and not row by row, which takes longer

        rows = read(self._slice(channel, audience, after, up_to))
        if not rows:
            return []
        chosen = {
            number: (subscribed, entry)
            for number, subscribed, entry in read(_choices(campaign.topic, channel, after, up_to))
        }
        left, seen = set(), set()
        barred: dict[bytes, str] = {}
        for kind, address_hash in read(self._known(campaign, channel, after, up_to)):
            if kind == _LEFT:
                left.add(address_hash)
            elif kind == _SEEN:
                seen.add(address_hash)
            elif barred.get(address_hash) != Scope.ALL:  # the widest scope counts
                barred[address_hash] = kind
        never = (None, None)
        new = tuple.__new__  # a third of the time of Candidate(), a million times
        return [
            new(
                Candidate,
                (
                    number,
                    channel,
                    address_hash,
                    *facts,
                    *chosen.get(number, never),
                    address_hash in left,
                    barred.get(address_hash),
                    address_hash in seen,
                ),
            )
            for number, address_hash, *facts in rows
        ]

    def _counted(self, topic: Topic, channel: Channel, audience: Audience, highest: int) -> Select[Any]:
        query = (
            select(func.count())
            .select_from(Recipient)
            .outerjoin(Preference, _chosen(topic, channel))
            .outerjoin(AddressOptOut, _left(topic, channel))
            .where(
                Recipient.id <= highest,
                _HASHES[channel].is_not(None),
                AddressOptOut.address_hash.is_(None),
                func.coalesce(Preference.subscribed, _from_the_start(topic)),
                *self._filter(audience),
            )
        )
        if audience.failed_in is not None:
            query = query.where(Recipient.id.in_(_failed_in(audience.failed_in, Message.recipient_id)))
        return query

    def _judged(
        self, topic: Topic, channel: Channel, audience: Audience, countries: Collection[str] | None
    ) -> Select[Any]:
        """Select everybody in the filter with why they are left out, NULL for whom the campaign goes to."""
        mine = _HASHES[channel]
        chosen, left = _chosen(topic, channel), _left(topic, channel)
        barring = select(Suppression.address_hash).where(Suppression.channel == channel).distinct()
        if topic.purpose is not Purpose.MARKETING:
            barring = barring.where(Suppression.scope == Scope.ALL)
        bars = barring.subquery()
        elsewhere = (
            false()
            if channel is not Channel.SMS or countries is None
            else Recipient.phone_country.is_(None) | Recipient.phone_country.not_in(countries)
        )
        verdict = case(
            (mine.is_(None), Reason.NO_ADDRESS.value),
            (AddressOptOut.address_hash.is_not(None), Reason.UNSUBSCRIBED.value),
            (Preference.subscribed.is_(False), Reason.UNSUBSCRIBED.value),
            (~func.coalesce(Preference.subscribed, _from_the_start(topic)), Reason.NO_CONSENT.value),
            (bars.c.address_hash.is_not(None), Reason.SUPPRESSED.value),
            (elsewhere, Reason.COUNTRY_NOT_ALLOWED.value),
        )
        query = (
            select(
                Recipient.id,
                mine.label("address_hash"),
                Recipient.locale,
                Recipient.phone_country,
                verdict.label("verdict"),
            )
            .outerjoin(Preference, chosen)
            .outerjoin(AddressOptOut, left)
            .outerjoin(bars, bars.c.address_hash == mine)
            .where(*self._filter(audience))
        )
        if audience.failed_in is not None:
            query = query.where(Recipient.id.in_(_failed_in(audience.failed_in, Message.recipient_id)))
        return query

    def _slice(self, channel: Channel, audience: Audience, after: int, up_to: int) -> Select[Any]:
        query = (
            select(Recipient.id, _HASHES[channel], *_FACTS)
            .where(Recipient.id > after, Recipient.id <= up_to, _HASHES[channel].is_not(None))
            .where(*self._filter(audience))
            .order_by(Recipient.id)
        )
        if audience.failed_in is None:
            return query
        # As a scalar, so that no planner turns it into a join with all messages of that campaign; and by the
        # person's own messages, since an index that begins with the campaign would read all of them too.
        found = _failed_in(audience.failed_in, Message.id, campaign_column=Message.campaign_id + 0)
        mine = found.where(Message.recipient_id == Recipient.id)
        return query.where(mine.correlate(Recipient).limit(1).scalar_subquery().is_not(None))

    def _known(self, campaign: Campaign, channel: Channel, after: int, up_to: int) -> CompoundSelect[Any]:
        """Select what is known of the addresses of a slice: who left, who is barred, who was written to."""
        hashes = select(_HASHES[channel]).where(
            Recipient.id > after, Recipient.id <= up_to, _HASHES[channel].is_not(None)
        )
        return union_all(
            select(literal(_LEFT), AddressOptOut.address_hash).where(
                AddressOptOut.topic == campaign.topic,
                AddressOptOut.channel == channel,
                self._among(AddressOptOut.address_hash, hashes),
            ),
            select(Suppression.scope, Suppression.address_hash).where(
                Suppression.channel == channel, self._among(Suppression.address_hash, hashes)
            ),
            select(literal(_SEEN), Message.address_hash).where(
                Message.campaign_id == campaign.number,
                Message.channel == channel,
                Message.to_sealed.is_(None),
                self._among(Message.address_hash, hashes),
            ),
        )

    def _among(self, column: Any, hashes: Select[Any]) -> ColumnElement[bool]:  # noqa: ANN401 - a mapped column
        """Compare with many hashes: as an array in PostgreSQL, which no planner turns into a join."""
        found: ColumnElement[bool] = (
            column == any_(func.array(hashes.scalar_subquery())) if self._postgresql else column.in_(hashes)
        )
        return found

    def _filter(self, audience: Audience) -> list[ColumnElement[bool]]:
        dialect = self._connection.dialect.name
        return [meets(condition, dialect) for condition in audience.conditions]


def _chosen(topic: Topic, channel: Channel) -> ColumnElement[bool]:
    return and_(
        Preference.recipient_id == Recipient.id,
        Preference.topic == topic.number,
        Preference.channel == channel,
    )


def _left(topic: Topic, channel: Channel) -> ColumnElement[bool]:
    return and_(
        AddressOptOut.address_hash == _HASHES[channel],
        AddressOptOut.topic == topic.number,
        AddressOptOut.channel == channel,
    )


def _from_the_start(topic: Topic) -> ColumnElement[bool]:
    """Return whether those who never chose are subscribed, as `consent.subscription` says it."""
    if topic.purpose is Purpose.TRANSACTIONAL:
        return literal(value=True)
    if topic.double_opt_in:
        return false()
    countries = topic.regimes.policy_countries
    by_policy = and_(Recipient.effective_country.in_(countries), Recipient.policy_consent_id.is_not(None))
    soft = Recipient.customer_since.is_not(None) if topic.name in SOFT_OPT_IN_TOPICS else false()
    return func.coalesce(or_(by_policy, soft), false())


def _choices(topic: int, channel: Channel, after: int, up_to: int) -> Select[Any]:
    return select(*_CHOICE).where(
        Preference.recipient_id > after,
        Preference.recipient_id <= up_to,
        Preference.topic == topic,
        Preference.channel == channel,
    )


def _failed_in(
    campaign: int,
    what: Any,  # noqa: ANN401 - a mapped column
    campaign_column: Any = Message.campaign_id,  # noqa: ANN401 - likewise
) -> Select[Any]:
    """Select from messages of a campaign that ended as `FAILED` says, alone or with their dispatch."""
    return (
        select(what)
        .outerjoin(Dispatch, Dispatch.id == Message.dispatch_id)
        .where(
            campaign_column == campaign,
            Message.to_sealed.is_(None),
            or_(
                Message.status.in_(FAILED),
                and_(Message.status == Status.QUEUED, Dispatch.status.in_(FAILED)),
            ),
        )
    )
