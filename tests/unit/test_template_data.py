"""What is said about data that a template cannot take: by field, and never quoting it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.domain.content import Links
from notify.rendering import FileTemplates, load_catalogue

TEMPLATES: Final = Path(__file__).parents[2] / "templates"
LOADED: Final = "order_confirmed"


@pytest.fixture(scope="module")
def templates() -> FileTemplates:
    return FileTemplates(TEMPLATES, load_catalogue(TEMPLATES))


@pytest.mark.parametrize(
    ("name", "wrong", "pointer", "detail"),
    [
        ("order_shipped", {"order_number": None}, "/order_number", "must be a string"),
        ("order_shipped", {"order_number": 99812}, "/order_number", "must be a string"),
        ("order_shipped", {"order_number": ""}, "/order_number", "must not be empty"),
        ("order_shipped", {"order_number": "9" * 41}, "/order_number", "must have at most 40 characters"),
        ("order_shipped", {"trackng_url": "https://a.b/"}, "/trackng_url", "is not a known field"),
        ("order_shipped", {"a/b~c": 1}, "/a~1b~0c", "is not a known field"),
        ("order_shipped", {"_recipient_name": "Awa"}, "/_recipient_name", "is not a known field"),
        ("order_shipped", {"expected_on": "20261126"}, "/expected_on", "must be a date such as 2026-11-26"),
        ("order_shipped", {"expected_on": "2026-02-30"}, "/expected_on", "must be a date such as 2026-11-26"),
        (
            "order_out_for_delivery",
            {"delivery_window": {"from": "14:00"}},
            "/delivery_window/to",
            "is required",
        ),
        (
            "order_out_for_delivery",
            {"delivery_window": {"from": "25:00", "to": "26:00"}},
            "/delivery_window/from",
            "must be a time of day such as 14:30",
        ),
        (LOADED, {"items": [{"name": "a"}, {"quantity": 1}]}, "/items/1/name", "is required"),
        (LOADED, {"items": [{"name": "a", "qty": 1}]}, "/items/0/qty", "is not a known field"),
        (LOADED, {"items": [{"name": "a", "quantity": 1.5}]}, "/items/0/quantity", "must be a whole number"),
        (LOADED, {"items": []}, "/items", "must not be empty"),
        (
            LOADED,
            {"total": {"amount": True, "currency": "XOF"}},
            "/total/amount",
            "must be a string or a number",
        ),
        (LOADED, {"total": {"amount": -1, "currency": "XOF"}}, "/total/amount", "must be at least 0"),
    ],
)
def test_every_problem_names_its_field(
    templates: FileTemplates, name: str, wrong: dict[str, Any], pointer: str, detail: str
) -> None:
    problems = templates.problems(name, {"order_number": "99812", **wrong})
    assert (pointer, detail) in [(problem.pointer, problem.detail) for problem in problems]


def test_what_is_missing_is_named(templates: FileTemplates) -> None:
    assert [(p.pointer, p.detail) for p in templates.problems("order_shipped", {})] == [
        ("/order_number", "is required")
    ]


def test_all_problems_at_once(templates: FileTemplates) -> None:
    problems = templates.problems(LOADED, {"total": {}, "nonsense": 1})
    assert {problem.pointer for problem in problems} == {
        "/order_number",
        "/total/amount",
        "/total/currency",
        "/nonsense",
    }


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//example.com/x",
        "ftp://example.com/",
        "https://",
        "https://exa mple.com/",
        "https://example.com/\nx",
        "https://example.com/\n",
        'https://example.com/"onclick="x',
        "https://smarttontine.org@evil.example/",
        " https://example.com/",
        "https://example.com/é",
    ],
)
def test_addresses_are_http_only(templates: FileTemplates, url: str) -> None:
    problems = templates.problems("order_shipped", {"order_number": "1", "tracking_url": url})
    assert [problem.pointer for problem in problems] == ["/tracking_url"]
    assert problems[0].detail == "must be an absolute http:// or https:// address"


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "http://example.com/t/1?a=b&c=%20#d",
        "https://[2001:db8::1]:8080/x",
        "https://a.b?x",
    ],
)
def test_good_addresses_pass(templates: FileTemplates, url: str) -> None:
    assert not templates.problems("order_shipped", {"order_number": "1", "tracking_url": url})


LABEL: Final = "must begin and end with a visible character, and hold no control or direction characters"
TEXT: Final = "must have a visible character, and no control or direction characters"


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("order_shipped", "order_number"),
        ("order_shipped", "carrier"),
        ("order_shipped", "tracking_number"),
        ("order_refunded", "method"),
    ],
)
@pytest.mark.parametrize(
    "value",
    [
        "   ",
        " 99812",
        "99812\n",
        "99812\N{NO-BREAK SPACE}",
        "99812\N{ZERO WIDTH SPACE}",
        "\N{SOFT HYPHEN}99812",
        "\N{HANGUL FILLER}",
        "\N{BRAILLE PATTERN BLANK}1",
        "99\r812",
        "99\x00812",
        "99\N{LINE SEPARATOR}812",
        "99\N{RIGHT-TO-LEFT OVERRIDE}812",
        "99\N{FIRST STRONG ISOLATE}812",
        "99\N{ARABIC LETTER MARK}812",
        "99\ud800812",
    ],
)
def test_numbers_and_names_are_seen_as_they_are(
    templates: FileTemplates, name: str, field: str, value: str
) -> None:
    problems = templates.problems(name, {"order_number": "1", field: value})
    assert [(one.pointer, one.detail) for one in problems] == [(f"/{field}", LABEL)]


@pytest.mark.parametrize(
    ("name", "pointer", "data"),
    [
        ("order_shipped", "/pickup_point", lambda text: {"pickup_point": text}),
        ("order_cancelled", "/reason", lambda text: {"reason": text}),
        ("order_confirmed", "/items/0/name", lambda text: {"items": [{"name": text}]}),
    ],
)
def test_free_text_shows_and_does_nothing_else(
    templates: FileTemplates, name: str, pointer: str, data: Callable[[str], dict[str, Any]]
) -> None:
    for bad in ("  ", "\N{ZERO WIDTH SPACE}", "a\tb", "a\nb", "a\N{RIGHT-TO-LEFT OVERRIDE}b", "a\x9bb"):
        problems = templates.problems(name, {"order_number": "1", **data(bad)})
        assert [(one.pointer, one.detail) for one in problems] == [(pointer, TEXT)], repr(bad)
    for good in (" Relais Sandaga ", "Théière e\u0301maillée, 1,2 l", "❤️", "قهوة", "👩‍🍳 «\xa0set\xa0»"):
        assert not templates.problems(name, {"order_number": "1", **data(good)}), repr(good)


@pytest.mark.parametrize("value", ["99812", "N° 99 812/b", "#1", "e\u0301", "№ 1️⃣", "طلب 1"])
def test_order_numbers_of_every_kind_pass(templates: FileTemplates, value: str) -> None:
    assert not templates.problems("order_shipped", {"order_number": value})


@pytest.mark.parametrize(
    ("amount", "currency", "good"),
    [
        ("12500", "XOF", True),
        (12500, "XOF", True),
        ("12500.00", "XOF", True),
        ("12500.50", "XOF", False),
        ("12.5", "EUR", True),
        (12.55, "EUR", True),
        ("12.555", "EUR", False),
        ("1.234", "TND", True),
        ("12", "XYZ", False),
        ("12", "eur", False),
        ("1e3", "EUR", False),
        ("12,50", "EUR", False),
        (float("nan"), "EUR", False),
        (float("inf"), "EUR", False),
    ],
)
def test_money(templates: FileTemplates, amount: object, currency: str, good: bool) -> None:  # noqa: FBT001
    data = {"order_number": "1", "total": {"amount": amount, "currency": currency}}
    assert bool(templates.problems(LOADED, data)) is not good


def test_the_schema_stands_on_its_own_and_is_documented(templates: FileTemplates) -> None:
    def leaves(schema: dict[str, Any]) -> list[dict[str, Any]]:
        parts = [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]
        return [leaf for part in parts for leaf in leaves(part)] if parts else [schema]

    for name in templates.names():
        info = templates.info(name)
        assert info is not None
        assert "$ref" not in str(info.data_schema)
        assert templates.problems(name, info.data_schema["examples"][0]) == []
        for leaf in leaves(dict(info.data_schema)):
            assert leaf["description"]
            assert leaf["examples"]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
_FIELDS = st.sampled_from(
    ["order_number", "items", "total", "expected_on", "delivery_fee", "pickup_point", "x"]
)
_MONEY = st.fixed_dictionaries({"amount": _JSON, "currency": st.sampled_from(["XOF", "EUR"]) | _JSON})
_ITEM = st.fixed_dictionaries({"name": st.text(max_size=9)}, optional={"quantity": _JSON, "price": _MONEY})


@given(st.dictionaries(_FIELDS, _JSON | _MONEY | st.lists(_ITEM, max_size=2), max_size=5))
def test_whatever_passes_the_check_renders(templates: FileTemplates, data: dict[str, Any]) -> None:
    data = {"order_number": "1", **data}
    if templates.problems(LOADED, data):
        return
    links = Links("https://smarttontine.org/u/x")
    for locale in ("fr", "en"):
        assert templates.email(LOADED, locale, data, links).html
        assert templates.sms(LOADED, locale, data, links).encode()


@pytest.mark.parametrize("number", ["http://evil.example", "99812 https://evil.example"])
def test_an_order_number_is_no_link(number: str, templates: FileTemplates) -> None:
    assert templates.problems("order_shipped", {"order_number": number})
