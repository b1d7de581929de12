"""Providers' refusals of an address: a STOP that only Twilio heard, and addresses that are bad for good."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from notify.domain.catalogue import Channel
from notify.domain.consent import Scope
from notify.domain.outcome import AddressFault, Refused
from notify.domain.requests import Choice, Proof, Routing
from notify.domain.sms_senders import read_senders
from notify.usecases.sms.provider_stops import StoppedNumber
from tests.reporting import TOKEN, Reporting, sent, suppressed
from tests.sms_office import NEWS, ORDERS, SmsOffice
from tests.world import PHONE, World, settings_for

SENDERS = {"SN": {"marketing": {"sender": NEWS}, "transactional": {"sender": ORDERS}}}
STOPPED = Refused("21610 the recipient replied STOP to this sender", AddressFault.STOPPED)
BAD = Refused("21211 invalid 'To' number", AddressFault.BAD)


@pytest.fixture
def office(database_url: str, tmp_path: Path) -> Iterator[SmsOffice]:
    senders = read_senders(SENDERS)
    office = SmsOffice(
        World(settings_for(database_url, tmp_path, twilio_auth_token=TOKEN, sms_senders=senders))
    )
    yield office
    office.world.parts.close()


def test_a_stop_that_twilio_heard_counts_once_a_call_meets_it(office: SmsOffice) -> None:
    world = office.world
    world.sms.script(STOPPED)
    first = world.order(channels=(Channel.SMS,))
    world.work()
    assert world.message(first, Channel.SMS)["status"] == "failed"
    assert office.stop_scope() is Scope.ALL  # the orders' sender is blocked, and with it all
    assert office.entries() == [("order_updates", "sms", False, "stop", None)]
    later = world.order(channels=(Channel.SMS,), reference="order-99813")
    world.work()
    assert world.message(later, Channel.SMS)["reason"] == "suppressed"
    assert len(world.sms.messages) == 1
    office.told("START", ORDERS)
    assert world.subscribed("order_updates", Channel.SMS)


def test_fallback_goes_on_to_the_next_channel(office: SmsOffice) -> None:
    office.world.sms.script(STOPPED)
    office.world.order(channels=(Channel.SMS, Channel.EMAIL), routing=Routing.FALLBACK)
    office.world.work()
    assert len(office.world.email.messages) == 1


def test_a_number_that_is_bad_gets_nothing_more(office: SmsOffice) -> None:
    world = office.world
    world.sms.script(BAD)
    world.order(channels=(Channel.SMS,))
    world.work()
    with world.parts.store.read() as tx:
        (found,) = tx.suppressions.of(Channel.SMS, [tx.suppressions.hash_of(Channel.SMS, PHONE)])
    assert (found.scope, found.reason) == (Scope.ALL, "hard_bounce")
    assert office.stop_scope() is None
    world.order(channels=(Channel.SMS,), reference="order-99813")
    world.work()
    assert len(world.sms.messages) == 1


def test_a_receipt_that_tells_of_a_stop_bars_the_number(reporting: Reporting) -> None:
    answer, message = sent(reporting, Channel.SMS)
    reporting.receipt("undelivered", message, ErrorCode="21610")
    reporting.read()
    assert reporting.world.message(answer, Channel.SMS)["status"] == "failed"
    assert suppressed(reporting) == [("all", "stop")]  # one sender serves both
    entry = reporting.world.parts.lookups.consents("C-1042")["items"][-1]
    assert (entry["source"], entry["subscribed"], entry["message_id"]) == ("stop", False, message)


def test_a_receipt_of_before_a_start_is_no_new_stop(reporting: Reporting) -> None:
    office, clock = SmsOffice(reporting.world), reporting.world.clock
    _, before = sent(reporting, Channel.SMS)
    clock.advance(timedelta(minutes=1))
    office.told("START", reporting.world.parts.settings.sms_from, OptOutType="START")
    reporting.receipt("undelivered", before, ErrorCode="21610")
    reporting.read()
    assert office.stop_scope() is None
    clock.advance(timedelta(minutes=1))
    _, after = sent(reporting, Channel.SMS, reference="order-99813")
    reporting.receipt("undelivered", after, "SM" + "0" * 31 + "2", ErrorCode="21610")
    reporting.read()
    assert office.stop_scope() is Scope.ALL


def test_a_stop_to_the_news_leaves_orders(office: SmsOffice) -> None:
    world = office.world
    world.order(channels=(Channel.EMAIL,))
    yes = Proof(source="form", wording="Oui")
    world.parts.change_preferences("C-1042", [Choice("company_news", Channel.SMS, subscribed=True)], yes)
    now = world.clock()
    with world.parts.store.write() as tx:
        address_hash = tx.suppressions.hash_of(Channel.SMS, PHONE)
        stops = world.parts.provider_stops
        holders = stops.holders(tx, {address_hash})
        news = world.parts.catalogue["company_news"].number
        stops.record(tx, [StoppedNumber(address_hash, news, 1, "fr")], holders, now)
    assert office.stop_scope() is Scope.MARKETING
    assert world.subscribed("order_updates", Channel.SMS)
    assert not world.subscribed("company_news", Channel.SMS)
