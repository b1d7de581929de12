"""The preference centre's verbs on both engines: pause, take back a STOP, language, history, requests."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from notify.domain.bars import Bar
from notify.domain.catalogue import Channel
from notify.domain.confirmations import Kind
from notify.domain.consent import Scope
from notify.domain.errors import TooManyRequestsError, UnreachableError
from notify.domain.event_moves import Reported
from notify.domain.events import EventKind, ProviderEvent
from notify.domain.ledger import LedgerEntry
from notify.domain.recipients import PolicyAcceptance, ProfilePatch
from notify.domain.requests import Choice, Lane, Proof, RecipientInput
from notify.domain.status import Status
from notify.domain.suppressions import COMPLAINT, HARD_BOUNCE, SOFT_BOUNCES, STOP, ShopReason
from notify.domain.token_claims import CentreClaim
from notify.usecases.centre.pausing import Pause
from notify.usecases.centre.views import CentreView
from notify.usecases.events.reported_refusals import bar_addresses
from notify.web.imports import CSV, READERS
from tests.webhook_shop import ShopServer, Telling
from tests.world import EMAIL, PHONE, World

CENTRE = Proof(source="preference_centre", wording="Faire une pause / 30 jours")
NEWS = [(topic, by) for topic in ("company_news", "product_offers", "surveys") for by in ("email", "sms")]


@pytest.fixture
def served(world: World) -> World:
    """Give a world in which Awa, of Senegal, accepted the policy and got an order update."""
    accepted = PolicyAcceptance("2026-01", world.clock() - timedelta(days=9), "signup")
    world.order()
    world.parts.upsert_recipient(RecipientInput("C-1042", {"customer_since": date(2026, 1, 5)}, accepted))
    world.work()
    return world


def came(world: World, topic: str = "company_news", recipient: str = "C-1042") -> bool:
    return world.subscribed(topic, Channel.EMAIL, recipient)


def told(world: World, way: str, recipient: str = "C-1042") -> list[tuple[str, str, bool]]:
    entries = world.parts.lookups.consents(recipient)["items"]
    return [(one["topic"], one["channel"], one["subscribed"]) for one in entries if one["source"] == way]


def ticked(view: CentreView) -> set[tuple[str, str]]:
    return {(row.topic.name, row.channel.value) for row in view.rows if row.subscribed}


def bar(world: World, channel: Channel, scope: Scope, reason: str) -> None:
    address = EMAIL if channel is Channel.EMAIL else PHONE
    with world.parts.store.write() as tx:
        value = tx.suppressions.hash_of(channel, address)
        tx.suppressions.bar(channel, value, scope, reason=reason, masked=None, now=world.clock())


def test_a_pause_holds_the_news_and_no_order_and_ends_by_itself(served: World) -> None:
    centre, token = served.parts.preference_centre, served.centre_token()
    before = ticked(centre.describe(token))
    view = centre.pause(token, Pause.MONTH, CENTRE, "fr")
    assert view.paused_until == served.clock() + timedelta(days=30)
    assert ticked(view) == before
    assert not came(served)
    assert came(served, "order_updates")
    assert told(served, "pause") == [(topic, by, False) for topic, by in NEWS]
    assert served.order("order_delivered")["status"] == "queued"
    served.clock.advance(timedelta(days=30) - timedelta(seconds=1))
    assert served.parts.end_pauses() == 0
    served.clock.advance(timedelta(seconds=1))
    assert served.parts.end_pauses() == 2
    assert came(served)
    assert centre.describe(token).paused_until is None
    assert told(served, "resume") == []
    assert told(served, "pause_end") == [(topic, by, True) for topic, by in NEWS]
    assert served.parts.end_pauses() == 0
    assert len(told(served, "pause_end")) == len(NEWS)


def test_the_end_of_a_pause_tells_of_all_that_comes_again_and_of_nothing_else(served: World) -> None:
    centre, token, parts = served.parts.preference_centre, served.centre_token(), served.parts
    for number in range(120):  # more than end at once, and without telling of what they never had
        phone = f"+2217712{number:05}"
        with parts.store.write() as tx:
            value = tx.suppressions.hash_of(Channel.SMS, phone)
            tx.suppressions.bar(
                Channel.SMS,
                value,
                Scope.MARKETING,
                reason=SOFT_BOUNCES,
                masked=None,
                now=served.clock(),
                until=served.clock() + timedelta(days=6),
            )
    parts.upsert_recipient(RecipientInput("guest", {"phone": PHONE, "country": "FR"}))
    yes = Choice("surveys", Channel.SMS, subscribed=True)
    parts.change_preferences("guest", [yes], Proof("form", "Oui"))
    centre.pause(token, Pause.WEEK, CENTRE, "fr")
    centre.change(token, [Choice("company_news", Channel.EMAIL, subscribed=False)], CENTRE, "fr")
    bar(served, Channel.SMS, Scope.MARKETING, HARD_BOUNCE)
    served.clock.advance(timedelta(days=7))
    assert parts.end_pauses() == 122
    assert told(served, "pause_end") == [(topic, by, True) for topic, by in NEWS if by == "email"][1:]
    assert told(served, "pause_end", "guest") == []
    parts.seal_ledger()
    parts.verify_ledger(lambda finding: pytest.fail(finding.text), None)


def test_resuming_early_brings_back_what_is_ticked_and_nothing_else(served: World) -> None:
    centre, token = served.parts.preference_centre, served.centre_token()
    centre.pause(token, Pause.WEEK, CENTRE, "fr")
    centre.change(token, [Choice("company_news", Channel.EMAIL, subscribed=False)], CENTRE, "fr")
    centre.change(token, [Choice("surveys", Channel.SMS, subscribed=True)], CENTRE, "fr")
    assert not served.subscribed("surveys", Channel.SMS)
    view = centre.resume(token, CENTRE, "fr")
    assert view.paused_until is None
    assert ("company_news", "email") not in ticked(view)
    assert told(served, "resume") == [(topic, by, True) for topic, by in NEWS[1:]]
    centre.resume(token, CENTRE, "fr")
    assert len(told(served, "resume")) == len(NEWS) - 1


def test_a_later_pause_moves_the_end_and_is_no_news_to_the_ledger(served: World) -> None:
    centre, token = served.parts.preference_centre, served.centre_token()
    centre.pause(token, Pause.QUARTER, CENTRE, "fr")
    view = centre.pause(token, Pause.WEEK, CENTRE, "fr")
    assert view.paused_until == served.clock() + timedelta(days=7)
    assert len(told(served, "pause")) == len(NEWS)


def test_a_pause_goes_along_to_a_corrected_address(served: World) -> None:
    centre, token, parts = served.parts.preference_centre, served.centre_token(), served.parts
    view = centre.pause(token, Pause.MONTH, CENTRE, "fr")
    end, entries = view.paused_until, len(parts.lookups.consents("C-1042")["items"])
    parts.upsert_recipient(RecipientInput("C-1042", {"email": "awa@example.net"}))
    served.clock.advance(timedelta(days=1))
    served.order(profile={"phone": "+221771234568"})  # by whichever way it is changed
    assert centre.describe(token).paused_until == end
    assert not any(served.subscribed(topic, Channel(by)) for topic, by in NEWS)
    assert len(parts.lookups.consents("C-1042")["items"]) == entries  # nothing stopped or came by that
    served.clock.advance(timedelta(days=30))
    assert parts.end_pauses() == 2
    assert all(served.subscribed(topic, Channel(by)) for topic, by in NEWS)


@pytest.mark.parametrize("shared", [False, True])
def test_a_pause_that_was_ended_does_not_come_back_with_an_old_address(
    served: World, *, shared: bool
) -> None:
    """What others have is paused as long as they are."""
    centre, token, parts = served.parts.preference_centre, served.centre_token(), served.parts
    if shared:
        parts.upsert_recipient(RecipientInput("guest", {"email": EMAIL, "country": "SN"}))
    centre.pause(token, Pause.QUARTER, CENTRE, "fr")
    parts.upsert_recipient(RecipientInput("C-1042", {"email": "awa@example.net", "phone": None}))
    assert not came(served)
    centre.resume(token, CENTRE, "fr")
    assert came(served)
    parts.upsert_recipient(RecipientInput("C-1042", {"email": EMAIL, "phone": PHONE}))
    assert came(served) is not shared
    assert served.subscribed("company_news", Channel.SMS)


def test_of_two_pauses_at_an_address_the_longer_counts(served: World) -> None:
    centre, token, parts = served.parts.preference_centre, served.centre_token(), served.parts
    centre.pause(token, Pause.QUARTER, CENTRE, "fr")
    served.order(recipient="guest", profile={"email": "guest@example.com", "country": "SN"}, reference="g")
    served.work()
    guest = served.centre_token()
    centre.pause(guest, Pause.WEEK, CENTRE, "fr")
    parts.upsert_recipient(RecipientInput("guest", {"email": EMAIL}))
    assert centre.describe(token).paused_until == served.clock() + timedelta(days=90)
    centre.resume(guest, CENTRE, "fr")
    parts.upsert_recipient(RecipientInput("guest", {"email": "guest@example.com"}))
    assert came(served) is True


def test_a_pause_binds_the_address_under_every_recipient_id(served: World) -> None:
    accepted = PolicyAcceptance("2026-01", served.clock() - timedelta(days=1), "guest checkout")
    guest: ProfilePatch = {"email": EMAIL, "country": "SN"}
    served.parts.upsert_recipient(RecipientInput("guest", guest, accepted))
    assert came(served, recipient="guest")
    served.parts.preference_centre.pause(served.centre_token(), Pause.WEEK, CENTRE, "fr")
    assert not came(served, recipient="guest")
    entries = served.parts.lookups.consents("guest")["items"]
    paused = [(one["topic"], one["message_id"]) for one in entries if one["source"] == "pause"]
    assert paused == [("company_news", None), ("product_offers", None), ("surveys", None)]


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
