"""What an undo takes back, and that no opt-out from after it is among that, however it was made."""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from sqlalchemy import text

from notify.domain.catalogue import Channel
from notify.domain.errors import InvalidTokenError
from notify.domain.imports import ImportedRow
from notify.domain.ledger import Left
from notify.domain.requests import Choice, Proof, RecipientInput
from notify.domain.sms_senders import read_senders
from notify.domain.suppressions import ShopReason
from tests.reporting import Reporting, sent
from tests.sms_office import ORDERS, SmsOffice
from tests.world import CLICK, EMAIL, World

CENTRE: Final = Proof(source="preference_centre", wording="Enregistrer")
CALL: Final = Proof(source="call", wording="Arrêtez, s'il vous plaît")
TOPIC: Final = "order_updates"
LEAVES: Final = {by: Choice(TOPIC, by, subscribed=False) for by in Channel}
SENDERS: Final = {"SN": {"marketing": {"sender": "36105"}, "transactional": {"sender": ORDERS}}}


@pytest.fixture
def reporting(database_url: str, tmp_path: Path) -> Iterator[Reporting]:
    """Give an installation that hears its providers, on the telephone too."""
    reporting = Reporting(database_url, tmp_path, sms_senders=read_senders(SENDERS))
    yield reporting
    reporting.world.parts.close()


class Person(NamedTuple):
    """Somebody who has just left order updates by e-mail and by SMS, and what they can still use."""

    reporting: Reporting
    name: str
    message: str
    link: str
    centre: str
    undos: Mapping[Channel, str]

    @property
    def world(self) -> World:
        return self.reporting.world

    @property
    def email(self) -> str:
        return f"{self.name}@example.com"

    def undone(self, channel: Channel) -> bool:
        try:
            self.world.parts.undo(self.undos[channel], CLICK, "fr")
        except InvalidTokenError:
            return False
        return True


def who_left(reporting: Reporting, number: int) -> Person:
    world, name = reporting.world, f"c-{number}"
    profile = {"email": f"{name}@example.com", "phone": f"+22177123{number:04}", "country": "SN"}
    answer, _ = sent(reporting, recipient=name, profile=profile, channels=tuple(Channel))
    links = {by: world.opt_out_token(by) for by in Channel}
    undos = {by: world.parts.unsubscribe(links[by], CLICK, "fr").undo for by in Channel}
    message = next(one["id"] for one in answer["messages"] if one["channel"] == "email")
    given = {by: undo for by, undo in undos.items() if undo}
    return Person(reporting, name, message, links[Channel.EMAIL], world.centre_token(), given)


def by_import(person: Person) -> None:
    recipient = RecipientInput(person.name, {"email": person.email})
    row = ImportedRow(1, recipient, ((LEAVES[Channel.EMAIL], None),), {})
    person.world.parts.import_recipients([row])


def by_event(person: Person, word: str) -> None:
    person.reporting.told(person.reporting.event(person.message, word, email=person.email))


def by_mail(person: Person) -> None:
    tokens = person.world.parts.tokens
    mailbox = tokens.mailbox(tokens.read_opt_out(person.link))
    person.world.parts.unsubscribe.by_mail(mailbox, Proof(source="mailto"))


def by_stop(person: Person) -> None:
    number = int(person.name.removeprefix("c-"))
    SmsOffice(person.world).told("STOP", ORDERS, From=f"+22177123{number:04}")


LATER: Final[Mapping[str, tuple[Channel, Callable[[Person], object]]]] = {
    "link": (Channel.EMAIL, lambda one: one.world.parts.unsubscribe(one.link, CLICK, "fr")),
    "channel": (
        Channel.EMAIL,
        lambda one: one.world.parts.unsubscribe(one.link, CLICK, "fr", whole_channel=True),
    ),
    "mail": (Channel.EMAIL, by_mail),
    "shop": (
        Channel.EMAIL,
        lambda one: one.world.parts.change_preferences(one.name, [LEAVES[Channel.EMAIL]], CALL),
    ),
    "box": (
        Channel.SMS,
        lambda one: one.world.parts.preference_centre.change(one.centre, [LEAVES[Channel.SMS]], CENTRE, "fr"),
    ),
    "everything": (
        Channel.SMS,
        lambda one: one.world.parts.preference_centre.stop_everything(one.centre, CENTRE, "fr"),
    ),
    "not me": (
        Channel.SMS,
        lambda one: one.world.parts.preference_centre.disown(one.centre, Channel.SMS, CENTRE, "fr"),
    ),
    "import": (Channel.EMAIL, by_import),
    "bar": (
        Channel.EMAIL,
        lambda one: one.world.parts.suppressions.bar(one.email, Channel.EMAIL, ShopReason.MANUAL, None),
    ),
    "stop": (Channel.SMS, by_stop),
    "provider": (Channel.EMAIL, lambda one: by_event(one, "unsubscribe")),
    "complaint": (Channel.EMAIL, lambda one: by_event(one, "spamreport")),
}
"""Ways to say again what was said by a link before, each with its channel: none of them changes a thing."""


def test_a_later_opt_out_of_the_same_voids_an_undo_whatever_its_way(reporting: Reporting) -> None:
    undone, gone = [], []
    for number, (name, (channel, leave)) in enumerate(LATER.items()):
        person = who_left(reporting, number)
        leave(person)
        undone += [name] * person.undone(channel)
        other = next(by for by in Channel if by is not channel)
        gone += [name] * (not person.undone(other))
    assert undone == []
    assert gone == ["everything"]  # the other channel's undo has nothing to do with the rest


def test_an_undo_loses_what_was_left_again_and_restores_the_rest(reporting: Reporting) -> None:
    world = reporting.world
    sent(reporting, channels=tuple(Channel))
    _, undo = world.parts.preference_centre.stop_everything(world.centre_token(), CENTRE, "fr")
    world.parts.change_preferences("C-1042", [LEAVES[Channel.EMAIL]], CALL)
    assert undo
    (restored,) = world.parts.undo(undo, CENTRE, "fr")
    assert (restored[0].name, restored[1]) == (TOPIC, "sms")
    assert not world.subscribed(TOPIC, Channel.EMAIL)


def test_two_who_cut_an_undo_at_once_both_cut_it(postgres_url: str, tmp_path: Path) -> None:
    reporting = Reporting(postgres_url, tmp_path)
    world = reporting.world
    sent(reporting, channels=tuple(Channel))
    _, undo = world.parts.preference_centre.stop_everything(world.centre_token(), CENTRE, "fr")
    topic = world.parts.catalogue[TOPIC].number
    with ThreadPoolExecutor(1) as pool:
        with world.parts.store.write() as tx:
            person = tx.recipients.by_external_id("C-1042")
            assert person
            tx.consents.void_undos([Left(person.id, topic, Channel.SMS, [])])
            leaving = pool.submit(world.parts.change_preferences, "C-1042", [LEAVES[Channel.EMAIL]], CALL)
            until_somebody_waits(world)
        leaving.result(10)
    assert undo
    assert TOPIC not in {topic.name for topic, _ in world.parts.undo(undo, CENTRE, "fr")}
    world.parts.close()


def until_somebody_waits(world: World) -> None:
    deadline = time.monotonic() + 10
    waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted")
    with world.parts.engine.connect() as connection:
        while not connection.scalar(waiting):
            connection.rollback()
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_an_undo_of_one_leaves_the_address_to_another_who_left_again(reporting: Reporting) -> None:
    world = reporting.world
    sent(reporting, recipient="guest", profile={"email": EMAIL})
    guest = world.opt_out_token(Channel.EMAIL)
    sent(reporting)
    own, centre = world.opt_out_token(Channel.EMAIL), world.centre_token()
    world.parts.unsubscribe(guest, CLICK, "fr")
    back = Choice(TOPIC, Channel.EMAIL, subscribed=True)
    world.parts.preference_centre.change(centre, [back], CENTRE, "fr")
    undo = world.parts.unsubscribe(own, CLICK, "fr").undo
    world.parts.unsubscribe(guest, CLICK, "fr")
    assert undo
    with pytest.raises(InvalidTokenError):
        world.parts.undo(undo, CLICK, "fr")
    for recipient in ("guest", "C-1042"):
        answer = world.order("order_delivered", recipient=recipient, channels=(Channel.EMAIL,))
        assert answer["messages"][0]["reason"] == "unsubscribed"


def test_an_undo_promises_nothing_that_does_not_come(reporting: Reporting) -> None:
    world = reporting.world
    sent(reporting, recipient="guest", profile={"email": EMAIL})
    guest = world.opt_out_token(Channel.EMAIL)
    sent(reporting, channels=tuple(Channel))
    own, by_sms = world.opt_out_token(Channel.EMAIL), world.opt_out_token(Channel.SMS)
    undo = world.parts.unsubscribe(own, CLICK, "fr").undo
    world.parts.unsubscribe(guest, CLICK, "fr")
    assert undo
    page = reporting.client.post(f"/undo/{undo}").get_data(as_text=True)
    assert "Rien n’arrive pour autant" in page
    SmsOffice(world).told("STOP", ORDERS)
    undo = world.parts.unsubscribe(by_sms, CLICK, "fr").undo
    assert undo
    assert world.parts.undo(undo, CLICK, "fr") == []


def test_what_comes_after_an_undo_rests_on_an_opt_in(reporting: Reporting) -> None:
    world = reporting.world
    again = Choice(TOPIC, Channel.EMAIL, subscribed=True)
    sent(reporting, recipient="guest", profile={"email": EMAIL})
    guest = world.opt_out_token(Channel.EMAIL)
    sent(reporting)
    own = world.opt_out_token(Channel.EMAIL)
    world.parts.change_preferences("C-1042", [replace(again, subscribed=False)], CALL)
    world.parts.change_preferences("C-1042", [again], CALL)
    undo = world.parts.unsubscribe(own, CLICK, "fr").undo
    world.parts.unsubscribe(guest, CLICK, "fr")
    assert undo
    assert world.parts.undo(undo, CLICK, "fr") == []
    world.parts.change_preferences("guest", [again], CALL)  # whoever has the address gets it again

    answer = world.order("order_delivered", channels=(Channel.EMAIL,))
    world.work()
    basis = world.message(answer, Channel.EMAIL)["basis"]
    entries = {one["id"]: one for one in world.parts.lookups.consents("C-1042")["items"]}
    assert basis
    assert entries[basis["consent_id"]]["source"] == "undo"
    assert entries[basis["consent_id"]]["subscribed"]
