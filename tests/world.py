"""The real use cases on a real database, with providers, bell and clock that a test holds in its hands."""

import base64
import json
import os
import sqlite3
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import event

from notify.bootstrap import Composition
from notify.domain.catalogue import Catalogue, Channel
from notify.domain.delivery import Claimed
from notify.domain.errors import InvalidRequestError
from notify.domain.outgoing import OutgoingEmail, OutgoingSms
from notify.domain.recipients import ProfilePatch
from notify.domain.requests import (
    Idempotency,
    Lane,
    NotificationRequest,
    Proof,
    RecipientInput,
    Routing,
)
from notify.domain.views import MessageView, NotificationView
from notify.rendering import FileTemplates, load_catalogue
from notify.settings import Settings, load_settings
from notify.usecases.delivery.deliver import Deliver
from notify.usecases.delivery.gate import Gate
from notify.usecases.delivery.reconcile import Reconcile
from notify.usecases.notifications.accept import AcceptNotifications
from notify.usecases.preferences.confirmations import Confirmations
from tests.doubles import (
    FakeProvider,
    FakeProviders,
    FakeTelemetry,
    FakeThrottle,
    FakeWakeUps,
    FixedClock,
)

EMAIL = "awa.diop@example.com"
PHONE = "+221771234567"
CLICK = Proof(source="link", wording="Arrêter ces e-mails")
SECRET = "test-signing-key-of-at-least-32-characters"


def settings_for(database_url: str, data_dir: Path, **more: Any) -> Settings:
    """Return settings for a test's database, with keys of its own."""
    keys = base64.urlsafe_b64encode(os.urandom(32)).decode()
    return load_settings(data_dir).model_copy(
        update={
            "database_url": database_url,
            "secret_keys": SECRET,
            "encryption_keys": keys,
            "public_url": "https://notify.example.org",
            **more,
        }
    )


@cache
def _loaded(directory: Path) -> FileTemplates:
    """Compile the shipped templates once for all tests."""
    return FileTemplates(directory, load_catalogue(directory))


def exported(parts: Composition, recipient: str = "C-1042") -> dict[str, Any]:
    """Return all that is held on a person."""
    told: dict[str, Any] = json.loads(b"".join(parts.lookups.export(recipient).pieces()))
    return told


def _never_wait_for_the_disk(connection: sqlite3.Connection, _record: object) -> None:
    """Nothing has to survive a power cut in tests."""
    connection.execute("PRAGMA synchronous=OFF")


class World:
    """One installation in a test."""

    _open: ClassVar[list["World"]] = []

    def __init__(self, settings: Settings, *, topics: Catalogue | None = None) -> None:
        """`topics` are a shop's own; the shipped ones when None."""
        self.clock = FixedClock()
        self.parts = Composition(settings, "test", clock=self.clock, random=lambda: 0.0)
        World._open.append(self)
        if self.parts.engine.dialect.name == "sqlite":
            event.listen(self.parts.engine, "connect", _never_wait_for_the_disk)
        if topics:
            self.parts.catalogue = topics
        self.parts.templates = _loaded(settings.templates_dir)
        self.email: FakeProvider[OutgoingEmail] = FakeProvider(name="mail")
        self.sms: FakeProvider[OutgoingSms] = FakeProvider(name="texts")
        self.outbox: FakeProvider[Any] = FakeProvider(name="outbox")
        self.wake_ups = self.parts.wake_ups = FakeWakeUps()
        self.providers = self.parts.provider_choice = FakeProviders(self._choose)
        self.telemetry = FakeTelemetry()
        self.parts.telemetry = self.telemetry  # type: ignore[assignment]
        self.throttle = FakeThrottle()
        self.parts.throttle = self.throttle  # type: ignore[assignment]

    @property
    def accept(self) -> AcceptNotifications:
        return self.parts.accept_notifications

    @property
    def confirmations(self) -> Confirmations:
        return self.parts.confirmations

    @property
    def deliver(self) -> Deliver:
        return self.parts.deliver

    @property
    def gate(self) -> Gate:
        return self.parts.gate

    @property
    def reconcile(self) -> Reconcile:
        return self.parts.reconcile

    @classmethod
    def end_all(cls) -> None:
        """Close what the worlds of a test opened, also where it failed: it would be found in another test."""
        while cls._open:
            cls._open.pop().parts.close()

    def _choose(self, channel: Channel, test: bool) -> FakeProvider[Any]:  # noqa: FBT001 - FakeProviders
        if test:
            return self.outbox
        return self.email if channel is Channel.EMAIL else self.sms

    def claim(self, seconds: float = 10) -> Claimed:
        """Claim the one urgent dispatch that is due, as a worker that is lost before its gate."""
        now = self.clock()
        with self.parts.store.write() as tx:
            (claimed,) = tx.deliveries.claim(
                Lane.URGENT, list(Channel), 5, now, now + timedelta(seconds=seconds)
            )
        return claimed

    def begin_call(self) -> Claimed:
        """Claim it and open its gate, as a worker that is lost in mid-call."""
        claimed, now = self.claim(), self.clock()
        with self.parts.store.write() as tx:
            assert tx.deliveries.at_gate([claimed])
            tx.deliveries.start_calls({claimed.dispatch_id: "mail"}, now, now + timedelta(seconds=20), [])
        return claimed

    def order(
        self,
        template: str = "order_shipped",
        *,
        recipient: str = "C-1042",
        data: dict[str, Any] | None = None,
        channels: tuple[Channel, ...] | None = None,
        routing: Routing = Routing.ALL,
        reference: str | None = "order-99812",
        key: str | None = None,
        test: bool = False,
        profile: ProfilePatch | None = None,
        **more: Any,
    ) -> NotificationView:
        """Post one order update, and return the answer; a refusal is raised."""
        given: ProfilePatch = {
            "email": EMAIL,
            "phone": PHONE,
            "name": "Awa Diop",
            "locale": "fr",
            "country": "SN",
        }
        request = NotificationRequest(
            template=template,
            recipient=RecipientInput(recipient, given if profile is None else profile),
            data={"order_number": "99812"} if data is None else data,
            channels=channels,
            routing=routing,
            reference=reference,
            **more,
        )
        idempotency = Idempotency(key, repr(request).encode()) if key else None
        (result,) = self.accept([request], lane=Lane.URGENT, idempotency=idempotency, test=test)
        if isinstance(result, InvalidRequestError):
            raise result
        return result

    def work(self) -> int:
        """Deliver all that is due; return how many dispatches were claimed."""
        done = 0
        for lane in Lane:
            while claimed := self.deliver(lane):
                done += claimed
        return done

    def message(self, notification: NotificationView, channel: Channel) -> MessageView:
        """Return how the message of a channel stands now."""
        current = self.parts.lookups.notification(notification["id"])
        (number,) = [one["id"] for one in current["messages"] if one["channel"] == channel]
        return self.parts.lookups.message(number, "en")

    def opt_out_token(self, channel: Channel) -> str:
        """Return the token of the newest message on a channel."""
        if channel is Channel.EMAIL:
            return self.email.messages[-1].headers["List-Unsubscribe"].split("/u/")[1].rstrip(">")
        return self.sms.messages[-1].text.rsplit("/u/", 1)[1]

    def centre_token(self) -> str:
        """Return the preference centre's token of the newest e-mail."""
        return self.email.messages[-1].text.rsplit("/preferences/", 1)[1].split()[0]

    def subscribed(self, topic: str, channel: Channel, recipient: str = "C-1042") -> bool:
        """Return whether a recipient gets a topic on a channel."""
        (found,) = [
            one["subscribed"]
            for one in self.parts.lookups.preferences(recipient)
            if (one["topic"], one["channel"]) == (topic, channel)
        ]
        return found
