"""Opt-outs of the web are told to Twilio, so that both bar the same numbers."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from notify.domain.catalogue import Channel
from notify.domain.consent import Scope
from notify.domain.outcome import AddressFault, Refused
from notify.domain.requests import Choice, Proof
from notify.domain.sms_senders import read_senders
from notify.usecases.centre.pausing import Pause
from notify.usecases.sms.provider_stops import StoppedNumber
from tests.loopback.server import Fault
from tests.loopback.twilio import TwilioLoopback
from tests.reporting import TOKEN
from tests.sms_office import NEWS, ORDERS, SmsOffice
from tests.world import CLICK, PHONE, World, settings_for

SENDERS = {"SN": {"marketing": {"sender": NEWS}, "transactional": {"sender": ORDERS}}}
YES = Proof(source="form", wording="Oui")
STOPPED = Refused("21610", AddressFault.STOPPED)
LATER = timedelta(hours=2)
IVORIAN = "+2250712345678"


class Mirror:
    """An installation with Twilio, and Twilio."""

    def __init__(self, office: SmsOffice, twilio: TwilioLoopback) -> None:
        self.office = office
        self.world = office.world
        self.twilio = twilio

    def settle(self) -> dict[tuple[str, str], str]:
        """Seal, follow and do the errands; return what Twilio has been told."""
        parts = self.world.parts
        parts.seal_ledger()
        parts.follow_ledger()
        parts.run_errands()
        return dict(self.twilio.consents.status)

    def refused(self, reference: str) -> None:
        """Send an order update whose number Twilio has blocked."""
        self.world.sms.script(STOPPED)
        self.world.order(channels=(Channel.SMS,), reference=reference)
        self.world.work()

    def choose(self, topic: str, *, subscribed: bool, recipient: str = "C-1042") -> None:
        choice = Choice(topic, Channel.SMS, subscribed=subscribed)
        self.world.parts.change_preferences(recipient, [choice], YES)


@pytest.fixture
def mirror(database_url: str, tmp_path: Path) -> Iterator[Mirror]:
    with TwilioLoopback(token=TOKEN) as twilio:
        world = World(
            settings_for(
                database_url,
                tmp_path,
                twilio_account_sid="AC1",
                twilio_auth_token=TOKEN,
                twilio_api_url=twilio.url,
                sms_senders=read_senders(SENDERS),
            )
        )
        world.order()
        world.work()
        yield Mirror(SmsOffice(world), twilio)
        world.parts.close()


def test_a_sender_is_closed_once_nothing_of_it_comes_and_opened_again(mirror: Mirror) -> None:
    mirror.choose("company_news", subscribed=True)
    mirror.choose("surveys", subscribed=True)
    assert mirror.settle() == {}  # Twilio takes for granted that people may be written to
    mirror.choose("company_news", subscribed=False)
    assert mirror.settle() == {}
    mirror.choose("surveys", subscribed=False)
    assert mirror.settle() == {(PHONE, NEWS): "opt-out"}
    mirror.world.parts.unsubscribe(mirror.world.opt_out_token(Channel.SMS), CLICK, "fr")
    assert mirror.settle() == {(PHONE, NEWS): "opt-out", (PHONE, ORDERS): "opt-out"}
    assert mirror.twilio.consents.calls[-1][0]["source"] == "website"
    mirror.choose("surveys", subscribed=True)
    assert mirror.settle()[PHONE, NEWS] == "opt-in"
    calls = len(mirror.twilio.consents.calls)
    mirror.settle()
    assert len(mirror.twilio.consents.calls) == calls


def test_the_end_of_a_pause_is_told_as_its_beginning_was(mirror: Mirror) -> None:
    """Else Twilio would refuse news for good."""
    mirror.choose("company_news", subscribed=True)
    token = mirror.world.centre_token()
    proof = Proof(source="preference_centre", wording="Faire une pause")
    mirror.world.parts.preference_centre.pause(token, Pause.WEEK, proof, "fr")
    assert mirror.settle() == {(PHONE, NEWS): "opt-out"}
    mirror.world.clock.advance(timedelta(days=7))
    mirror.world.parts.end_pauses()
    assert mirror.settle() == {(PHONE, NEWS): "opt-in"}


def test_somebody_else_with_the_number_keeps_it_open(mirror: Mirror) -> None:
    mirror.world.order(recipient="guest-7", profile={"phone": PHONE, "country": "SN"})
    mirror.choose("company_news", subscribed=True)
    mirror.choose("surveys", subscribed=True, recipient="guest-7")
    mirror.choose("company_news", subscribed=False)
    assert mirror.settle() == {}


def test_what_twilio_heard_itself_is_not_told_to_it(mirror: Mirror) -> None:
    mirror.choose("company_news", subscribed=True)
    mirror.office.told("STOP", ORDERS, OptOutType="STOP")
    assert mirror.settle() == {(PHONE, NEWS): "opt-out"}  # that sender it has not heard of
    mirror.office.told("START", ORDERS, OptOutType="START")
    assert mirror.settle() == {(PHONE, NEWS): "opt-in"}


def test_a_french_stop_that_twilio_did_not_understand_is_told(mirror: Mirror) -> None:
    assert mirror.office.told("Désabonnement", ORDERS) is not None
    assert mirror.settle()[PHONE, ORDERS] == "opt-out"
    assert mirror.twilio.consents.calls[-1][0]["source"] == "opt-out-message"


def test_a_sender_without_answers_has_no_list(mirror: Mirror) -> None:
    mirror.world.order(recipient="C-9", profile={"phone": IVORIAN, "country": "CI"})
    mirror.choose("order_updates", subscribed=False, recipient="C-9")
    assert mirror.settle() == {}


def test_an_errand_is_repeated_and_never_undoes_a_newer_choice(mirror: Mirror) -> None:
    mirror.twilio.script(Fault(503))
    mirror.choose("order_updates", subscribed=False)
    assert mirror.settle() == {}
    mirror.choose("order_updates", subscribed=True)
    mirror.world.clock.advance(LATER)
    assert mirror.settle() == {}
    mirror.choose("order_updates", subscribed=False)
    assert mirror.settle() == {(PHONE, ORDERS): "opt-out"}


def test_a_block_of_before_is_no_new_stop(mirror: Mirror) -> None:
    """Whoever comes back is blocked at Twilio until it has heard of it."""
    mirror.office.told("Désabonnement", ORDERS)
    mirror.settle()
    mirror.twilio.script(Fault(503))
    mirror.office.told("Reprendre", ORDERS)
    assert mirror.settle()[PHONE, ORDERS] == "opt-out"
    mirror.refused("order-99813")
    assert mirror.office.stop_scope() is None
    mirror.world.clock.advance(LATER)
    assert mirror.settle()[PHONE, ORDERS] == "opt-in"
    mirror.refused("order-99814")  # it has been told: this is one
    assert mirror.office.stop_scope() is Scope.ALL
    mirror.settle()
    assert mirror.twilio.consents.status[PHONE, ORDERS] == "opt-in"  # it knows, and is told nothing


@pytest.mark.parametrize("later", [timedelta(seconds=1), timedelta(hours=20)])
def test_a_stop_after_a_start_that_only_twilio_heard_is_one(mirror: Mirror, later: timedelta) -> None:
    mirror.office.told("STOP", ORDERS, OptOutType="STOP")
    mirror.office.told("START", ORDERS, OptOutType="START")
    mirror.settle()
    mirror.world.clock.advance(later)
    mirror.refused("order-99813")
    assert mirror.office.stop_scope() is Scope.ALL
    assert (PHONE, ORDERS) not in mirror.settle()  # least of all that somebody came back


def test_a_start_says_nothing_of_another_sender(mirror: Mirror) -> None:
    mirror.choose("company_news", subscribed=True)
    mirror.office.told("STOP", NEWS, OptOutType="STOP")
    mirror.office.told("START", NEWS, OptOutType="START")
    mirror.settle()
    mirror.refused("order-99813")
    assert mirror.office.stop_scope() is Scope.ALL
    assert (PHONE, ORDERS) not in mirror.settle()


def test_what_was_sent_before_a_start_may_still_be_refused(mirror: Mirror) -> None:
    """Its receipt tells late of the STOP before."""
    mirror.office.told("STOP", ORDERS, OptOutType="STOP")
    before = mirror.world.clock()
    mirror.world.clock.advance(LATER)
    mirror.office.told("START", ORDERS, OptOutType="START")
    for called_at, scope in ((before, None), (None, Scope.ALL)):
        with mirror.world.parts.store.write() as tx:
            address_hash = tx.suppressions.hash_of(Channel.SMS, PHONE)
            stops = mirror.world.parts.provider_stops
            orders = mirror.world.parts.catalogue["order_updates"].number
            refused = StoppedNumber(address_hash, orders, 1, "fr", called_at)
            stops.record(tx, [refused], stops.holders(tx, {address_hash}), mirror.world.clock())
        assert mirror.office.stop_scope() is scope


def test_a_start_that_twilio_did_not_understand_outlives_its_refusals(
    database_url: str, tmp_path: Path
) -> None:
    """Also where Twilio is told of nothing."""
    settings = settings_for(
        database_url,
        tmp_path,
        twilio_account_sid="AC1",
        twilio_auth_token=TOKEN,
        twilio_consents=False,
        sms_senders=read_senders(SENDERS),
    )
    office = SmsOffice(World(settings))
    for reference in ("order-1", "order-2"):
        office.world.order(channels=(Channel.SMS,), reference=reference)
        office.world.work()
        office.told("STOP", ORDERS, OptOutType="STOP")
        assert office.stop_scope() is Scope.ALL
        office.told("Reprendre", ORDERS)
        office.world.sms.script(STOPPED)
        again = office.world.order(channels=(Channel.SMS,), reference=f"{reference}-again")
        office.world.work()
        assert office.world.message(again, Channel.SMS)["status"] == "failed"
        assert office.stop_scope() is None
    office.world.parts.close()


def test_what_twilio_cannot_take_for_now_is_told_again(mirror: Mirror) -> None:
    mirror.twilio.consents.failing.append("INTERNAL_SERVER_ERROR")
    mirror.choose("order_updates", subscribed=False)
    assert mirror.settle() == {}
    mirror.world.clock.advance(LATER)
    assert mirror.settle() == {(PHONE, ORDERS): "opt-out"}


def test_what_twilio_will_never_take_ends_there(mirror: Mirror) -> None:
    mirror.twilio.consents.failing.append("INVALID_SENDER_ID")
    mirror.choose("order_updates", subscribed=False)
    assert mirror.settle() == {}
    mirror.world.clock.advance(LATER)
    assert mirror.settle() == {}
    assert len(mirror.twilio.consents.calls) == 1
