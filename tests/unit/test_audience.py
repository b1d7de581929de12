"""A campaign's filter: what is understood, what is refused and where, and whom it means."""

from datetime import date
from typing import Any

import pytest

from notify.domain.audience import Audience, Condition, Op, parse_audience
from notify.domain.errors import InvalidRequestError
from tests.meeting import Facts, is_in

AWA = Facts(
    id="C-1042",
    locale="fr",
    country="SN",
    phone_country="SN",
    customer_since=date(2026, 5, 3),
    email=True,
    attributes={
        "orders": 7,
        "vip": True,
        "last_order_on": "2026-09-12T10:00:00Z",
        "city": "Dakar",
        "score": 1.0,
    },
)


def _one(field: str, op: str, value: Any) -> Audience:
    return parse_audience({"all": [{"field": field, "op": op, "value": value}]})


@pytest.mark.parametrize(
    ("field", "op", "value", "expected"),
    [
        ("id", "in", ["C-1", "C-1042"], True),
        ("country", "eq", "SN", True),
        ("country", "ne", "SN", False),
        ("timezone", "ne", "Africa/Dakar", True),  # unknown is not Dakar
        ("timezone", "exists", False, True),
        ("email", "exists", True, True),
        ("phone", "exists", True, False),
        ("customer_since", "lt", "2026-06-01", True),
        ("customer_since", "eq", "2026-05-03", True),
        ("attributes.orders", "gte", 7, True),
        ("attributes.orders", "gt", 7.0, False),
        ("attributes.score", "eq", 1, True),
        ("attributes.score", "eq", True, False),  # 1 is not true
        ("attributes.vip", "eq", True, True),
        ("attributes.vip", "eq", 1, False),
        ("attributes.vip", "gt", 0, False),
        ("attributes.orders", "eq", "7", False),
        ("attributes.last_order_on", "lte", "2026-09-12", True),  # a time counts as its day
        ("attributes.last_order_on", "gt", "2026-09-12", False),
        ("attributes.city", "gt", "2026-01-01", False),  # no date
        ("attributes.city", "in", [1, True, "Dakar"], True),
        ("attributes.shoe", "eq", "x", False),
        ("attributes.shoe", "lt", 5, False),
        ("attributes.shoe", "ne", "x", True),
        ("attributes.shoe", "exists", False, True),
    ],
)
def test_whom_a_condition_means(field: str, op: str, value: object, expected: bool) -> None:  # noqa: FBT001
    assert is_in(_one(field, op, value), AWA) is expected


def test_all_conditions_must_be_met_and_none_is_everyone() -> None:
    both = [
        {"field": "country", "op": "eq", "value": "SN"},
        {"field": "attributes.orders", "op": "gt", "value": 100},
    ]
    assert not is_in(parse_audience({"all": both}), AWA)
    assert is_in(parse_audience({"all": both[:1]}), AWA)
    everyones: list[dict[str, Any] | None] = [None, {}, {"all": []}, {"failed_in": None}]
    for everyone in everyones:
        assert parse_audience(everyone) == Audience()
        assert is_in(parse_audience(everyone), AWA)


def test_those_a_campaign_failed_for() -> None:
    assert parse_audience({"failed_in": "cmp_7", "all": []}) == Audience((), 7)


def test_a_list_is_kept_as_a_tuple() -> None:
    assert _one("attributes.city", "in", ["a"]) == Audience(
        (Condition("attributes.city", Op.IN, ("a",), "city"),)
    )


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"any": []}, "/audience/any"),
        ({"all": {}}, "/audience/all"),
        ({"all": [{}] * 21}, "/audience/all"),
        ({"all": ["x"]}, "/audience/all/0"),
        ({"all": [{"field": "id", "op": "eq"}]}, "/audience/all/0"),
        ({"all": [{"field": "shoe", "op": "eq", "value": 1}]}, "/audience/all/0/field"),
        ({"all": [{"field": 7, "op": "eq", "value": 1}]}, "/audience/all/0/field"),
        ({"all": [{"field": ["id"], "op": "eq", "value": 1}]}, "/audience/all/0/field"),
        ({"all": [{"field": "attributes.a b", "op": "eq", "value": 1}]}, "/audience/all/0/field"),
        ({"all": [{"field": "id", "op": "like", "value": "C%"}]}, "/audience/all/0/op"),
        ({"all": [{"field": "id", "op": [], "value": "C"}]}, "/audience/all/0/op"),
        ({"all": [{"field": "id", "op": "gt", "value": "C"}]}, "/audience/all/0/op"),
        ({"all": [{"field": "email", "op": "eq", "value": "a@example.com"}]}, "/audience/all/0/op"),
        ({"all": [{"field": "email", "op": "exists", "value": 1}]}, "/audience/all/0/value"),
        ({"all": [{"field": "id", "op": "eq", "value": 7}]}, "/audience/all/0/value"),
        ({"all": [{"field": "id", "op": "eq", "value": "a\0"}]}, "/audience/all/0/value"),
        ({"all": [{"field": "attributes.a", "op": "eq", "value": "\ud800"}]}, "/audience/all/0/value"),
        ({"all": [{"field": "customer_since", "op": "gt", "value": "2026-02-30"}]}, "/audience/all/0/value"),
        ({"all": [{"field": "attributes.a", "op": "gt", "value": "z"}]}, "/audience/all/0/value"),
        ({"all": [{"field": "attributes.a", "op": "gt", "value": True}]}, "/audience/all/0/value"),
        ({"all": [{"field": "attributes.a", "op": "eq", "value": 2**53 + 1}]}, "/audience/all/0/value"),
        ({"all": [{"field": "attributes.a", "op": "eq", "value": None}]}, "/audience/all/0/value"),
        ({"all": [{"field": "attributes.a", "op": "eq", "value": float("nan")}]}, "/audience/all/0/value"),
        ({"all": [{"field": "attributes.a", "op": "in", "value": []}]}, "/audience/all/0/value"),
        ({"all": [{"field": "attributes.a", "op": "in", "value": "abc"}]}, "/audience/all/0/value"),
        ({"all": [{"field": "attributes.a", "op": "in", "value": [1, []]}]}, "/audience/all/0/value"),
        ({"failed_in": "msg_7"}, "/audience/failed_in"),
        ({"failed_in": 7}, "/audience/failed_in"),
    ],
)
def test_what_is_not_understood_is_refused_with_a_pointer(given: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        parse_audience(given)
    assert [one.pointer for one in refused.value.problems] == [pointer] * len(refused.value.problems)
