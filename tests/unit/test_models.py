from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from timeit import timeit
from typing import Any

import pytest

from notify.domain.errors import FieldProblem, InvalidRequestError
from notify.domain.identifiers import identifier_pointers
from notify.domain.recipient_ids import id_problem
from notify.domain.recipients import PolicyAcceptance
from notify.domain.requests import NotificationRequest, RecipientInput, Routing
from notify.domain.timing import notification_problems
from notify.web.api.bodies import Body
from notify.web.api.models import Notification, PreferenceChanges, RecipientUpsert
from notify.web.api.parsing import guarded, notification_request, recipient_input

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def order(**changes: object) -> dict[str, Any]:
    return {"template": "order_shipped", "recipient": {"id": "C-1042"}, **changes}


def person(**changes: object) -> dict[str, Any]:
    return order(recipient={"id": "C-1042", **changes})


def problems_of(value: object) -> dict[str, str]:
    with pytest.raises(InvalidRequestError) as refusal:
        guarded(Notification, Body(value))
    return {problem.pointer: problem.detail for problem in refusal.value.problems}


def read(value: object) -> NotificationRequest:
    return notification_request(guarded(Notification, Body(value)))


def test_the_least_one_may_send() -> None:
    assert read(order()) == NotificationRequest("order_shipped", RecipientInput("C-1042"))


def test_all_one_may_send() -> None:
    found = read(
        {
            "template": "order_shipped",
            "recipient": {
                "id": "C-1042",
                "email": "awa.diop@example.com",
                "phone": "+221771234567",
                "name": "Awa Diop",
                "locale": "fr-SN",
                "country": "SN",
                "timezone": "Africa/Dakar",
                "customer_since": "2025-06-30",
                "attributes": {"vip": True, "orders": 7, "ratio": 0.5, "city": "Thiès", "old": None},
                "consent": {
                    "policy_version": "3",
                    "accepted_at": "2026-01-05T10:00:00+02:00",
                    "source": "shop",
                },
            },
            "data": {"order_number": "99812"},
            "channels": ["sms", "email"],
            "routing": "fallback",
            "send_at": "2026-12-01T09:00:00Z",
            "expires_at": "2026-12-02T09:00:00.25Z",
            "reference": "order-99812",
        }
    )
    profile = found.recipient.profile
    assert profile["locale"] == "fr"
    assert profile["customer_since"] == date(2025, 6, 30)
    assert profile["attributes"]["old"] is None
    accepted_at = datetime(2026, 1, 5, 8, tzinfo=UTC)
    assert found.recipient.consent == PolicyAcceptance("3", accepted_at, "shop")
    assert found.channels == ("sms", "email")
    assert found.routing is Routing.FALLBACK
    assert found.send_at == datetime(2026, 12, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("tag", "kept"), [("en-GB", "en"), ("FR_sn", "fr"), ("pt", "pt"), ("zh-Hant-x-1", "zh"), ("dyu", "dyu")]
)
def test_of_a_language_tag_the_language_is_kept(tag: str, kept: str) -> None:
    assert read(person(locale=tag)).recipient.profile["locale"] == kept


def test_what_is_left_out_stays_left_out_and_null_clears() -> None:
    given = guarded(RecipientUpsert, Body({"email": None, "name": "Awa"}))
    assert recipient_input("C-1", given).profile == {"email": None, "name": "Awa"}


def test_every_problem_is_named_at_once() -> None:
    found = problems_of(
        {
            "recipient": {"email": 7, "colour": "red"},
            "channels": [],
            "routing": "both",
            "send_at": "tomorrow",
            "x": 1,
        }
    )
    assert set(found) == {
        "/template",
        "/recipient/id",
        "/recipient/email",
        "/recipient/colour",
        "/channels",
        "/routing",
        "/send_at",
        "/x",
    }
    assert found["/template"] == "is required"
    assert found["/x"] == "is not a field of this request"
    assert found["/routing"] == "must be one of 'all' or 'fallback'"


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        ([], ""),
        ("text", ""),
        (order(template=""), "/template"),
        (order(template="a\nb"), "/template"),
        (order(data=[]), "/data"),
        (order(data=None), "/data"),
        (order(recipient="C-1042"), "/recipient"),
        (order(channels=["fax"]), "/channels/0"),
        (order(channels=["sms", "sms"]), "/channels"),
        (order(reference="x" * 129), "/reference"),
        (order(reference="a\tb"), "/reference"),
        (order(send_at=1764579600), "/send_at"),
        (order(send_at="2026-12-01"), "/send_at"),
        (order(send_at="2026-12-01T09:00:00"), "/send_at"),
        (order(send_at="2026-12-01T09:00Z"), "/send_at"),
        (order(send_at="2026-02-30T09:00:00Z"), "/send_at"),
        (order(send_at="2026-12-01T09:00:60Z"), "/send_at"),
        (order(send_at="0001-01-01T00:00:00+14:00"), "/send_at"),
        (order(send_at="9999-12-31T23:59:59-14:00"), "/send_at"),
        (order(send_at="٢٠٢٦-12-01T09:00:00Z"), "/send_at"),
        (person(id="awa@example.com"), "/recipient/id"),
        (person(id="0612345678"), "/recipient/id"),
        (person(id=1042), "/recipient/id"),
        (person(id=""), "/recipient/id"),
        (person(email="x" * 321), "/recipient/email"),
        (person(name="Awa\r\nBcc: x"), "/recipient/name"),
        (person(locale="xx"), "/recipient/locale"),
        (person(locale="french"), "/recipient/locale"),
        (person(country="sn"), "/recipient/country"),
        (person(country="XX"), "/recipient/country"),
        (person(timezone="Dakar"), "/recipient/timezone"),
        (person(timezone="../../etc/passwd"), "/recipient/timezone"),
        (person(customer_since="30/06/2025"), "/recipient/customer_since"),
        (person(customer_since="2025-02-30"), "/recipient/customer_since"),
        (person(attributes={"a": [1]}), "/recipient/attributes/a"),
        (person(attributes={"a": {"b": 1}}), "/recipient/attributes/a"),
        (person(attributes={"a b": 1}), "/recipient/attributes/a b"),
        (person(attributes={str(n): n for n in range(51)}), "/recipient/attributes"),
        (person(attributes={"a": "x" * 501}), "/recipient/attributes/a"),
        (person(attributes=None), "/recipient/attributes"),
        (person(attributes={"mail": "Awa <awa@example.com>"}), "/recipient/attributes/mail"),
        (person(attributes={"mail": "awa%40example.com"}), "/recipient/attributes/mail"),
        (person(attributes={"mobile": "+221 77 123 45 67"}), "/recipient/attributes/mobile"),
        (person(attributes={"mobile": "06 12 34 56 78"}), "/recipient/attributes/mobile"),
        (person(attributes={"mobile": 221771234567}), "/recipient/attributes/mobile"),
        (order(reference="awa@example.com"), "/reference"),
        (order(reference="order of awa@example.com"), "/reference"),
        (order(reference="0612345678"), "/reference"),
        (person(name="Awa https://evil.example.com"), "/recipient/name"),
        (person(name="WWW.evil.example.com"), "/recipient/name"),
        (person(name="Awa \u202epoid"), "/recipient/name"),
        (person(name="Awa\u0007"), "/recipient/name"),
        (
            person(
                consent={
                    "policy_version": "3",
                    "accepted_at": "2026-01-05T10:00:00Z",
                    "source": "awa@example.com",
                }
            ),
            "/recipient/consent/source",
        ),
        (person(consent={"policy_version": "3", "source": "shop"}), "/recipient/consent/accepted_at"),
        (
            person(
                consent={
                    "policy_version": "3" * 65,
                    "accepted_at": "2026-01-05T10:00:00Z",
                    "source": "shop",
                }
            ),
            "/recipient/consent/policy_version",
        ),
        (order(data={"note": "carte 4111 1111 1111 1111"}), "/data/note"),
        (order(data={"card": 4111111111111111}), "/data/card"),
    ],
)
def test_each_rule_names_its_field_and_never_the_value(value: object, pointer: str) -> None:
    found = problems_of(value)
    assert list(found) == [pointer]
    assert "4111" not in found[pointer]
    assert "example.com" not in found[pointer]


def test_a_barred_number_is_not_repeated_as_the_name_of_a_field() -> None:
    found = problems_of(order(**{"4111111111111111": 1}))
    assert all("4111" not in pointer for pointer in found)


def test_an_address_in_the_wrong_place_is_told_why() -> None:
    assert problems_of(order(reference="awa@example.com")) == {
        "/reference": "looks like an e-mail address; references appear in logs and URLs"
    }
    assert problems_of(person(attributes={"mobile": "+33612345678"})) == {
        "/recipient/attributes/mobile": "looks like a phone number; attributes are not encrypted and may not"
        " hold addresses"
    }
    choice = {"topic": "company_news", "channel": "email", "subscribed": True}
    with pytest.raises(InvalidRequestError) as refusal:
        guarded(PreferenceChanges, Body({"preferences": [choice], "proof": {"source": "+221771234567"}}))
    assert refusal.value.problems == (
        FieldProblem("/proof/source", "looks like a phone number; say where the choice was made"),
    )


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-23",
        "2026-11-23T10:00:00Z",
        "+1 vote",
        "@awa",
        "a @ b",
        "99812",
        "3017620422003",
        "75011",
        7,
        -1.5,
    ],
)
def test_attributes_that_are_no_addresses_pass(value: object) -> None:
    profile = read(person(attributes={"a": value}, name="Awa N'Dïaye-Diop Jr.")).recipient.profile
    assert profile["attributes"] == {"a": value}


def test_card_numbers_and_other_problems_are_named_together() -> None:
    assert set(problems_of(order(data={"n": "4111111111111111"}, routing=1))) == {"/data/n", "/routing"}


@pytest.mark.parametrize(
    "text",
    [
        "C-1042",
        "1042",
        "99812",
        "a",
        "shop:77",
        "2024-11-23-0042",
        "a1b2c3d4",
        "6012345678901",
        "u.42_x",
        "550e8400-e29b-41d4-a716-446655440000",
        "12345678",
    ],
)
def test_ids_of_shops_pass(text: str) -> None:
    assert id_problem(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "awa@example.com",
        "awa%40example",
        "+221771234567",
        "00221771234567",
        "221771234567",
        "0612345678",
        "33612345678",
        "06-12-34-56-78",
        "06.12.34.56.78",
        "77-123-45-67",
        "2250701020304",
        "0701020304",
        "tel:0612345678",
        "06 12 34 56 78",
        "C 1042",
        "é",
        "-1",
        "a/b",
        "a\n",
        "x" * 129,
        "",
    ],
)
def test_addresses_and_odd_ids_do_not(text: str) -> None:
    assert id_problem(text)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"send_at": NOW + timedelta(days=367)}, "/send_at"),
        ({"expires_at": NOW}, "/expires_at"),
        ({"send_at": NOW + timedelta(hours=2), "expires_at": NOW + timedelta(hours=1)}, "/expires_at"),
    ],
)
def test_times_that_make_no_sense_now(changes: dict[str, datetime], pointer: str) -> None:
    request = NotificationRequest("order_shipped", RecipientInput("C-1"))
    request = replace(request, **changes)  # type: ignore[arg-type]
    assert [problem.pointer for problem in notification_problems(request, NOW)] == [pointer]


def test_times_that_do() -> None:
    consent = PolicyAcceptance("3", NOW, "shop")
    request = NotificationRequest(
        "order_shipped",
        RecipientInput("C-1", {"customer_since": NOW.date()}, consent),
        send_at=NOW - timedelta(days=1),
        expires_at=NOW + timedelta(hours=1),
    )
    assert notification_problems(request, NOW) == []


def test_what_lies_in_the_future_cannot_have_happened() -> None:
    consent = PolicyAcceptance("3", NOW + timedelta(hours=1), "shop")
    given = RecipientInput("C-1", {"customer_since": date(2026, 11, 25)}, consent)
    found = notification_problems(NotificationRequest("order_shipped", given), NOW)
    assert found == [
        FieldProblem("/recipient/consent/accepted_at", "lies in the future"),
        FieldProblem("/recipient/customer_since", "lies in the future"),
    ]


def test_identifiers_are_found_through_lists_and_references() -> None:
    number = {"type": "string", "pattern": r"^\d+$", "x-identifier": True}
    schema = {
        "$defs": {"parcel": {"properties": {"number": number, "weight": {"type": "string"}}}},
        "properties": {
            "parcels": {"items": {"$ref": "#/$defs/parcel"}},
            "a/b": number,
            "unmarked": {"pattern": "x"},
        },
    }
    data = {"parcels": [{"number": "1"}, {"weight": "2", "number": "3"}], "a/b": "4", "unmarked": "5"}
    assert identifier_pointers(schema, data) == {
        "/data/parcels/0/number",
        "/data/parcels/1/number",
        "/data/a~1b",
    }


@pytest.mark.parametrize(
    "schema", [{}, {"properties": 3}, {"$ref": "#/nowhere"}, {"$ref": "https://example.com"}]
)
def test_odd_schemas_declare_no_identifiers(schema: dict[str, Any]) -> None:
    assert identifier_pointers(schema, {"a": 1}) == set()


def test_a_recursive_schema_ends_with_the_data() -> None:
    schema = {"properties": {"x": {"$ref": "#"}}}
    assert identifier_pointers(schema, {"x": {"x": {"x": 1}}}) == set()


def test_reading_one_notification_is_quick() -> None:
    body = Body(
        person(
            email="awa.diop@example.com", phone="+221771234567", name="Awa Diop", locale="fr", country="SN"
        )
    )
    seconds = min(
        timeit(lambda: notification_request(Notification.model_validate(body.value)), number=200)
        for _ in range(5)
    )
    assert seconds / 200 < 150e-6


@pytest.mark.parametrize("name", ["   ", "\u3164", "...", "Awa http://evil.example", "www.evil.example"])
def test_a_name_holds_letters_and_no_link(name: str) -> None:
    assert set(problems_of(person(name=name))) == {"/recipient/name"}


@pytest.mark.parametrize("name", ["Awa Diop", "李", "N’Guessan", "J. R.", "محمد"])
def test_names_of_people_pass(name: str) -> None:
    assert read(person(name=name)).recipient.profile["name"] == name
