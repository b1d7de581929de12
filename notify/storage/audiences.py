"""Recipients as a campaign goes over them: counted once, then read slice by slice."""

from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    ScalarSelect,
    Select,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    or_,
    select,
)

from notify.campaign_store import Candidate
from notify.domain.audience import FAILED, Audience
from notify.domain.campaigns import Campaign
from notify.domain.catalogue import Channel, Purpose, Topic
from notify.domain.consent import REGIMES, SOFT_OPT_IN_TOPICS, Regime, Scope
from notify.domain.status import Status
from notify.storage.audience_filter import meets
from notify.storage.tables import AddressOptOut, Dispatch, Message, Preference, Recipient, Suppression

_HASHES: Final = {Channel.EMAIL: Recipient.email_hash, Channel.SMS: Recipient.phone_hash}
_SCOPES: Final = {None: None, 1: Scope.MARKETING.value, 2: Scope.ALL.value}


class SqlAudiences:
    """Implements `campaign_store.Audiences`.

    Counting joins whole tables, once. A slice must never do that, whatever the statistics say: what is known
    about each recipient is a scalar subquery there, which a planner cannot turn into a scan.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def highest(self) -> int:
        """Return the highest number a recipient has."""
        return self._connection.scalar(select(func.max(Recipient.id))) or 0

    def count(self, topic: Topic, channels: Collection[Channel], audience: Audience, highest: int) -> int:
        """Count the messages a campaign would have."""
        return sum(
            self._connection.scalar(self._counted(topic, channel, audience, highest)) or 0
            for channel in channels
        )

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
        found = []
        for channel in campaign.channels:
            query = self._slice(campaign, channel, audience).where(
                Recipient.id > after, Recipient.id <= up_to
            )
            # The preference comes as the number of its entry, below 0 where it is an opt-out.
            found += [
                Candidate(
                    number,
                    channel,
                    address_hash,
                    locale,
                    timezone,
                    country,
                    phone_country,
                    since,
                    policy,
                    None if chosen is None else chosen > 0,
                    None if chosen is None else abs(chosen),
                    left is not None,
                    _SCOPES[widest],
                    seen is not None,
                )
                for (
                    number,
                    address_hash,
                    locale,
                    timezone,
                    country,
                    phone_country,
                    since,
                    policy,
                    chosen,
                    left,
                    widest,
                    seen,
                ) in self._connection.execute(query)
            ]
        return found

    def _counted(self, topic: Topic, channel: Channel, audience: Audience, highest: int) -> Select[Any]:
        chosen = and_(
            Preference.recipient_id == Recipient.id,
            Preference.topic == topic.number,
            Preference.channel == channel,
        )
        left = and_(
            AddressOptOut.address_hash == _HASHES[channel],
            AddressOptOut.topic == topic.number,
            AddressOptOut.channel == channel,
        )
        query = (
            select(func.count())
            .select_from(Recipient)
            .outerjoin(Preference, chosen)
            .outerjoin(AddressOptOut, left)
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

    def _slice(self, campaign: Campaign, channel: Channel, audience: Audience) -> Select[Any]:
        address_hash = _HASHES[channel]
        query = select(
            Recipient.id,
            address_hash,
            Recipient.locale,
            Recipient.timezone,
            Recipient.effective_country,
            Recipient.phone_country,
            Recipient.customer_since,
            Recipient.policy_consent_id,
            _choice(campaign.topic, channel),
            _opt_out(address_hash, campaign.topic, channel),
            _widest_suppression(address_hash, channel),
            _seen(address_hash, campaign.number, channel),
        ).where(address_hash.is_not(None), *self._filter(audience))
        if audience.failed_in is not None:
            mine = _failed_in(audience.failed_in, Message.id).where(Message.recipient_id == Recipient.id)
            query = query.where(mine.correlate(Recipient).limit(1).scalar_subquery().is_not(None))
        return query.order_by(Recipient.id)

    def _filter(self, audience: Audience) -> list[ColumnElement[bool]]:
        dialect = self._connection.dialect.name
        return [meets(condition, dialect) for condition in audience.conditions]


def _from_the_start(topic: Topic) -> ColumnElement[bool]:
    """Return whether those who never chose are subscribed, as `consent.subscription` says it."""
    if topic.purpose is Purpose.TRANSACTIONAL:
        return literal(value=True)
    countries = [country for country, row in REGIMES.items() if row.regime is Regime.POLICY]
    by_policy = and_(Recipient.effective_country.in_(countries), Recipient.policy_consent_id.is_not(None))
    soft = Recipient.customer_since.is_not(None) if topic.name in SOFT_OPT_IN_TOPICS else false()
    return func.coalesce(or_(by_policy, soft), false())


def _choice(topic: int, channel: Channel) -> ScalarSelect[Any]:
    entry = case((Preference.subscribed, Preference.consent_id), else_=-Preference.consent_id)
    return (
        select(entry)
        .where(
            Preference.recipient_id == Recipient.id,
            Preference.topic == topic,
            Preference.channel == channel,
        )
        .scalar_subquery()
    )


def _opt_out(address_hash: Any, topic: int, channel: Channel) -> ScalarSelect[Any]:  # noqa: ANN401 - a mapped column
    return (
        select(cast(1, Integer))
        .where(
            AddressOptOut.address_hash == address_hash,
            AddressOptOut.topic == topic,
            AddressOptOut.channel == channel,
        )
        .scalar_subquery()
    )


def _widest_suppression(address_hash: Any, channel: Channel) -> ScalarSelect[Any]:  # noqa: ANN401 - a mapped column
    return (
        select(func.max(case((Suppression.scope == Scope.ALL, 2), else_=1)))
        .where(Suppression.address_hash == address_hash, Suppression.channel == channel)
        .scalar_subquery()
    )


def _seen(address_hash: Any, campaign: int, channel: Channel) -> ScalarSelect[Any]:  # noqa: ANN401 - a mapped column
    return (
        select(cast(1, Integer))
        .where(
            Message.campaign_id == campaign,
            Message.channel == channel,
            Message.address_hash == address_hash,
            Message.to_sealed.is_(None),
        )
        .scalar_subquery()
    )


def _failed_in(campaign: int, what: Any) -> Select[Any]:  # noqa: ANN401 - a mapped column
    """Select from messages of a campaign that ended as `FAILED` says, alone or with their dispatch."""
    return (
        select(what)
        .outerjoin(Dispatch, Dispatch.id == Message.dispatch_id)
        .where(
            Message.campaign_id == campaign,
            Message.to_sealed.is_(None),
            or_(
                Message.status.in_(FAILED),
                and_(Message.status == Status.QUEUED, Dispatch.status.in_(FAILED)),
            ),
        )
    )
