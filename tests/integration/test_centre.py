"""The preference centre's verbs on both engines: take back a STOP, language, history, requests."""

from dataclasses import replace
from datetime import timedelta

import pytest

from notify.domain.bars import Bar
from notify.domain.catalogue import Channel
from notify.domain.confirmations import Kind
from notify.domain.consent import Scope
from notify.domain.errors import TooManyRequestsError, UnreachableError
from notify.domain.event_moves import Reported
from notify.domain.events import EventKind, ProviderEvent
from notify.domain.ledger import LedgerEntry
from notify.domain.recipients import PolicyAcceptance
from notify.domain.requests import Choice, Lane, RecipientInput
from notify.domain.status import Status
from notify.domain.suppressions import COMPLAINT, HARD_BOUNCE, STOP, ShopReason
from notify.domain.token_claims import CentreClaim
from notify.usecases.centre.pausing import Pause
from notify.usecases.events.reported_refusals import bar_addresses
from notify.web.imports import CSV, READERS
from tests.centre_visits import CENTRE, NEWS, bar, came, reached, ticked, told
from tests.webhook_shop import ShopServer, Telling
from tests.world import EMAIL, PHONE, World


@pytest.fixture
def served(world: World) -> World:
    """Give a world in which Awa, of Senegal, accepted the policy and got an order update."""
    return reached(world)


@pytest.mark.parametrize(
    ("channel", "scope", "reason", "seen"),
    [
        (Channel.SMS, Scope.ALL, STOP, Bar.STOPPED),
        (Channel.SMS, Scope.MARKETING, STOP, Bar.STOPPED),
        (Channel.EMAIL, Scope.MARKETING, COMPLAINT, Bar.COMPLAINED),
    ],
)
def test_what_a_person_stopped_they_take_back(
    served: World, channel: Channel, scope: Scope, reason: str, seen: Bar
) -> None:
    centre, token = served.parts.preference_centre, served.centre_token()
    bar(served, channel, scope, reason)
    (notice,) = centre.describe(token).notices
    assert notice == (channel, seen, scope is Scope.ALL)
    assert not served.subscribed("surveys", channel)
    assert served.subscribed("order_updates", channel) is (scope is Scope.MARKETING)
    assert centre.readmit(token, channel, CENTRE, "fr").view.notices == []
    assert served.subscribed("surveys", channel)
    again = [("order_updates", channel.value, True)] if scope is Scope.ALL else []
    again += [(topic, by, True) for topic, by in NEWS if by == channel]
    assert told(served, "readmitted") == again


@pytest.mark.parametrize("told_by", ["sendgrid", "shop", "import"])
def test_a_complaint_means_one_thing_whoever_tells_of_it(served: World, told_by: str) -> None:
    """All news that came by e-mail is left, under every id at the address, and comes again in one go."""
    centre, token, parts = served.parts.preference_centre, served.centre_token(), served.parts
    accepted = PolicyAcceptance("2026-01", served.clock() - timedelta(days=1), "guest checkout")
    parts.upsert_recipient(RecipientInput("guest", {"email": EMAIL, "country": "SN"}, accepted))
    centre.change(token, [Choice("surveys", Channel.EMAIL, subscribed=False)], CENTRE, "fr")
    before = ticked(centre.describe(token))
    for _ in range(2):
        complain(served, told_by)
    left = [("company_news", "email", False), ("product_offers", "email", False)]
    assert told(served, "complaint") == left
    assert told(served, "complaint", "guest") == left
    assert not came(served)
    assert served.subscribed("company_news", Channel.SMS)
    parts.seal_ledger()
    assert parts.verify_ledger(print).findings == 0

    done = centre.readmit(token, Channel.EMAIL, CENTRE, "fr")
    assert (done.view.notices, ticked(done.view)) == ([], before)
    again = [(topic, by, True) for topic, by, _ in left]
    assert [one for one in told(served, "preference_centre") if one[2]] == again
    parts.seal_ledger()
    assert parts.verify_ledger(print).findings == 0


def test_receiving_again_takes_back_nothing_that_was_left_before_the_complaint(served: World) -> None:
    """Also where it is about an address of before, and says it once more on the ledger."""
    centre, token, parts = served.parts.preference_centre, served.centre_token(), served.parts
    with parts.store.read() as tx:
        old = tx.suppressions.hash_of(Channel.EMAIL, EMAIL)
    parts.upsert_recipient(RecipientInput("C-1042", {"email": "awa@example.net"}))
    centre.change(token, [Choice("company_news", Channel.EMAIL, subscribed=False)], CENTRE, "fr")
    complain(served, "sendgrid", at=old)
    assert told(served, "complaint") == [("company_news", "email", False)]
    centre.readmit(token, Channel.EMAIL, CENTRE, "fr")
    assert not came(served)
    centre.change(token, [Choice("company_news", Channel.EMAIL, subscribed=True)], CENTRE, "fr")
    complain(served, "shop")
    centre.readmit(token, Channel.EMAIL, CENTRE, "fr")
    assert came(served)


def complain(world: World, told_by: str, *, at: bytes | None = None) -> None:
    """Have it told that an e-mail with news was reported as spam, `at` the address or another."""
    parts = world.parts
    if told_by == "shop":
        parts.suppressions.bar(EMAIL, Channel.EMAIL, ShopReason.COMPLAINT, None)
    elif told_by == "import":
        file = f"id,email,suppressed.email\nC-1042,{EMAIL},complaint\n"
        assert parts.import_recipients(READERS[CSV]([file.encode()])).accepted == 1
    else:
        with parts.store.write() as tx:
            person = tx.recipients.by_external_id("C-1042")
            assert person
            at = at or person.hashes[Channel.EMAIL]
            topic = parts.catalogue["company_news"].number
            facts = (1, person.id, None, Channel.EMAIL, topic, "fr", at)
            event = ProviderEvent("sendgrid", "1", EventKind.COMPLAINED, world.clock())
            message = Reported(*facts, Lane.BULK, Status.SENT)
            bar_addresses(tx, parts.catalogue, [(message, event)], world.clock())


def test_in_germany_what_a_complaint_stopped_is_to_be_confirmed(served: World) -> None:
    centre, token, parts = served.parts.preference_centre, served.centre_token(), served.parts
    parts.upsert_recipient(RecipientInput("C-1042", {"country": "DE"}))
    parts.change_preferences("C-1042", [Choice("surveys", Channel.EMAIL, subscribed=True)], CENTRE)
    complain(served, "shop")
    done = centre.readmit(token, Channel.EMAIL, CENTRE, "fr")
    assert [one.channel for one in done.asked] == [Channel.EMAIL]
    assert done.view.notices == []
    assert not served.subscribed("surveys", Channel.EMAIL)


def test_what_bounced_no_person_lifts_and_a_web_opt_out_stays(served: World) -> None:
    centre, token = served.parts.preference_centre, served.centre_token()
    centre.change(token, [Choice("surveys", Channel.SMS, subscribed=False)], CENTRE, "fr")
    bar(served, Channel.SMS, Scope.ALL, HARD_BOUNCE)
    bar(served, Channel.SMS, Scope.ALL, STOP)
    (notice,) = centre.describe(token).notices
    assert notice.bar is Bar.BOUNCED
    view = centre.readmit(token, Channel.SMS, CENTRE, "fr").view
    assert [one.bar for one in view.notices] == [Bar.BOUNCED]
    with served.parts.store.write() as tx:
        tx.suppressions.lift(Channel.SMS, [tx.suppressions.hash_of(Channel.SMS, PHONE)], HARD_BOUNCE)
    assert served.subscribed("company_news", Channel.SMS)
    assert not served.subscribed("surveys", Channel.SMS)


def test_the_shop_is_told_of_an_address_that_is_not_the_persons(served: World) -> None:
    with ShopServer() as shop:
        telling = Telling(served)
        telling.endpoint(shop, "address.disputed")
        served.parts.preference_centre.disown(served.centre_token(), Channel.SMS, CENTRE, "fr")
        telling.tell()
        (told,) = shop.told
    assert (told["type"], told["data"]) == ("address.disputed", {"recipient_id": "C-1042", "channel": "sms"})


def test_the_next_message_speaks_the_language_that_was_chosen(served: World) -> None:
    view = served.parts.preference_centre.speak(served.centre_token(), "en", CENTRE, "fr")
    assert view.locale == "en"
    served.order("order_delivered", profile={})
    served.work()
    assert "was delivered" in served.email.messages[-1].text


def test_support_reads_what_held_a_message_back_also_later(served: World) -> None:
    bar(served, Channel.SMS, Scope.ALL, STOP)
    entry = LedgerEntry(1, served.clock(), subscribed=False, way=STOP, topic=1, channel=Channel.SMS)
    with served.parts.store.write() as tx:
        tx.consents.append([entry])
    held = served.order("order_delivered")
    said = "Not sent: Awa Diop answered STOP to an SMS on 23 November."
    assert served.message(held, Channel.SMS)["explanation"] == said
    served.parts.preference_centre.readmit(served.centre_token(), Channel.SMS, CENTRE, "fr")
    assert served.message(held, Channel.SMS)["explanation"] == said


def test_history_is_newest_first_in_pages_and_ones_own(served: World) -> None:
    centre, token = served.parts.preference_centre, served.centre_token()
    served.parts.unsubscribe(served.opt_out_token(Channel.EMAIL), replace(CENTRE, source="one_click"), "fr")
    served.order(recipient="other", profile={"email": "x@example.org"})
    served.work()
    served.parts.unsubscribe(served.opt_out_token(Channel.EMAIL), CENTRE, "fr")
    for turn in range(25):
        choices = [Choice("surveys", by, subscribed=bool(turn % 2)) for by in Channel]
        centre.change(token, choices, CENTRE, "fr")
    _, newest = centre.history(token, None)
    assert (len(newest.choices), newest.older) == (50, newest.choices[-1].number)
    assert newest.choices[0].subscribed is False
    _, older = centre.history(token, newest.older)
    clicked, accepted = older.choices
    assert (clicked.way, clicked.message_channel, older.older) == ("one_click", Channel.EMAIL, None)
    assert clicked.message_at
    assert (accepted.topic, accepted.policy_version) == (None, "2026-01")


def test_data_and_erasure_are_asked_for_through_the_address(served: World) -> None:
    centre, token = served.parts.preference_centre, served.centre_token()
    asked = centre.request(token, Kind.EXPORT, "en")
    assert asked
    assert (asked.channel, asked.masked) == (Channel.EMAIL, "a•••@example.com")
    served.work()
    assert served.email.messages[-1].to == EMAIL
    assert "/confirm/" in served.email.messages[-1].text
    with pytest.raises(TooManyRequestsError):
        centre.request(token, Kind.EXPORT, "en")
    for channel in Channel:
        bar(served, channel, Scope.ALL, HARD_BOUNCE)
    with pytest.raises(UnreachableError):
        centre.request(token, Kind.ERASE, "en")


def test_an_opt_in_waits_for_its_confirmation_where_the_law_wants_it(served: World) -> None:
    served.order("order_delivered", recipient="D-1", profile={"email": "d@example.org", "country": "DE"})
    served.work()
    centre, token = served.parts.preference_centre, served.centre_token()
    choices = [
        Choice("company_news", Channel.EMAIL, subscribed=True),
        Choice("surveys", Channel.EMAIL, subscribed=True),
        Choice("order_updates", Channel.EMAIL, subscribed=False),
    ]
    saved = centre.change(token, choices, CENTRE, "en")
    assert [one.masked for one in saved.asked] == ["d•••@example.org"]
    assert saved.undo
    assert ticked(saved.view) == {("order_updates", "sms")}
    waits = {(row.topic.name, row.channel.value) for row in saved.view.rows if row.pending}
    assert waits == {("company_news", "email"), ("surveys", "email")}
    again = centre.change(token, [Choice("surveys", Channel.EMAIL, subscribed=True)], CENTRE, "en")
    assert (again.asked, again.refused, again.undo) == ([], True, None)
    served.work()
    link = served.email.messages[-1].text.split("/confirm/")[1].split()[0]
    served.parts.confirm(link, CENTRE, "en")
    view = centre.describe(token)
    assert {("company_news", "email"), ("surveys", "email")} <= ticked(view)
    assert not any(row.pending for row in view.rows)


def test_the_link_of_a_preview_does_nothing_at_all(served: World) -> None:
    centre, token = served.parts.preference_centre, served.parts.tokens.centre(CentreClaim(1, 0))
    assert centre.pause(token, Pause.WEEK, CENTRE, "fr").preview
    assert centre.readmit(token, Channel.SMS, CENTRE, "fr").view.preview
    assert centre.request(token, Kind.ERASE, "fr") is None
    assert centre.history(token, None)[1].choices == ()
    assert came(served)
