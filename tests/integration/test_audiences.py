"""Audiences in SQL say the same as the rules in Python, on both databases, whatever the data is."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, event, insert, select

from notify.campaign_store import Candidate
from notify.domain.audience import Audience, Condition, Facts, Op, is_in, parse_audience
from notify.domain.campaigns import Campaign, CampaignStatus
from notify.domain.catalogue import Channel, Purpose, Topic
from notify.domain.consent import Scope, Standing, subscription
from notify.storage.audience_filter import meets
from notify.storage.audiences import SqlAudiences
from notify.storage.engine import open_engine
from notify.storage.tables import AddressOptOut, Preference, Recipient, Suppression

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
_MANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
_DAYS = st.dates(date(2025, 12, 30), date(2026, 1, 3))
_TEXTS = st.sampled_from(
    [
        "",
        "a",
        "b",
        "é",
        "😀",
        "Dakar",
        "2026-01-01",
        "2026-01-01T10:00",
        "2026-01-01x",
        "2026-99-99",
        "1",
        "true",
    ]
)
_NUMBERS = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([0.5, -0.1, 1.0, 2**53, -(2**53), 1e15, 0.1 + 0.2]),
    st.integers(0, 2**53),
)
_VALUES = st.one_of(_TEXTS, _NUMBERS, st.booleans(), _DAYS.map(str))
_KEYS = st.sampled_from(["city", "n-1", "A_b"])
_ATTRIBUTES = st.dictionaries(_KEYS, st.one_of(_VALUES, st.sampled_from([2**60, 1e300, 3.5])), max_size=3)
_LOCALES = st.one_of(st.none(), st.sampled_from(["fr", "en"]))
_COUNTRIES = st.one_of(st.none(), st.sampled_from(["FR", "SN", "CI"]))
_ZONES = st.one_of(st.none(), st.just("Africa/Dakar"))


@st.composite
def _conditions(draw: st.DrawFn) -> Condition:
    field = draw(
        st.sampled_from(
            [
                "id",
                "locale",
                "country",
                "phone_country",
                "timezone",
                "customer_since",
                "email",
                "phone",
                "name",
            ]
            + ["attributes"] * 9
        )
    )
    if field in {"email", "phone", "name"}:
        return Condition(field, Op.EXISTS, draw(st.booleans()))
    if field == "attributes":
        key, op = draw(_KEYS), draw(st.sampled_from(list(Op)))
        ordered: st.SearchStrategy[Any] = st.one_of(_NUMBERS, _DAYS.map(str))
        values = ordered if op in {Op.GT, Op.GTE, Op.LT, Op.LTE} else _VALUES
        return Condition(f"attributes.{key}", op, draw(_value(op, values)), key)
    if field == "customer_since":
        op = draw(st.sampled_from(list(Op)))
        return Condition(field, op, draw(_value(op, _DAYS.map(str))))
    op = draw(st.sampled_from([Op.EQ, Op.NE, Op.IN, Op.EXISTS]))
    return Condition(field, op, draw(_value(op, st.sampled_from(["fr", "FR", "SN", "C-1", "Africa/Dakar"]))))


def _value(op: Op, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    if op is Op.EXISTS:
        return st.booleans()
    return st.lists(values, min_size=1, max_size=3).map(tuple) if op is Op.IN else values


@st.composite
def _people(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "external_id": "C-1",
        "locale": draw(_LOCALES),
        "effective_country": draw(_COUNTRIES),
        "phone_country": draw(_COUNTRIES),
        "timezone": draw(_ZONES),
        "customer_since": draw(st.one_of(st.none(), _DAYS)),
        "email_hash": draw(st.one_of(st.none(), st.just(b"e" * 16))),
        "phone_hash": draw(st.one_of(st.none(), st.just(b"p" * 16))),
        "name_sealed": draw(st.one_of(st.none(), st.just(b"n"))),
        "attributes": draw(_ATTRIBUTES),
        "policy_consent_id": draw(st.one_of(st.none(), st.just(7))),
    }


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """Open the database, once of each kind."""
    found = open_engine(database_url)
    yield found
    found.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    """Give a connection whose transaction never commits."""
    with engine.connect().execution_options(write=True) as found, found.begin() as whole:
        yield found
        whole.rollback()


def _add(connection: Connection, person: dict[str, Any]) -> int:
    row = {"created_at": NOW, "updated_at": NOW, **person}
    return connection.execute(insert(Recipient).values(row).returning(Recipient.id)).scalar_one()


@_MANY
@given(person=_people(), conditions=st.lists(_conditions(), min_size=1, max_size=4))
def test_a_filter_is_the_same_in_sql(
    connection: Connection, person: dict[str, Any], conditions: list[Condition]
) -> None:
    facts = Facts(
        id=person["external_id"],
        locale=person["locale"],
        country=person["effective_country"],
        phone_country=person["phone_country"],
        timezone=person["timezone"],
        customer_since=person["customer_since"],
        email=person["email_hash"] is not None,
        phone=person["phone_hash"] is not None,
        name=person["name_sealed"] is not None,
        attributes=person["attributes"],
    )
    with connection.begin_nested() as savepoint:
        number = _add(connection, person)
        dialect = connection.dialect.name
        for condition in conditions:
            query = select(Recipient.id).where(Recipient.id == number, meets(condition, dialect))
            found = connection.execute(query).first() is not None
            assert found == is_in(Audience((condition,)), facts), condition
        savepoint.rollback()


_TOPICS = [
    Topic(1, "order_updates", Purpose.TRANSACTIONAL, {}, {}, {}),
    Topic(2, "company_news", Purpose.MARKETING, {}, {}, {}),
    Topic(3, "product_offers", Purpose.MARKETING, {}, {}, {}),
]


@dataclass(frozen=True)
class Situation:
    """One person, and all that is known of them and of their address."""

    person: dict[str, Any]
    topic: Topic
    channel: Channel
    preference: bool | None
    left: bool
    barred: list[Scope]

    @property
    def address(self) -> bytes | None:
        """The hash of the address on the channel."""
        found: bytes | None = self.person["email_hash" if self.channel is Channel.EMAIL else "phone_hash"]
        return found

    def store(self, connection: Connection) -> int:
        """Write it down, with choices of no matter on other topics and channels; return the number."""
        number = _add(connection, self.person)
        for topic, channel in product((1, 2, 3), Channel):
            mine = (topic, channel) == (self.topic.number, self.channel)
            chosen = self.preference if mine else False
            if chosen is not None:
                about = {"recipient_id": number, "topic": topic, "channel": channel, "subscribed": chosen}
                connection.execute(insert(Preference).values(**about, changed_at=NOW, consent_id=9))
        address = {"address_hash": self.address or b"x", "channel": self.channel}
        if self.left:
            opt_out = {**address, "topic": self.topic.number, "opted_out_at": NOW, "consent_id": 9}
            connection.execute(insert(AddressOptOut).values(opt_out))
        for scope in self.barred:
            bar = {**address, "scope": scope, "reason": scope, "created_at": NOW}
            connection.execute(insert(Suppression).values(bar))
        return number


_SITUATIONS = st.builds(
    Situation,
    _people(),
    st.sampled_from(_TOPICS),
    st.sampled_from(list(Channel)),
    st.one_of(st.none(), st.booleans()),
    st.booleans(),
    st.lists(st.sampled_from(list(Scope)), max_size=2, unique=True),
)


@_MANY
@given(case=_SITUATIONS)
def test_who_is_subscribed_is_the_same_in_sql(connection: Connection, case: Situation) -> None:
    person, address = case.person, case.address
    standing = Standing(
        country=person["effective_country"],
        has_address=address is not None,
        subscribed=case.preference,
        address_opted_out=case.left and address is not None,
        policy_consent_id=person["policy_consent_id"],
        customer_since=person["customer_since"],
    )
    with connection.begin_nested() as savepoint:
        number = case.store(connection)
        audiences = SqlAudiences(connection)
        counted = audiences.count(case.topic, [case.channel], Audience(), audiences.highest())
        found = audiences.candidates(
            _campaign(case.topic.number, case.channel), Audience(), number - 1, number
        )
        savepoint.rollback()
    assert counted == (address is not None and subscription(case.topic, standing) is not None)
    expected = Candidate(
        number,
        case.channel,
        address or b"",
        person["locale"],
        person["timezone"],
        person["effective_country"],
        person["phone_country"],
        person["customer_since"],
        person["policy_consent_id"],
        case.preference,
        None if case.preference is None else 9,
        case.left,
        Scope.ALL if Scope.ALL in case.barred else Scope.MARKETING if case.barred else None,
        seen=False,
    )
    assert found == ([expected] if address else [])


def test_a_slice_never_reads_a_whole_table(postgres_url: str) -> None:
    """Even where statistics say that the tables are empty, as right after an import."""
    engine = open_engine(postgres_url)
    with engine.connect() as connection, connection.begin():
        connection.exec_driver_sql("ANALYZE")
        connection.exec_driver_sql(
            "INSERT INTO recipients (external_id, email_hash, attributes, created_at, updated_at)"
            " SELECT 'C-' || i, decode(md5(i::text), 'hex'), '{}', now(), now()"
            " FROM generate_series(1, 2000) i"
        )
        asked: list[tuple[str, Any]] = []
        event.listen(connection, "before_cursor_execute", lambda *call: asked.append((call[2], call[3])))
        audiences = SqlAudiences(connection)
        for audience in (Audience(), parse_audience({"failed_in": "cmp_1"})):
            assert bool(audiences.candidates(_campaign(2, Channel.EMAIL), audience, 0, 100)) == (
                audience.failed_in is None
            )
        queries = [one for one in asked if one[0].startswith("SELECT")]
        assert len(queries) == 4
        for statement, values in queries:
            plan = connection.exec_driver_sql(f"EXPLAIN {statement}", values).scalars().all()
            assert not any("Seq Scan" in line for line in plan), plan
    engine.dispose()


def _campaign(topic: int, channel: Channel) -> Campaign:
    status = CampaignStatus.SENDING
    return Campaign(9, "n", topic, (channel,), "newsletter", None, None, test=False, status=status)
