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


def as_sendgrid_posts_it(fields: dict[str, str], attachment: bytes = b"") -> dict[str, object]:
    """Return a request's arguments: a multipart form, the attachments after the fields."""
    lines = [f'--xYzZY\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}' for k, v in fields.items()]
    file = '--xYzZY\r\nContent-Disposition: form-data; name="attachment1"; filename="a.pdf"\r\n\r\n'
    body = "\r\n".join([*lines, file]).encode() + attachment + b"\r\n--xYzZY--\r\n"
    return {"data": body, "content_type": "multipart/form-data; boundary=xYzZY"}


@pytest.mark.parametrize("raw", [True, False])
def test_a_mail_of_any_size_is_read_for_its_addresses_only(received: World, *, raw: bool) -> None:
    large = "x" * 3_000_000
    letter = {"email": f"From: a@b.example\r\nSubject: stop\r\n\r\n{large}"} if raw else {"text": large}
    envelope = json.dumps({"to": [mailbox(received)], "from": "a@b.example"})
    form = {**letter, "to": "x@example.org", "envelope": envelope, "spam_score": "9.9"}
    posted = client(received).post(HOOK, **as_sendgrid_posts_it(form, b"%PDF" * 1_000_000))
    assert posted.status_code == 200
    assert not received.subscribed("order_updates", Channel.EMAIL)
    received.parts.close()


def test_among_many_addresses_each_token_counts(received: World) -> None:
    first = mailbox(received)
    received.order("order_shipped", recipient="C-7", profile={"email": "seven@example.com"}, reference="r-7")
    received.work()
    others = ", ".join(f"p{number}@example.org" for number in range(60))
    envelope = json.dumps({"to": [mailbox(received)], "from": "a@b.example"})
    form = {"to": f'"Arrêter, svp" <{first}>, {others}', "envelope": envelope}
    assert client(received).post(HOOK, **as_sendgrid_posts_it(form)).status_code == 200
    assert not received.subscribed("order_updates", Channel.EMAIL)
    assert not received.subscribed("order_updates", Channel.EMAIL, "C-7")
    received.parts.close()


@pytest.mark.parametrize("body", [b"", b"--xYzZY", b"--other\r\n\r\n", b"--xYzZY\r\nnonsense\r\n\r\n"])
def test_a_form_that_cannot_be_read_is_not_sent_for_days(received: World, body: bytes) -> None:
    kind = "multipart/form-data; boundary=xYzZY"
    assert client(received).post(HOOK, data=body, content_type=kind).status_code == 200
    assert received.subscribed("order_updates", Channel.EMAIL)
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


def test_the_domain_of_mails_that_were_sent_before_it_changed_still_counts(received: World) -> None:
    address = mailbox(received).replace(DOMAIN, "stop.example.net")
    assert client(received).post(HOOK, data={"to": address}).status_code == 200
    assert not received.subscribed("order_updates", Channel.EMAIL)
    received.parts.close()


def test_without_a_domain_that_receives_mail_nothing_is_accepted(world: World) -> None:
    assert client(world).post(HOOK, data={"to": "unsubscribe-a@mail.example.org"}).status_code == 403
