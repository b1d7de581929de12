"""Every way out, the undo, the preference centre, the shop's word, and the ledger behind them."""

from datetime import UTC, date, datetime, timedelta

import pytest

from notify.domain.bars import Bar
from notify.domain.catalogue import Channel
from notify.domain.errors import InvalidRequestError, InvalidTokenError, NotFoundError
from notify.domain.recipients import PolicyAcceptance
from notify.domain.requests import Choice, Proof, RecipientInput
from tests.world import CLICK, EMAIL, World, exported

CENTRE = Proof(source="preference_centre", wording="Enregistrer")


@pytest.fixture
def served(world: World) -> World:
    """Give a world in which Awa got one order update on both channels."""
    world.order()
    world.work()
    return world


def ledger(world: World) -> list[tuple[str | None, str | None, bool, str]]:
    items = world.parts.lookups.consents("C-1042")["items"]
    return [(one["topic"], one["channel"], one["subscribed"], one["source"]) for one in items]


def test_describing_a_link_changes_nothing(served: World) -> None:
    view = served.parts.unsubscribe.describe(served.opt_out_token(Channel.EMAIL))
    assert view.topic is not None
    assert (view.topic.name, view.address, view.locale, view.subscribed) == (
        "order_updates",
        "a•••@example.com",
        "fr",
        True,
    )
    assert ledger(served) == []


def test_repeating_an_opt_out_is_one_entry_with_its_proof_and_message(served: World) -> None:
    token = served.opt_out_token(Channel.SMS)
    first = served.parts.unsubscribe(token, CLICK, "fr").undo
    again = served.parts.unsubscribe(token, CLICK, "fr").undo  # a double tap shows the second page
    assert first
    assert again
    with pytest.raises(InvalidTokenError):
        served.parts.undo(first, CLICK, "fr")
    served.parts.undo(again, CLICK, "fr")
    assert served.subscribed("order_updates", Channel.SMS)
    entry, _ = served.parts.lookups.consents("C-1042")["items"]
    assert (entry["source"], entry["wording"], entry["locale"]) == ("link", CLICK.wording, "fr")
    assert served.parts.lookups.message(entry["message_id"], "en")["channel"] == "sms"


def test_undo_restores_what_was_changed_once(served: World) -> None:
    done = served.parts.unsubscribe(served.opt_out_token(Channel.EMAIL), CLICK, "fr")
    assert done.undo
    assert not served.subscribed("order_updates", Channel.EMAIL)
    restored = served.parts.undo(done.undo, CLICK, "fr")
    assert [(topic.name, channel) for topic, channel in restored] == [("order_updates", "email")]
    assert served.subscribed("order_updates", Channel.EMAIL)
    with pytest.raises(InvalidTokenError):
        served.parts.undo(done.undo, CLICK, "fr")
    assert ledger(served)[-1] == ("order_updates", "email", True, "undo")


def test_an_undo_never_weakens_a_later_and_broader_stop(served: World) -> None:
    token = served.opt_out_token(Channel.SMS)
    narrow = served.parts.unsubscribe(token, CLICK, "fr").undo
    served.parts.unsubscribe(token, CLICK, "fr", whole_channel=True)
    assert narrow
    with pytest.raises(InvalidTokenError):
        served.parts.undo(narrow, CLICK, "fr")
    narrow = served.parts.unsubscribe(served.opt_out_token(Channel.EMAIL), CLICK, "fr").undo
    served.parts.preference_centre.stop_everything(served.centre_token(), CENTRE, "fr")
    assert narrow
    with pytest.raises(InvalidTokenError):
        served.parts.undo(narrow, CLICK, "fr")
    assert not served.subscribed("order_updates", Channel.EMAIL)


def test_a_broad_stop_pressed_twice_can_still_be_undone(served: World) -> None:
    token = served.opt_out_token(Channel.SMS)
    served.parts.unsubscribe(token, CLICK, "fr", whole_channel=True)
    undo = served.parts.unsubscribe(token, CLICK, "fr", whole_channel=True).undo
    assert undo
    served.parts.undo(undo, CLICK, "fr")
    assert served.subscribed("order_updates", Channel.SMS)
    centre = served.centre_token()
    served.parts.preference_centre.stop_everything(centre, CENTRE, "fr")
    _, undo = served.parts.preference_centre.stop_everything(centre, CENTRE, "fr")
    assert undo
    served.parts.undo(undo, CENTRE, "fr")
    assert served.subscribed("order_updates", Channel.EMAIL)


def test_repeating_a_narrow_stop_offers_no_undo_of_a_broad_one(served: World) -> None:
    served.parts.preference_centre.stop_everything(served.centre_token(), CENTRE, "fr")
    assert served.parts.unsubscribe(served.opt_out_token(Channel.EMAIL), CLICK, "fr").undo is None


def test_an_undo_is_overtaken_by_a_later_choice(served: World) -> None:
    undo = served.parts.unsubscribe(served.opt_out_token(Channel.EMAIL), CLICK, "fr").undo
    for subscribed in (True, False):
        choice = Choice("order_updates", Channel.EMAIL, subscribed=subscribed)
        served.parts.preference_centre.change(served.centre_token(), [choice], CENTRE, "fr")
    assert undo
    with pytest.raises(InvalidTokenError):
        served.parts.undo(undo, CLICK, "fr")
    assert not served.subscribed("order_updates", Channel.EMAIL)


def test_an_undo_under_one_id_leaves_a_later_opt_out_of_the_address_under_another(served: World) -> None:
    first = served.parts.unsubscribe(served.opt_out_token(Channel.EMAIL), CLICK, "fr").undo
    served.parts.preference_centre.change(
        served.centre_token(), [Choice("order_updates", Channel.EMAIL, subscribed=True)], CENTRE, "fr"
    )
    served.order(recipient="guest", profile={"email": EMAIL}, channels=(Channel.EMAIL,))
    served.work()
    guest = served.opt_out_token(Channel.EMAIL)
    served.order(channels=(Channel.EMAIL,))
    served.work()
    own = served.parts.unsubscribe(served.opt_out_token(Channel.EMAIL), CLICK, "fr").undo
    served.parts.unsubscribe(guest, CLICK, "fr")
    assert first
    assert own
    served.parts.undo(own, CLICK, "fr")
    for recipient in ("C-1042", "guest"):
        answer = served.order("order_delivered", recipient=recipient, channels=(Channel.EMAIL,))
        assert answer["messages"][0]["reason"] == "unsubscribed"


def test_undo_is_good_for_an_hour(served: World) -> None:
    done = served.parts.unsubscribe(served.opt_out_token(Channel.EMAIL), CLICK, "fr")
    assert done.undo
    served.clock.advance(timedelta(minutes=61))
    with pytest.raises(InvalidTokenError):
        served.parts.undo(done.undo, CLICK, "fr")


def test_undo_never_opens_what_was_closed_before(served: World) -> None:
    token = served.opt_out_token(Channel.EMAIL)
    done = served.parts.unsubscribe(token, CLICK, "fr", whole_channel=True)
    assert done.undo
    served.parts.undo(done.undo, CLICK, "fr")
    assert served.subscribed("order_updates", Channel.EMAIL)
    assert not served.subscribed("company_news", Channel.EMAIL)


def test_stopping_a_channel_stops_every_topic_on_it(served: World) -> None:
    served.parts.unsubscribe(served.opt_out_token(Channel.SMS), CLICK, "fr", whole_channel=True)
    assert {one[1] for one in ledger(served)} == {"sms"}
    assert len(ledger(served)) == 4
    assert served.subscribed("order_updates", Channel.EMAIL)


def test_a_mail_to_the_token_opts_out(served: World) -> None:
    mailbox = served.parts.tokens.mailbox(
        served.parts.tokens.read_opt_out(served.opt_out_token(Channel.EMAIL))
    )
    served.parts.unsubscribe.by_mail(mailbox, Proof(source="mailto"))
    assert ledger(served) == [("order_updates", "email", False, "mailto")]


def test_the_centre_opts_in_and_out_and_frees_the_address(served: World) -> None:
    served.parts.unsubscribe(served.opt_out_token(Channel.EMAIL), CLICK, "fr")
    token = served.centre_token()
    choices = [
        Choice("order_updates", Channel.EMAIL, subscribed=True),
        Choice("company_news", Channel.EMAIL, subscribed=True),
        Choice("surveys", Channel.SMS, subscribed=False),
    ]
    view, undo, _, _ = served.parts.preference_centre.change(token, choices, CENTRE, "fr")
    on = {(row.topic.name, row.channel) for row in view.rows if row.subscribed}
    assert on == {("order_updates", "email"), ("order_updates", "sms"), ("company_news", "email")}
    assert undo
    assert served.order("order_delivered")["messages"][0]["status"] == "queued"
    served.parts.undo(undo, CENTRE, "fr")
    assert not served.subscribed("order_updates", Channel.EMAIL)
    assert not served.subscribed("company_news", Channel.EMAIL)
    assert served.order("order_delivered", recipient="guest")["messages"][0]["reason"] == "unsubscribed"


def test_stopping_all_news_outlives_a_later_purchase_and_acceptance(served: World) -> None:
    served.parts.preference_centre.stop_news(served.centre_token(), CENTRE, "fr")
    served.parts.upsert_recipient(
        RecipientInput(
            "C-1042",
            {"customer_since": date(2026, 11, 1)},
            PolicyAcceptance("2026-01", served.clock() - timedelta(days=1), "signup"),
        )
    )
    for topic in ("company_news", "product_offers", "surveys"):
        assert not served.subscribed(topic, Channel.EMAIL)
    assert served.subscribed("order_updates", Channel.EMAIL)


def test_stopping_everything_stops_order_updates_too(served: World) -> None:
    view, _ = served.parts.preference_centre.stop_everything(served.centre_token(), CENTRE, "fr")
    assert not any(row.subscribed for row in view.rows)
    assert served.order()["status"] == "skipped"


def test_this_is_not_me_bars_the_address_from_everything(served: World) -> None:
    served.parts.preference_centre.disown(served.centre_token(), Channel.SMS, CENTRE, "fr")
    answer = served.order("order_delivered", recipient="someone-else")
    assert [one["reason"] for one in answer["messages"]] == [None, "suppressed"]


def test_an_opt_out_token_does_not_open_the_centre(served: World) -> None:
    with pytest.raises(InvalidTokenError):
        served.parts.preference_centre.describe(served.opt_out_token(Channel.EMAIL))


def test_policy_acceptance_subscribes_in_senegal_and_not_in_france(world: World) -> None:
    accepted = PolicyAcceptance("2026-01", datetime(2026, 1, 5, tzinfo=UTC), "signup")
    for number, country in (("1", "SN"), ("2", "FR"), ("3", None)):
        world.parts.upsert_recipient(
            RecipientInput(number, {"email": f"a{number}@example.com", "country": country}, accepted)
        )
        world.parts.upsert_recipient(RecipientInput(number, {}, accepted))
    assert world.subscribed("company_news", Channel.EMAIL, "1")
    assert not world.subscribed("company_news", Channel.EMAIL, "2")
    assert not world.subscribed("company_news", Channel.EMAIL, "3")
    (entry,) = world.parts.lookups.consents("1")["items"]
    assert (entry["topic"], entry["policy_version"]) == (None, "2026-01")


def test_a_purchase_opens_offers_only(world: World) -> None:
    given = RecipientInput("1", {"email": EMAIL, "country": "FR", "customer_since": date(2026, 1, 1)})
    world.parts.upsert_recipient(given)
    assert world.subscribed("product_offers", Channel.EMAIL, "1")
    assert not world.subscribed("company_news", Channel.EMAIL, "1")


def test_the_shop_needs_a_newer_proof_to_undo_an_opt_out(served: World) -> None:
    served.parts.unsubscribe(served.opt_out_token(Channel.EMAIL), CLICK, "fr")
    change = served.parts.change_preferences
    back = [Choice("order_updates", Channel.EMAIL, subscribed=True)]
    old = Proof("form", "Oui", obtained_at=served.clock() - timedelta(days=1))
    new = Proof("form", "Oui", obtained_at=served.clock() + timedelta(minutes=1))
    for refused in (None, old):
        with pytest.raises(InvalidRequestError):
            change("C-1042", back, refused)
    served.clock.advance(timedelta(hours=1))
    found = {(one["topic"], one["channel"]): one["subscribed"] for one in change("C-1042", back, new)}
    assert found["order_updates", "email"]
    assert served.parts.lookups.consents("C-1042")["items"][-1]["source"] == "form"


def test_the_shop_opts_out_without_a_proof_and_once(served: World) -> None:
    out = [Choice("order_updates", Channel.SMS, subscribed=False)]
    served.parts.change_preferences("C-1042", out, None)
    served.parts.change_preferences("C-1042", out, None)
    assert ledger(served) == [("order_updates", "sms", False, "shop")]


def test_unknown_and_repeated_topics_are_named(served: World) -> None:
    choices = [
        Choice("orders", Channel.SMS, subscribed=False),
        Choice("surveys", Channel.SMS, subscribed=False),
        Choice("surveys", Channel.SMS, subscribed=True),
    ]
    with pytest.raises(InvalidRequestError) as caught:
        served.parts.change_preferences("C-1042", choices, CENTRE)
    assert [one.pointer for one in caught.value.problems] == ["/preferences/0/topic", "/preferences/2"]


def test_erasure_takes_all_but_the_hash_and_old_links_still_stop(served: World) -> None:
    token = served.opt_out_token(Channel.EMAIL)
    answer = served.order("order_delivered")
    served.parts.erase_recipient("C-1042")
    lookups = served.parts.lookups
    for gone in (
        lambda: lookups.recipient("C-1042"),
        lambda: lookups.notification(answer["id"]),
        lambda: lookups.message(answer["messages"][0]["id"], "en"),
        lambda: lookups.export("C-1042"),
    ):
        with pytest.raises(NotFoundError):
            gone()
    served.work()
    assert len(served.email.messages) == 1
    served.parts.upsert_recipient(
        RecipientInput(
            "new-id",
            {"email": EMAIL, "country": "SN"},
            PolicyAcceptance("2026-01", served.clock(), "signup"),
        )
    )
    back = served.order(recipient="new-id", channels=(Channel.EMAIL,))
    assert back["status"] == "queued"
    assert back["id"] != answer["id"]
    done = served.parts.unsubscribe(token, CLICK, "fr")
    assert done.undo is None
    served.work()
    assert served.message(back, Channel.EMAIL)["reason"] == "unsubscribed"


def test_a_suppressed_address_is_not_shown_as_subscribed(served: World) -> None:
    served.parts.preference_centre.disown(served.centre_token(), Channel.SMS, CENTRE, "fr")
    view = served.parts.preference_centre.describe(served.centre_token())
    assert view.bar_of(Channel.SMS) is Bar.DISPUTED
    assert Channel.SMS not in view.addresses
    assert not served.subscribed("order_updates", Channel.SMS)


def test_an_erasure_takes_a_corrected_address_too(served: World) -> None:
    served.order(profile={"email": "awa@example.org"}, channels=(Channel.EMAIL,))
    served.parts.erase_recipient("C-1042")
    accepted = PolicyAcceptance("2026-01", served.clock(), "signup")
    for number, email in (("a", EMAIL), ("b", "awa@example.org")):
        served.parts.upsert_recipient(RecipientInput(number, {"email": email, "country": "SN"}, accepted))
        assert not served.subscribed("company_news", Channel.EMAIL, number)


def test_an_export_holds_everything(served: World) -> None:
    served.parts.unsubscribe(served.opt_out_token(Channel.EMAIL), CLICK, "fr")
    told = exported(served.parts)
    assert told["recipient"]["email"] == EMAIL
    assert told["notifications"][0]["data"] == {"order_number": "99812"}
    assert len(told["messages"]) == 2
    assert told["consents"][0]["wording"] == CLICK.wording


def test_a_preview_link_answers_and_changes_nothing(world: World) -> None:
    token = world.parts.composer.sample_links()[Channel.EMAIL].unsubscribe.split("/u/")[1]
    assert world.parts.unsubscribe(token, CLICK, "fr").undo is None
    assert world.parts.unsubscribe.describe(token).address is None
