"""The `mailto:` way out, as SendGrid's inbound parse hands it over."""

import json
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from notify.app import create_app
from notify.domain.catalogue import Channel
from tests.world import World, settings_for

DOMAIN = "mail.example.org"
HOOK = "/webhooks/sendgrid/inbound"


@pytest.fixture
def received(database_url: str, tmp_path: Path) -> World:
    """Give a world whose mails can be answered, and one that was sent."""
    world = World(settings_for(database_url, tmp_path, unsubscribe_mail_domain=DOMAIN))
    world.order()
    world.work()
    return world


def mailbox(world: World) -> str:
    """Return the address of the newest mail's `mailto:`."""
    return world.email.messages[-1].headers["List-Unsubscribe"].split("<mailto:")[1].split("?")[0]


def client(world: World) -> FlaskClient:
    return create_app(world.parts).test_client()


@pytest.mark.parametrize("folded", [str, str.upper])
def test_the_token_in_the_address_decides_and_the_sender_does_not(received: World, folded: type[str]) -> None:
    form = {
        "to": f"Smarttontine <{folded(mailbox(received))}>",
        "from": "somebody.else@example.net",
        "subject": "unsubscribe",
    }
    assert client(received).post(HOOK, data=form).status_code == 200
    assert not received.subscribed("order_updates", Channel.EMAIL)
    assert received.subscribed("order_updates", Channel.SMS)
    assert received.parts.lookups.consents("C-1042")["items"][0]["source"] == "mailto"
    received.parts.close()


def test_the_envelope_counts_when_the_header_names_another(received: World) -> None:
    form = {"to": "list@example.org", "envelope": json.dumps({"to": [mailbox(received)], "from": "a@b.c"})}
    assert client(received).post(HOOK, data=form).status_code == 200
    assert not received.subscribed("order_updates", Channel.EMAIL)
    received.parts.close()


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"to": "unsubscribe-aaaaaaaaaaaaaaaaaaaaaaaa@mail.example.org"},
        {"to": "unsubscribe-@mail.example.org", "envelope": "not json"},
        {"to": "", "envelope": '{"to": "unsubscribe-aaaa@mail.example.org"}'},
        {"to": "", "envelope": "[1]"},
        {"to": "<<<>>>,,@,", "envelope": '{"to": [1, null]}'},
    ],
)
def test_what_holds_no_token_of_ours_changes_nothing(received: World, form: dict[str, str]) -> None:
    assert client(received).post(HOOK, data=form).status_code == 200
    assert received.subscribed("order_updates", Channel.EMAIL)
    received.parts.close()


def test_a_token_at_another_domain_changes_nothing(received: World) -> None:
    address = mailbox(received).replace(DOMAIN, "example.net")
    assert client(received).post(HOOK, data={"to": address}).status_code == 200
    assert received.subscribed("order_updates", Channel.EMAIL)
    received.parts.close()


def test_without_a_domain_that_receives_mail_nothing_is_accepted(world: World) -> None:
    assert client(world).post(HOOK, data={"to": "unsubscribe-a@mail.example.org"}).status_code == 403
