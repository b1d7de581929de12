"""An opt-out that meets an open gate waits for it; a gate that meets an opt-out reads it."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from notify.domain.catalogue import Channel
from notify.domain.errors import InvalidTokenError, NotFoundError
from notify.domain.outcome import Refused
from notify.domain.requests import Routing
from tests.world import CLICK, EMAIL, World


def test_an_opt_out_waits_for_an_open_gate(world: World) -> None:
    world.order(channels=(Channel.EMAIL,))
    world.work()
    token = world.opt_out_token(Channel.EMAIL)
    recipient_id = world.parts.tokens.read_opt_out(token).recipient
    answered = threading.Event()

    def opt_out() -> None:
        world.parts.unsubscribe(token, CLICK, "fr")
        answered.set()

    thread = threading.Thread(target=opt_out)
    with world.parts.store.write() as tx:
        recipient = tx.recipients.by_numbers([recipient_id])[recipient_id]
        tx.consents.lock_in_gate([recipient_id], recipient.hashes.values())
        thread.start()
        assert not answered.wait(0.4)
    assert answered.wait(10)
    thread.join()


def test_gates_of_others_and_of_the_same_person_stand_side_by_side_in_postgresql(world: World) -> None:
    if world.parts.engine.dialect.name == "sqlite":
        return  # there, writers take turns
    with world.parts.store.write() as first, world.parts.store.write() as second:
        first.consents.lock_in_gate([1], [b"\x01" * 16])
        second.consents.lock_in_gate([1], [b"\x01" * 16])


def test_cancelling_meets_a_gate_in_one_order_only(world: World) -> None:
    """A cancel that comes while a gate is open waits, and then cannot cancel any more."""
    answer = world.order(channels=(Channel.EMAIL,))
    now = world.clock()
    claimed = world.claim()
    statuses: list[str] = []
    thread = threading.Thread(
        target=lambda: statuses.append(world.parts.cancel_notification(answer["id"])["status"])
    )
    with world.parts.store.write() as tx:
        assert tx.deliveries.at_gate([claimed])
        tx.deliveries.start_calls({claimed.dispatch_id: "mail"}, now, now + timedelta(seconds=20), [])
        thread.start()
        thread.join(0.4)
        assert thread.is_alive()
    thread.join(10)
    assert statuses == ["sending"]


def test_opt_outs_undos_orders_and_erasures_at_once_never_deadlock(world: World) -> None:
    """Everybody locks in one order; what a deadlock ends is an UnavailableError."""
    world.order()
    world.work()
    mail, text = world.opt_out_token(Channel.EMAIL), world.opt_out_token(Channel.SMS)

    def click(token: str) -> None:
        for _ in range(10):
            undo = world.parts.unsubscribe(token, CLICK, "fr").undo
            if undo:
                with contextlib.suppress(InvalidTokenError):
                    world.parts.undo(undo, CLICK, "fr")

    def order(number: int) -> None:
        for _ in range(10):
            asked = world.order(
                ("order_out_for_delivery", "order_delivered")[number % 2],
                channels=(Channel.SMS, Channel.EMAIL),
                routing=Routing.FALLBACK,
            )
            world.sms.script(Refused("21610"))
            world.work()
            world.parts.cancel_notification(asked["id"])

    def erase() -> None:
        for _ in range(10):
            world.order(recipient="guest", profile={"email": EMAIL})
            with contextlib.suppress(NotFoundError):
                world.parts.erase_recipient("guest")

    with ThreadPoolExecutor(6) as pool:
        tasks = [pool.submit(click, mail), pool.submit(click, text), pool.submit(click, mail)]
        tasks += [pool.submit(order, 0), pool.submit(order, 1), pool.submit(erase)]
    for task in tasks:
        task.result()
