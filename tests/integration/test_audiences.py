"""Audiences in SQL say the same as the rules in Python, on both databases, whatever the data is."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, event, insert, select

from notify.domain.audience import Audience, Condition, Op, parse_audience
from notify.domain.campaigns import Campaign, CampaignStatus
from notify.domain.catalogue import Channel, Purpose, Topic
from notify.domain.consent import Scope, Standing, barred, subscription
from notify.domain.regimes import Regime, RegimeRow, Regimes
from notify.domain.status import Reason
from notify.storage.audience_filter import meets
from notify.storage.audiences import SqlAudiences
from notify.storage.consent_tables import AddressOptOut, Preference, Suppression
from notify.storage.engine import open_engine
from notify.storage.tables import Recipient
from notify.store.campaigns import Candidate
from tests.meeting import Facts, is_in

SINCE = date(2026, 1, 5)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
_MANY = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
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


_REGIMES = Regimes({"SN": RegimeRow(Regime.POLICY, "a law"), "FR": RegimeRow(Regime.EXPLICIT, "another")})
_TOPICS = [
    Topic(1, "order_updates", Purpose.TRANSACTIONAL, {}, {}, {}, regimes=_REGIMES),
    Topic(2, "company_news", Purpose.MARKETING, {}, {}, {}, regimes=_REGIMES),
    Topic(3, "product_offers", Purpose.MARKETING, {}, {}, {}, regimes=_REGIMES),
    Topic(4, "product_offers", Purpose.MARKETING, {}, {}, {}, double_opt_in=True, regimes=_REGIMES),
]


@dataclass(frozen=True)
class Situation:
    """All that a decision can depend on, for one recipient and one topic, on a channel."""

    topic: Topic
    country: str | None
    preference: bool | None
    accepted: bool
    bought: bool
    reachable: bool
    left: bool
    barred: Scope | None

    def standing(self) -> Standing:
        """Return it as the rules take it."""
        return Standing(
            country=self.country,
            has_address=self.reachable,
            subscribed=self.preference,
            address_opted_out=self.left and self.reachable,
            policy_consent_id=7 if self.accepted else None,
            customer_since=SINCE if self.bought else None,
        )

    def candidate(self, number: int, channel: Channel) -> Candidate:
        """Return what a slice is to tell of the recipient with this number."""
        return Candidate(
            number,
            channel,
            _hash(number),
            "fr",
            None,
            self.country,
            None,
            SINCE if self.bought else None,
            7 if self.accepted else None,
            self.preference,
            None if self.preference is None else 9,
            self.left,
            self.barred,
            seen=False,
        )


_SITUATIONS = [
    Situation(*facts)
    for facts in product(
        _TOPICS,
        (None, "FR", "SN"),
        (None, True, False),
        (True, False),
        (True, False),
        (True, False),
        (True, False),
        (None, Scope.MARKETING, Scope.ALL),
    )
]


@pytest.mark.parametrize("channel", list(Channel))
def test_who_is_subscribed_is_the_same_in_sql(connection: Connection, channel: Channel) -> None:
    """In each situation that there is."""
    cases = dict(enumerate(_SITUATIONS, 1))
    _store(connection, cases, channel)
    audiences = SqlAudiences(connection)
    assert audiences.highest() == len(cases)
    for topic in _TOPICS:
        mine = {number: case for number, case in cases.items() if case.topic is topic}
        wanted = [one for one in mine.values() if one.reachable and subscription(topic, one.standing())]
        assert audiences.count(topic, [channel], Audience(), len(cases)) == len(wanted)
        kinds = audiences.kinds(topic, channel, Audience(), None)
        assert {one.reason: one.people for one in kinds} == Counter(
            _left_out(topic, case) for case in cases.values()
        )
        found = audiences.candidates(_campaign(topic.number, channel), Audience(), 0, len(cases))
        assert [one for one in found if one.recipient in mine] == [
            case.candidate(number, channel) for number, case in mine.items() if case.reachable
        ]


def _left_out(topic: Topic, case: Situation) -> Reason | None:
    """Return why a campaign does not go to somebody; those of other topics refused this one."""
    if not case.reachable:
        return Reason.NO_ADDRESS
    standing = case.standing()
    if case.topic is not topic or case.left or standing.subscribed is False:
        return Reason.UNSUBSCRIBED
    if subscription(topic, standing) is None:
        return Reason.NO_CONSENT
    return Reason.SUPPRESSED if barred(topic, Standing(suppression=case.barred)) else None


def _store(connection: Connection, cases: dict[int, Situation], channel: Channel) -> None:
    """Write situations down, with refusals of no matter on other topics and channels."""
    column = "email_hash" if channel is Channel.EMAIL else "phone_hash"
    people, choices, opt_outs, bars = [], [], [], []
    for number, case in cases.items():
        address = {"address_hash": _hash(number), "channel": channel}
        people.append(
            {
                "id": number,
                "external_id": f"C-{number}",
                column: _hash(number) if case.reachable else None,
                "locale": "fr",
                "effective_country": case.country,
                "customer_since": SINCE if case.bought else None,
                "attributes": {},
                "policy_consent_id": 7 if case.accepted else None,
                "created_at": NOW,
                "updated_at": NOW,
            }
        )
        for topic, one in product(_TOPICS, Channel):
            chosen = case.preference if topic is case.topic and one is channel else False
            if chosen is not None:
                about = {"recipient_id": number, "topic": topic.number, "channel": one}
                choices.append({**about, "subscribed": chosen, "changed_at": NOW, "consent_id": 9})
        if case.left:
            opt_outs.append({**address, "topic": case.topic.number, "opted_out_at": NOW, "consent_id": 9})
        if case.barred:
            bars.append({**address, "scope": case.barred, "reason": "manual", "created_at": NOW})
    for table, rows in (
        (Recipient, people),
        (Preference, choices),
        (AddressOptOut, opt_outs),
        (Suppression, bars),
    ):
        connection.execute(insert(table), rows)


def _hash(number: int) -> bytes:
    return number.to_bytes(16, "big")


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
