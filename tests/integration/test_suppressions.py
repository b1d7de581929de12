"""Suppressions by the API: who may bar what, what it stops, and what only the person can lift."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert

from notify.app import create_app
from notify.domain import ids
from notify.domain.catalogue import Channel
from notify.domain.consent import Scope
from notify.domain.requests import Choice, Proof
from notify.domain.suppressions import WHO_LIFTS
from notify.storage.consent_tables import Suppression
from notify.storage.paging import SPAN
from notify.usecases.api_keys import KeyScope
from tests.doubles_api import bearer
from tests.integration.test_verify_ledger import seal, verify
from tests.world import EMAIL, PHONE, World

Call = Callable[..., Any]


@pytest.fixture
def call(world: World) -> Call:
    """Call the API with a key of the scope `recipients`."""
    client = create_app(world.parts).test_client()
    return caller(world, client, KeyScope.RECIPIENTS)


def caller(world: World, client: FlaskClient, scope: KeyScope) -> Call:
    key = world.parts.create_key("tests", frozenset({scope}), test=False, expires_at=None)

    def call(method: str, path: str, body: object = None) -> Any:
        return client.open(f"/v1/suppressions{path}", method=method, json=body, headers=bearer(key))

    return call


def given(address: str, channel: str, reason: str = "manual", **more: str) -> dict[str, str]:
    return {"address": address, "channel": channel, "reason": reason, **more}


def test_what_is_rare_among_very_many_is_found_in_steps(world: World, call: Call) -> None:
    row = {"channel": "sms", "scope": "all", "reason": "manual", "created_at": world.clock()}
    numbers = [7, SPAN * 2, SPAN * 3 + 1]
    with world.parts.engine.begin() as connection:
        connection.execute(
            insert(Suppression),
            [{**row, "id": number, "address_hash": bytes([number % 251])} for number in numbers],
        )
    found, pages, cursor = [], 0, ""
    while cursor is not None:
        page = call("GET", f"?channel=sms{cursor and f'&cursor={cursor}'}").get_json()
        found += [one["id"] for one in page["items"]]
        cursor, pages = page["next_cursor"], pages + 1
    assert found == [ids.public(ids.SUPPRESSION, number) for number in reversed(numbers)]
    assert pages == 4
    assert len(call("GET", "").get_json()["items"]) == 3  # unfiltered, they are next to each other


def test_a_barred_address_gets_nothing_until_it_is_lifted(world: World, call: Call) -> None:
    queued = world.order()
    barred = call("POST", "", given("AWA.Diop@example.com", "email"))
    assert barred.status_code == 201
    shown = barred.get_json()
    assert (shown["address"], shown["scope"], shown["reason"]) == ("A•••@example.com", "all", "manual")
    world.work()
    assert world.message(queued, Channel.EMAIL)["reason"] == "suppressed"
    assert world.message(queued, Channel.SMS)["status"] == "sent"

    again = call("POST", "", given(EMAIL, "email"))
    assert (again.status_code, again.get_json()["id"]) == (200, shown["id"])
    assert call("DELETE", f"/{shown['id']}").status_code == 204
    assert call("DELETE", f"/{shown['id']}").status_code == 404
    assert [one["reason"] for one in world.order("order_delivered")["messages"]] == [None, None]


def test_a_stop_that_the_shop_passes_on_is_on_the_ledger_once(world: World, call: Call) -> None:
    world.order()
    for _ in range(2):
        call("POST", "", given(PHONE, "sms", "stop", scope="all"))
    (entry,) = world.parts.lookups.consents("C-1042")["items"]
    told = (entry["source"], entry["topic"], entry["channel"], entry["subscribed"])
    assert told == ("stop", "order_updates", "sms", False)


def test_a_complaint_that_the_shop_passes_on_opts_out_of_what_stops(world: World, call: Call) -> None:
    world.order()
    choice = Choice("surveys", Channel.EMAIL, subscribed=True)
    world.parts.change_preferences("C-1042", [choice], Proof("form", "Oui"))
    for _ in range(2):
        call("POST", "", given(EMAIL, "email", "complaint"))
    (_, entry) = world.parts.lookups.consents("C-1042")["items"]
    told = (entry["source"], entry["topic"], entry["channel"], entry["subscribed"])
    assert told == ("complaint", "surveys", "email", False)
    assert not world.subscribed("surveys", Channel.EMAIL)
    assert world.subscribed("order_updates", Channel.EMAIL)
    seal(world)
    assert verify(world) == []


def test_what_the_shop_bars_and_lifts_itself_is_on_the_ledger(world: World, call: Call) -> None:
    world.order()
    world.order(recipient="guest-7", profile={"email": EMAIL}, reference="guest")
    for _ in range(2):
        barred = call("POST", "", given(EMAIL, "email"))
    call("POST", "", given(PHONE, "sms", "hard_bounce"))  # a fact: nobody asked for it
    call("DELETE", f"/{barred.get_json()['id']}")
    for who in ("C-1042", "guest-7"):
        newest, oldest = world.parts.lookups.consents(who)["items"]
        told = [(one["source"], one["topic"], one["channel"], one["subscribed"]) for one in (oldest, newest)]
        ends = [("suppressed", "order_updates", "email", on) for on in (False, True)]
        assert sorted(told) == sorted(ends)
    assert world.subscribed("order_updates", Channel.EMAIL)
    seal(world)
    assert verify(world) == []


def test_a_scope_only_gets_wider(call: Call) -> None:
    assert call("POST", "", given(PHONE, "sms", scope="marketing")).get_json()["scope"] == "marketing"
    assert call("POST", "", given(PHONE, "sms")).get_json()["scope"] == "all"
    assert call("POST", "", given(PHONE, "sms", scope="marketing")).get_json()["scope"] == "all"
    assert call("POST", "", given(EMAIL, "email", "complaint")).get_json()["scope"] == "marketing"


def test_lists_and_searches_show_addresses_masked_only(call: Call) -> None:
    call("POST", "", given(EMAIL, "email", "hard_bounce"))
    call("POST", "", given(PHONE, "sms"))
    whole = call("GET", "?limit=1")
    assert whole.get_json()["next_cursor"]
    older = call("GET", f"?limit=1&cursor={whole.get_json()['next_cursor']}").get_json()
    assert [one["reason"] for one in (*whole.get_json()["items"], *older["items"])] == [
        "manual",
        "hard_bounce",
    ]
    assert [one["reason"] for one in call("GET", "?channel=sms").get_json()["items"]] == ["manual"]
    assert call("GET", "?reason=hard_bounce&channel=sms").get_json()["items"] == []
    found = call("POST", "/search", {"phone": PHONE})
    assert [one["channel"] for one in found.get_json()["items"]] == ["sms"]
    assert call("POST", "/search", {"email": "nobody@example.com"}).get_json()["items"] == []
    for answer in (whole, found):
        assert EMAIL not in answer.text
        assert PHONE[-6:] not in answer.text.replace(" ", "")


@pytest.mark.parametrize("reason", sorted(WHO_LIFTS))
def test_what_a_person_asked_for_is_not_the_shops_to_lift(world: World, call: Call, reason: str) -> None:
    with world.parts.store.write() as tx:
        number = tx.suppressions.bar(
            Channel.SMS,
            tx.suppressions.hash_of(Channel.SMS, PHONE),
            Scope.MARKETING,
            reason=reason,
            masked=None,
            now=world.clock(),
        )
    refused = call("DELETE", f"/sup_{number}")
    assert (refused.status_code, refused.mimetype) == (409, "application/problem+json")
    assert WHO_LIFTS[reason] in refused.get_json()["detail"]
    (still,) = call("GET", "").get_json()["items"]
    assert (still["id"], still["address"]) == (f"sup_{number}", "•••")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (given("awa.diop", "email"), "/address"),
        (given("771234567", "sms"), "/address"),
        (given(EMAIL, "sms"), "/address"),
        (given(EMAIL, "fax"), "/channel"),
        (given(EMAIL, "email", "erasure"), "/reason"),
        (given(EMAIL, "email", scope="some"), "/scope"),
        (given("4111 1111 1111 1111", "sms"), "/address"),
        ({"address": EMAIL, "channel": "email"}, "/reason"),
    ],
)
def test_what_cannot_be_barred_is_named_and_never_echoed(
    call: Call, body: dict[str, str], pointer: str
) -> None:
    refused = call("POST", "", body)
    assert refused.status_code == 422
    assert pointer in {one.get("pointer") for one in refused.get_json()["errors"]}
    assert body["address"] not in refused.text
    assert call("GET", "").get_json()["items"] == []


def test_keys_that_read_do_not_write(world: World) -> None:
    client = create_app(world.parts).test_client()
    read, send = (caller(world, client, scope) for scope in (KeyScope.READ, KeyScope.SEND))
    assert read("GET", "").status_code == 200
    assert read("POST", "/search", {"email": EMAIL}).status_code == 200
    assert read("POST", "", given(EMAIL, "email")).status_code == 403
    assert read("DELETE", "/sup_1").status_code == 403
    assert send("GET", "").status_code == 403
