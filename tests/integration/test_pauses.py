"""A pause, on both engines: whom and what it holds, where it goes along, and how it ends."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from notify.domain.catalogue import Channel
from notify.domain.consent import Scope
from notify.domain.recipients import PolicyAcceptance, ProfilePatch
from notify.domain.requests import Choice, Proof, RecipientInput
from notify.domain.suppressions import HARD_BOUNCE, SOFT_BOUNCES
from notify.storage.engine import transaction
from notify.storage.tables import Recipient
from notify.usecases.centre.pausing import Pause
from tests.centre_visits import CENTRE, NEWS, bar, came, reached, ticked, told
from tests.world import EMAIL, PHONE, World


@pytest.fixture
def served(world: World) -> World:
    """Give a world in which Awa, of Senegal, accepted the policy and got an order update."""
    return reached(world)


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
    assert parts.end_pauses() == 4
    assert all(served.subscribed(topic, Channel(by)) for topic, by in NEWS)


def test_a_pause_that_was_ended_does_not_come_back_with_an_old_address(served: World) -> None:
    """It ends wherever it holds, for others who were paused by it too."""
    centre, token, parts = served.parts.preference_centre, served.centre_token(), served.parts
    accepted = PolicyAcceptance("2026-01", served.clock() - timedelta(days=1), "guest checkout")
    centre.pause(token, Pause.QUARTER, CENTRE, "fr")
    parts.upsert_recipient(RecipientInput("C-1042", {"email": "awa@example.net", "phone": None}))
    parts.upsert_recipient(RecipientInput("guest", {"email": EMAIL, "country": "SN"}, accepted))
    assert not came(served)
    assert not came(served, recipient="guest")
    centre.resume(token, CENTRE, "fr")
    assert came(served)
    assert came(served, recipient="guest")
    assert told(served, "resume", "guest") == [(topic, by, True) for topic, by in NEWS if by == "email"]
    parts.upsert_recipient(RecipientInput("C-1042", {"email": EMAIL, "phone": PHONE}))
    assert came(served)
    assert served.subscribed("company_news", Channel.SMS)


def test_a_pause_is_not_lost_where_addresses_go_and_come(served: World) -> None:
    centre, token, parts = served.parts.preference_centre, served.centre_token(), served.parts
    view = centre.pause(token, Pause.QUARTER, CENTRE, "fr")
    parts.upsert_recipient(RecipientInput("C-1042", {"phone": None}))
    parts.upsert_recipient(RecipientInput("C-1042", {"email": None}))
    parts.upsert_recipient(RecipientInput("C-1042", {"phone": PHONE}))
    assert not served.subscribed("surveys", Channel.SMS)
    parts.upsert_recipient(RecipientInput("C-1042", {"phone": None}))
    parts.upsert_recipient(RecipientInput("C-1042", {"email": "awa@example.net"}))
    assert not came(served)
    assert centre.describe(token).paused_until == view.paused_until
    centre.pause(token, Pause.WEEK, CENTRE, "fr")  # the last word counts at addresses of before, too
    parts.upsert_recipient(RecipientInput("C-1042", {"email": EMAIL}))
    assert centre.describe(token).paused_until == served.clock() + timedelta(days=7)
    served.clock.advance(timedelta(days=7))
    parts.end_pauses()
    assert came(served)


def test_two_paused_people_who_exchange_addresses_stay_paused_until_each_resumes(served: World) -> None:
    centre, token, parts = served.parts.preference_centre, served.centre_token(), served.parts
    accepted = PolicyAcceptance("2026-01", served.clock() - timedelta(days=1), "signup")
    other: ProfilePatch = {"email": "binta@example.org", "country": "SN"}
    served.order(recipient="other", profile=other, reference="o")
    parts.upsert_recipient(RecipientInput("other", {}, accepted))
    served.work()
    for one in (token, others := served.centre_token()):
        centre.pause(one, Pause.MONTH, CENTRE, "fr")
    parts.upsert_recipient(RecipientInput("other", {"email": EMAIL}))
    parts.upsert_recipient(RecipientInput("C-1042", {"email": "binta@example.org"}))
    assert not came(served)
    assert not came(served, recipient="other")
    centre.resume(token, CENTRE, "fr")
    assert came(served)
    assert not came(served, recipient="other")
    centre.resume(others, CENTRE, "fr")
    assert came(served, recipient="other")


def test_whoever_is_paused_by_anothers_pause_ends_it_and_the_other_stays_paused(served: World) -> None:
    """As by a wrong address that is put right."""
    centre, token, parts = served.parts.preference_centre, served.centre_token(), served.parts
    accepted = PolicyAcceptance("2026-01", served.clock() - timedelta(days=1), "signup")
    served.order(recipient="other", profile={"email": "o@example.org", "country": "SN"}, reference="o")
    parts.upsert_recipient(RecipientInput("other", {}, accepted))
    served.work()
    others = served.centre_token()
    centre.pause(token, Pause.MONTH, CENTRE, "fr")
    parts.upsert_recipient(RecipientInput("C-1042", {"email": "o@example.org", "phone": None}))
    assert centre.describe(others).paused_until == served.clock() + timedelta(days=30)
    centre.resume(others, CENTRE, "fr")
    assert came(served, recipient="other")
    for right in (EMAIL, "awa@example.net"):
        parts.upsert_recipient(RecipientInput("C-1042", {"email": right}))
        assert not came(served)


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


def test_whoever_cannot_be_read_keeps_nobody_elses_pause_from_ending(served: World) -> None:
    parts = served.parts
    served.order(recipient="other", profile={"email": "o@example.org", "country": "SN"}, reference="o")
    served.work()
    others = served.centre_token()
    parts.preference_centre.pause(others, Pause.WEEK, CENTRE, "fr")
    served.order()
    served.work()
    parts.preference_centre.pause(served.centre_token(), Pause.WEEK, CENTRE, "fr")
    lost = update(Recipient).where(Recipient.external_id == "other").values(email_sealed=b"?" * 60)
    with transaction(parts.engine, write=True) as connection:
        connection.execute(lost)
    served.clock.advance(timedelta(days=7))
    assert parts.end_pauses() == 3
    assert sorted(told(served, "pause_end")) == [(topic, by, True) for topic, by in NEWS]
    assert came(served)
