"""STOP, START and HELP by SMS, as Twilio hands them over."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from notify.domain import segments
from notify.domain.catalogue import Channel
from notify.domain.consent import Scope
from notify.domain.requests import Choice, Proof
from notify.domain.sms_senders import read_senders
from tests.reporting import TOKEN
from tests.sms_office import HOOK, NEWS, ORDERS, SHARED, SmsOffice
from tests.world import CLICK, PHONE, World, settings_for

SENDERS = {
    "SN": {"marketing": {"sender": NEWS}, "transactional": {"sender": ORDERS}},
    "FR": {"marketing": {"sender": SHARED}, "transactional": {"sender": SHARED}},
}
YES = Proof(source="form", wording="Oui")
OTHER = "+221781112233"


@pytest.fixture
def more() -> dict[str, object]:
    """Give what else is set."""
    return {}


@pytest.fixture
def office(database_url: str, tmp_path: Path, more: dict[str, object]) -> Iterator[SmsOffice]:
    """Give an installation with a number each for orders and news, and a customer who gets both."""
    world = World(
        settings_for(
            database_url,
            tmp_path,
            twilio_auth_token=f"{TOKEN},{'e' * 32}",
            sms_senders=read_senders(SENDERS),
            email_reply_to="aide@smarttontine.org",
            **more,
        )
    )
    world.order()
    world.work()
    world.parts.change_preferences("C-1042", [Choice("company_news", Channel.SMS, subscribed=True)], YES)
    yield SmsOffice(world)
    world.parts.close()


def comes(office: SmsOffice, recipient: str = "C-1042") -> tuple[bool, bool]:
    """Return whether order updates and news come by SMS."""
    return (
        office.world.subscribed("order_updates", Channel.SMS, recipient),
        office.world.subscribed("company_news", Channel.SMS, recipient),
    )


def test_stop_to_the_marketing_sender_ends_marketing_sms_and_no_more(office: SmsOffice) -> None:
    said = office.told("Stop svp!", NEWS)
    assert comes(office) == (True, False)
    assert office.stop_scope() is Scope.MARKETING
    assert office.world.subscribed("order_updates", Channel.EMAIL)
    assert office.entries()[-1] == ("company_news", "sms", False, "stop", "STOP")
    assert said is not None
    assert "Le suivi de vos commandes continue" in said
    assert segments.count(said).segments == 1


def test_what_is_sent_says_where_stop_goes(office: SmsOffice) -> None:
    (message,) = office.world.sms.messages
    assert message.sender == ORDERS
    assert f"\nSTOP {ORDERS} ou https://" in message.text


def test_stop_to_the_orders_sender_ends_all_sms(office: SmsOffice) -> None:
    said = office.told("ARRÊT", ORDERS)
    assert comes(office) == (False, False)
    assert office.entries()[-2:] == [
        ("order_updates", "sms", False, "stop", "ARRET"),
        ("company_news", "sms", False, "stop", "ARRET"),
    ]
    assert said is not None
    assert "suivi de commandes compris" in said
    answer = office.world.order(reference="order-99813")
    office.world.work()
    message = office.world.message(answer, Channel.SMS)
    assert (message["status"], message["reason"]) == ("skipped", "suppressed")
    assert office.world.message(answer, Channel.EMAIL)["status"] == "sent"


def test_a_stop_ends_what_was_accepted_before_it(office: SmsOffice) -> None:
    sent = len(office.world.sms.messages)
    answer = office.world.order(reference="order-99813")
    office.told("STOP", ORDERS)
    office.world.work()
    assert len(office.world.sms.messages) == sent
    message = office.world.message(answer, Channel.SMS)
    assert "Awa Diop answered STOP to an SMS on 23 November" in message["explanation"]


@pytest.mark.parametrize("to", [SHARED, "+33700000000", ""])
def test_a_sender_that_is_shared_or_unknown_ends_all(office: SmsOffice, to: str) -> None:
    office.told("STOP", to)
    assert office.stop_scope() is Scope.ALL


def test_a_later_stop_to_marketing_never_narrows(office: SmsOffice) -> None:
    office.told("STOP", ORDERS)
    office.told("STOP", NEWS)
    assert comes(office) == (False, False)


def test_start_undoes_a_stop_and_never_what_was_chosen_on_the_web(office: SmsOffice) -> None:
    office.world.parts.unsubscribe(office.world.opt_out_token(Channel.SMS), CLICK, "fr")
    office.told("STOP", ORDERS)
    said = office.told("Démarrer", NEWS)
    assert comes(office) == (False, True)
    assert office.entries()[-1] == ("company_news", "sms", True, "start", "DEMARRER")
    assert said is not None
    assert segments.count(said).segments == 1


def test_a_mere_yes_to_the_orders_sender_brings_no_news_back(office: SmsOffice) -> None:
    assert office.told("Oui", ORDERS) is None  # to a courier's question, perhaps
    office.told("STOP", NEWS)
    assert office.told("Oui !", ORDERS) is None
    assert office.told("yes", ORDERS, OptOutType="START") is None
    assert comes(office) == (True, False)
    assert "de nouveau" in (office.told("Oui", NEWS) or "")
    assert comes(office) == (True, True)
    office.told("STOP", ORDERS)
    office.told("OUI", ORDERS)
    assert comes(office) == (True, True)


@pytest.mark.parametrize("more", [{"twilio_consents": False}])
def test_who_comes_back_in_words_that_twilio_cannot_hear_of_is_asked_for_one_that_it_knows(
    office: SmsOffice,
) -> None:
    office.told("STOP", NEWS)
    said = office.told("Reprendre svp", NEWS)
    assert comes(office) == (True, True)
    assert (said or "").endswith("répondez ce seul mot: START")
    assert segments.count(said or "").segments == 1
    assert "de nouveau" in (office.told("Start", NEWS) or "")


def test_a_number_of_nobody_is_barred_for_whoever_gets_it(office: SmsOffice) -> None:
    office.told("STOP", ORDERS, From=OTHER)
    assert office.stop_scope(OTHER) is Scope.ALL
    answer = office.world.order(recipient="C-7", profile={"phone": OTHER, "country": "SN"})
    assert [one["status"] for one in answer["messages"] if one["channel"] == "sms"] == ["skipped"]


def test_everybody_with_the_number_has_it_on_the_ledger(office: SmsOffice) -> None:
    office.world.order(recipient="guest-7", profile={"phone": PHONE, "country": "SN", "locale": "en"})
    office.told("STOP", ORDERS)
    assert office.entries("guest-7") == [("order_updates", "sms", False, "stop", "STOP")]
    assert office.entries()[-2][3] == "stop"


def test_a_repeated_post_changes_nothing_and_is_answered_the_same(office: SmsOffice) -> None:
    sid = "SM" + "f" * 32
    first = office.told("STOP", ORDERS, sid=sid)
    office.told("START", ORDERS)
    assert office.told("STOP", ORDERS, sid=sid) == first
    assert comes(office) == (True, True)


@pytest.mark.parametrize(("kind", "after"), [("STOP", (False, False)), ("HELP", (True, True))])
def test_what_twilio_has_understood_counts_and_it_has_answered(
    office: SmsOffice, kind: str, after: tuple[bool, bool]
) -> None:
    assert office.told("des mots que seul Twilio connaît", ORDERS, OptOutType=kind) is None
    assert comes(office) == after


@pytest.mark.parametrize("text", ["Can you stop by tomorrow?", "", "Merci !", "🙏"])
def test_anything_else_is_neither_done_nor_answered(office: SmsOffice, text: str) -> None:
    assert office.told(text, ORDERS) is None
    assert comes(office) == (True, True)


def test_help_says_whom_to_ask_and_holds_the_persons_own_link(office: SmsOffice) -> None:
    said = office.told("aide ?", ORDERS)
    assert said is not None
    assert "aide@smarttontine.org" in said
    token = said.split("/u/")[1].split()[0]
    assert office.world.parts.unsubscribe(token, CLICK, "fr").view.channel is Channel.SMS
    assert comes(office)[0] is False
    assert not segments.count(said).culprits


def test_the_answer_is_in_the_persons_language_else_in_the_keywords(office: SmsOffice) -> None:
    office.world.order(recipient="C-8", profile={"phone": OTHER, "country": "SN", "locale": "en"})
    assert "no more SMS" in (office.told("ARRET", ORDERS, From=OTHER) or "")
    assert "no more SMS" in (office.told("unsubscribe", ORDERS, From="+33612345678") or "")
    assert "plus aucun SMS" in (office.told("stop", ORDERS, From="+33612345679") or "")


def test_only_what_twilio_signed_is_taken(office: SmsOffice) -> None:
    assert office.post("STOP", token="f" * 32).status_code == 403
    assert office.post("STOP", token="e" * 32).status_code == 200  # the token before
    forged = office.client.post(HOOK, data={"From": PHONE, "Body": "STOP"})
    assert forged.status_code == 403
    assert office.told("STOP", From="36000") is None  # a short code has no profile, and may be a machine


def test_a_stop_needs_no_id_of_its_message(office: SmsOffice) -> None:
    for text, scope in (("STOP", Scope.ALL), ("START", None), ("STOP", Scope.ALL)):
        for given in ("", "no id", "x" * 65):
            office.told(text, ORDERS, MessageSid=given)
        assert office.stop_scope() == scope
    office.told("START", ORDERS, MessageSid="SM123")
    office.told("START", ORDERS, MessageSid="SM123")
    assert office.stop_scope() is None


def test_without_a_token_nothing_is_taken(world: World) -> None:
    office = SmsOffice(world)
    assert office.post("STOP").status_code == 403
    assert office.stop_scope() is None


def test_a_stop_waits_for_an_open_gate(office: SmsOffice) -> None:
    answered = threading.Event()

    def stop() -> None:
        office.told("STOP", ORDERS)
        answered.set()

    thread = threading.Thread(target=stop)
    with office.world.parts.store.write() as tx:
        address_hash = tx.suppressions.hash_of(Channel.SMS, PHONE)
        tx.consents.lock_in_gate([], [address_hash])
        thread.start()
        assert not answered.wait(0.3)
    assert answered.wait(10)
    thread.join()
    assert comes(office) == (False, False)


def test_a_database_that_is_away_is_told_to_twilio(office: SmsOffice, tmp_path: Path) -> None:
    office.world.parts.engine.dispose()
    broken = World(settings_for(f"sqlite:///{tmp_path}/none/x.db", tmp_path, twilio_auth_token=TOKEN))
    assert SmsOffice(broken).post("STOP").status_code == 503


def test_the_shop_sees_that_a_stop_ended_it(office: SmsOffice) -> None:
    office.told("STOP", NEWS)
    shown = {
        (one["topic"], one["channel"]): one["subscribed"]
        for one in office.world.parts.lookups.preferences("C-1042")
    }
    assert not shown["company_news", "sms"]
    assert shown["order_updates", "sms"]
