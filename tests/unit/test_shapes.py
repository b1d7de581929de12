"""Data of a shape that rendered before is not tried out again; what may matter besides is never left out."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from notify.domain.catalogue import LOCALES
from notify.rendering.formats import filters, format_checker
from notify.rendering.quick_check import quick_check
from notify.rendering.shapes import Shapes, Trials, UnusualError, parse_all

TEXT = {"type": "string", "examples": ["a"]}
ITEM = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"name": TEXT, "n": {"type": "integer"}},
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["number"],
    "properties": {
        "number": {"type": "string", "minLength": 1, "maxLength": 5},
        "carrier": TEXT,
        "day": {"type": "string", "format": "date"},
        "price": {
            "type": "object",
            "format": "money",
            "additionalProperties": False,
            "required": ["amount", "currency"],
            "properties": {
                "amount": {"type": ["string", "number"], "pattern": "^[0-9]+$", "minimum": 0},
                "currency": {"type": "string", "enum": ["XOF", "EUR"]},
            },
        },
        "items": {"type": "array", "minItems": 1, "maxItems": 3, "items": ITEM},
    },
}


def shapes(text: str) -> Shapes:
    return Shapes(SCHEMA, parse_all([text], "fr"))


def test_values_do_not_matter_but_presence_emptiness_and_type_do() -> None:
    of = shapes("{{ number }}{% if carrier %}{{ carrier }}{% endif %}").of

    assert of({"number": "1"}) == of({"number": "22"})
    assert of({"number": "1"}) != of({"number": "1", "carrier": "DHL"})
    assert of({"number": "1", "carrier": ""}) != of({"number": "1", "carrier": "DHL"})
    assert of({"number": "1", "carrier": 7}) != of({"number": "1", "carrier": "DHL"})
    assert of({"number": "1", "carrier": True}) != of({"number": "1", "carrier": 1})


def test_a_value_that_is_compared_with_is_a_shape_of_its_own() -> None:
    found = shapes("{% if carrier == 'DHL' %}{{ carrier }}{% endif %}")

    assert found.sound
    assert found.of({"carrier": "DHL"}) != found.of({"carrier": "UPS"}) == found.of({"carrier": "GLS"})


def test_entries_of_a_list_matter_first_last_and_between() -> None:
    of = shapes("{% for item in items %}{{ item.name }}{% endfor %}").of
    a, b = {"name": "a"}, {"n": 1}

    assert of({"items": [a, a, a]}) == of({"items": [a, a, a, a]}) != of({"items": [a]})
    assert len({of({"items": entries}) for entries in ([a, b, a], [b, a, a], [a, a, b], [a, a, a])}) == 4


@pytest.mark.parametrize(
    "text",
    [
        "{% if items|length == 3 %}{{ missing }}{% endif %}",
        "{% for item in items %}{% if loop.index == 3 %}{{ missing }}{% endif %}{% endfor %}",
        "{% if carrier > 'M' %}{{ missing }}{% endif %}",
        "{% if carrier == number %}{{ missing }}{% endif %}",
        "{% if carrier in 'DHL' %}{{ missing }}{% endif %}",
        "{{ carrier|date }}",
        "{{ (carrier|upper)|date }}",
        "{{ items[2].name }}",
    ],
)
def test_a_template_that_looks_closer_is_always_tried(text: str) -> None:
    trials = Trials(shapes(text))
    trials.note({"number": "1", "carrier": "2026-01-01"})

    assert not trials.passed({"number": "1", "carrier": "2026-01-01"})


def test_formats_are_trusted_where_the_schema_checked_them() -> None:
    assert shapes("{{ day|date }} {{ price|money }}").sound


@pytest.mark.parametrize(
    "data",
    [{"day": "0001-01-01"}, {"day": "9999-12-31"}, {"price": {"amount": "1" * 30, "currency": "XOF"}}],
)
def test_dates_and_amounts_at_the_edges_have_no_shape(data: dict[str, Any]) -> None:
    with pytest.raises(UnusualError):
        shapes("{{ number }}").of(data)


def test_what_rendered_is_remembered() -> None:
    trials = Trials(shapes("{{ number }}"))

    assert not trials.passed({"number": "1"})
    trials.note({"number": "1"})
    assert trials.passed({"number": "2"})


@pytest.mark.parametrize("locale", LOCALES)
def test_every_ordinary_day_and_known_currency_can_be_written(locale: str) -> None:
    write = filters(locale)
    for year in range(1900, 2200):
        for day in (f"{year}-01-01", f"{year}-02-28", f"{year}-12-31"):
            assert write["date"](day)
    formats = format_checker()
    currencies = [f"{a}{b}{c}" for a in "AEGUX" for b in "DEOUS" for c in "ADFR"]
    for currency in currencies:
        if formats.conforms({"amount": "12", "currency": currency}, "money"):
            assert write["money"]({"amount": "12", "currency": currency})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False) | st.sampled_from(
        ["", "a", "XOF", "12", "2026-11-26", "2026-13-01", "toolong"]
    ),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["number", "carrier", "day", "price", "items", "name", "n", "amount", "currency"]),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(JSON, st.sampled_from([None, "carrier", "day", "price", "items"]))
def test_the_quick_check_never_says_yes_where_the_validator_says_no(value: Any, place: str | None) -> None:
    formats = format_checker()
    quick = quick_check(SCHEMA, formats)
    assert quick is not None
    data = {"number": "1", place: value} if place else value

    if quick(data):
        assert Draft202012Validator(SCHEMA, format_checker=formats).is_valid(data)


def test_the_quick_check_says_yes_to_what_is_usual() -> None:
    quick = quick_check(SCHEMA, format_checker())
    assert quick is not None
    full = {
        "number": "99812",
        "day": "2026-11-26",
        "price": {"amount": "12500", "currency": "XOF"},
        "items": [{"name": "Pagne", "n": 2}],
    }
    assert quick(full)
    assert not quick({**full, "number": "too long"})
    assert not quick({**full, "day": "2026-02-30"})


@pytest.mark.parametrize("rule", [{"oneOf": []}, {"const": 1}, {"enum": [1]}, {"properties": {}}])
def test_a_schema_with_other_rules_is_left_to_the_validator(rule: dict[str, Any]) -> None:
    assert quick_check(rule, format_checker()) is None
