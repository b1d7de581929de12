"""Accepting notifications: durable, once, and judged at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from notify.domain.catalogue import Channel
from notify.domain.consent import Scope
from notify.domain.errors import (
    FieldProblem,
    IdempotencyInProgressError,
    IdempotencyMismatchError,
    InvalidRequestError,
)
from notify.domain.requests import Idempotency, Lane, NotificationRequest, RecipientInput
from notify.storage.address_hashes import hash_address
from tests.world import World, settings_for


def test_an_order_is_queued_on_both_channels_and_its_lane_is_rung(world: World) -> None:
    answer = world.order()
    assert answer["status"] == "queued"
    assert [(one["channel"], one["status"]) for one in answer["messages"]] == [
        ("email", "queued"),
        ("sms", "queued"),
    ]
    ((lane, dispatches),) = world.wake_ups.rung
    assert (lane, len(dispatches)) == (Lane.URGENT, 2)


def test_a_scheduled_order_rings_nothing_and_leaves_at_its_time(world: World) -> None:
    answer = world.order(send_at=world.clock() + timedelta(hours=2))
    assert answer["status"] == "scheduled"
    assert world.wake_ups.rung == []
    assert world.work() == 0
    world.clock.advance(timedelta(hours=2))
    assert world.reconcile().woken == 1
    assert world.work() == 2
    assert world.message(answer, Channel.EMAIL)["status"] == "sent"


def test_the_same_key_and_body_give_the_same_answer_and_nothing_new(world: World) -> None:
    first = world.order(key="k-1")
    world.work()
    assert world.order(key="k-1") == first
    assert len(world.parts.lookups.notifications()["items"]) == 1


def test_a_repeated_call_gets_its_answer_even_when_its_expiry_has_passed(world: World) -> None:
    expires_at = world.clock() + timedelta(hours=1)
    first = world.order(key="k-1", expires_at=expires_at)
    world.clock.advance(timedelta(hours=2))
    assert world.order(key="k-1", expires_at=expires_at) == first


def test_the_same_key_with_another_body_is_refused(world: World) -> None:
    world.order(key="k-1")
    with pytest.raises(IdempotencyMismatchError):
        world.order(key="k-1", reference="order-1")


def test_one_key_posted_from_many_threads_exists_once(world: World) -> None:
    def post(_: int) -> str | None:
        try:
            return world.order(key="k-1")["id"]
        except IdempotencyInProgressError:
            return None

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(post, range(24))) - {None}
    assert len(answers) == 1
    assert len(world.parts.lookups.notifications()["items"]) == 1


def test_many_threads_posting_for_one_new_recipient_make_one_profile(world: World) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: world.order(reference=f"order-{number}"), range(16)))
    assert len({answer["id"] for answer in answers}) == 16
    assert len(world.parts.search_recipients(Channel.EMAIL, "AWA.DIOP@example.com")) == 1


def test_one_bad_item_of_a_batch_leaves_the_rest_alone_and_keeps_its_place(world: World) -> None:
    good = NotificationRequest("order_delivered", RecipientInput("C-1"), {"order_number": "1"})
    bad = NotificationRequest("order_delivered", RecipientInput("C-2", {"email": "nobody"}), {})
    unparsed = InvalidRequestError([FieldProblem("/channels", "must be a list")])
    results = world.accept([bad, good, unparsed], lane=Lane.NORMAL, idempotency=Idempotency("k", b"body"))
    assert isinstance(results[0], InvalidRequestError)
    assert {one.pointer for one in results[0].problems} == {"/recipient/email", "/data/order_number"}
    assert not isinstance(results[1], InvalidRequestError)
    assert results[2] is unparsed
    again = world.accept([bad, good, unparsed], lane=Lane.NORMAL, idempotency=Idempotency("k", b"body"))
    assert again[1] == results[1]
    assert isinstance(again[0], InvalidRequestError)
    assert again[0].problems == results[0].problems


def test_unknown_template_channel_and_address_are_named_together(world: World) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        world.order("order_lost", profile={"email": "a b@example.com", "phone": "12"})
    assert {one.pointer for one in caught.value.problems} == {
        "/template",
        "/recipient/email",
        "/recipient/phone",
    }


def test_a_profile_is_merged_field_by_field(world: World) -> None:
    world.order()
    world.order(profile={"email": "awa@example.org", "attributes": {"city": "Thiès", "vip": True}})
    world.order(profile={"phone": None, "attributes": {"vip": None}})
    found = world.parts.lookups.recipient("C-1042")
    assert (found["email"], found["phone"], found["name"]) == ("awa@example.org", None, "Awa Diop")
    assert found["attributes"] == {"city": "Thiès"}


def test_whoever_reads_a_language_that_we_do_not_write_gets_french(world: World) -> None:
    world.order(profile={"email": "awa@example.org", "locale": "pt"})
    world.work()
    assert world.email.messages[-1].subject.startswith("Votre commande")
    assert world.parts.lookups.recipient("C-1042")["locale"] == "pt"


def test_the_stored_country_is_the_hint_for_a_national_number(world: World) -> None:
    world.order()
    world.order(profile={"phone": "70 123 45 67"})
    assert world.parts.lookups.recipient("C-1042")["phone"] == "+221701234567"


def test_without_any_address_the_notification_is_skipped(world: World) -> None:
    answer = world.order(profile={})
    assert answer["status"] == "skipped"
    assert {one["reason"] for one in answer["messages"]} == {"no_address"}


def test_a_country_that_may_not_be_texted_is_not(database_url: str, tmp_path: Path) -> None:
    world = World(settings_for(database_url, tmp_path, sms_countries=frozenset({"FR"})))
    answer = world.order()
    assert answer["messages"][1]["reason"] == "country_not_allowed"
    assert answer["messages"][0]["status"] == "queued"
    world.parts.close()


def test_what_bars_an_address_binds_whoever_comes_new_with_it(world: World) -> None:
    topic = world.parts.catalogue["order_updates"].number
    first = world.order(recipient="C-1", profile={"email": "a@example.com"}, channels=(Channel.EMAIL,))
    assert first["status"] == "queued"
    with world.parts.store.write() as tx:
        known = tx.recipients.by_external_id("C-1")
        assert known
        hashes = [known.hashes[Channel.EMAIL]]
        tx.consents.opt_out_addresses(topic, Channel.EMAIL, hashes, 1, world.clock())
        bar = tx.suppressions.bar
        barred = hash_address(world.parts.vault, Channel.EMAIL, "b@example.com")
        bar(Channel.EMAIL, barred, Scope.MARKETING, reason="erasure", masked=None, now=world.clock())
        bar(Channel.EMAIL, barred, Scope.ALL, reason="bounce", masked=None, now=world.clock())
    requests = [
        NotificationRequest(
            template="order_shipped",
            recipient=RecipientInput(f"new-{name}", {"email": f"{name}@example.com"}),
            data={"order_number": "1", "tracking_url": "https://example.com/t/1"},
            channels=(Channel.EMAIL,),
        )
        for name in "abc"
    ]
    found = world.accept(requests, lane=Lane.URGENT)
    reasons = [
        None if isinstance(one, InvalidRequestError) else one["messages"][0]["reason"] for one in found
    ]
    assert reasons == ["unsubscribed", "suppressed", None]
    again = world.accept([*requests[:2], requests[0]], lane=Lane.URGENT)  # known by now
    reasons = [
        None if isinstance(one, InvalidRequestError) else one["messages"][0]["reason"] for one in again
    ]
    assert reasons == ["unsubscribed", "suppressed", "unsubscribed"]
