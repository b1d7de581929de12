"""Newsletters: messages alike that differ by their marks, through every provider of e-mail."""

from dataclasses import replace

import pytest

from notify.domain.outcome import Accepted, Refused, Transient
from notify.domain.outgoing import OutgoingEmail
from notify.providers.outbox import OutboxProvider
from notify.providers.sendgrid import SendGridProvider
from notify.providers.sendgrid_payload import MOST_BYTES, calls_of
from notify.providers.smtp import SmtpProvider
from tests.contract.outgoing import an_email
from tests.doubles import FakeOutboxStore
from tests.loopback.sendgrid import SendGridLoopback
from tests.loopback.server import Fault
from tests.loopback.smtp import SmtpLoopback

NAMELESS = Fault(400, {"errors": [{"message": "Bad Request", "field": None}]})


def a_copy(number: int, **marks: str) -> OutgoingEmail:
    """Return one person's copy of a newsletter."""
    return an_email(
        number,
        subject="Bonjour -name-",
        text="Bonjour -name-, -link-",
        html="<p>Bonjour -name_html-</p>",
        substitutions={
            "-name-": f"Awa & {number}",
            "-name_html-": f"Awa &amp; {number}",
            "-link-": f"https://example.com/u/token{number}",
        }
        | marks,
    )


def test_one_call_carries_each_persons_marks_and_headers() -> None:
    with SendGridLoopback() as server:
        provider = SendGridProvider("SG.key", server.url)
        copies = [a_copy(number) for number in range(1_000)]
        outcomes = provider.send(copies)
        provider.close()
    [call] = server.received
    body = call.json
    assert body["subject"] == "Bonjour -name-"
    assert [one["substitutions"] for one in body["personalizations"]] == [one.substitutions for one in copies]
    assert [one["headers"] for one in body["personalizations"]] == [one.headers for one in copies]
    assert [one["custom_args"]["message_id"] for one in body["personalizations"]] == [
        one.message_ref for one in copies
    ]
    assert isinstance(outcomes[0], Accepted)
    assert all(one is outcomes[0] for one in outcomes)  # recorded as one


def test_what_is_too_much_for_a_personalization_goes_alone_filled_in() -> None:
    with SendGridLoopback() as server:
        provider = SendGridProvider("SG.key", server.url)
        long = a_copy(1, **{"-name-": "é" * 6_000})
        outcomes = provider.send([a_copy(0), long, a_copy(2)])
        provider.close()
    assert [type(one) for one in outcomes] == [Accepted] * 3
    together, alone = (call.json for call in server.received)
    assert [one["to"][0]["email"] for one in together["personalizations"]] == [a_copy(0).to, a_copy(2).to]
    assert alone["content"][0]["value"] == f"Bonjour {'é' * 6_000}, https://example.com/u/token1"
    assert "substitutions" not in alone["personalizations"][0]


def test_long_headers_alone_keep_nobody_from_the_call() -> None:
    with SendGridLoopback() as server:
        provider = SendGridProvider("SG.key", server.url)
        wordy = replace(a_copy(1), headers={"X-Long": "x" * 12_000})
        assert [type(one) for one in provider.send([a_copy(0), wordy])] == [Accepted] * 2
        provider.close()
    assert len(server.received) == 1


def test_a_call_that_would_be_too_large_is_divided_before_it_is_made() -> None:
    half = MOST_BYTES // 2
    sizes = dict.fromkeys(range(5), half // 2)
    assert list(calls_of(range(5), sizes, half)) == [[0], [1], [2], [3], [4]]
    assert list(calls_of(range(5), sizes, 1_000)) == [[0, 1, 2], [3, 4]]
    assert list(calls_of(range(2_001), dict.fromkeys(range(2_001), 10), 10)) == [
        list(range(1_000)), list(range(1_000, 2_000)), [2_000]
    ]  # fmt: skip
    assert list(calls_of([7], {7: 2 * MOST_BYTES}, 10)) == [[7]]  # the provider's to refuse
    assert list(calls_of([], {}, 10)) == []


def test_no_call_begins_once_splitting_took_too_long() -> None:
    with SendGridLoopback() as server:
        provider = SendGridProvider("SG.key", server.url, last_start=0.1)
        server.script(NAMELESS, replace(NAMELESS, delay=0.15))
        outcomes = provider.send([an_email(number) for number in range(4)])
        provider.close()
    assert len(server.received) == 2
    assert outcomes == [Transient("not called in time")] * 4
    assert [one.part for one in outcomes if isinstance(one, Transient)] == [0, 1, 2, 2]  # as far as it came


def test_the_first_call_is_always_made() -> None:
    with SendGridLoopback() as server:
        provider = SendGridProvider("SG.key", server.url, last_start=-1)
        outcomes = provider.send([an_email(0), an_email(1, subject="Other")])
        provider.close()
    assert [type(one) for one in outcomes] == [Accepted, Transient]


def test_messages_with_one_fate_share_its_outcome() -> None:
    with SendGridLoopback() as server:
        provider = SendGridProvider("SG.key", server.url)
        refused = provider.send([an_email(number, to="nobody") for number in range(3)] + [an_email(9)])
        server.script(Fault(429, {"errors": [{"message": "too many requests", "field": None}]}))
        limited = provider.send([an_email(number) for number in range(3)])
        provider.close()
    assert [type(one) for one in refused] == [Refused] * 3 + [Accepted]
    assert refused[0] is refused[1] is refused[2]
    assert isinstance(limited[0], Transient)
    assert limited[0].reason == "rate limited: 429 too many requests"
    assert limited[0] is limited[1] is limited[2]


def test_a_refusal_of_all_names_nobody() -> None:
    with SendGridLoopback() as server:
        provider = SendGridProvider("SG.key", server.url)
        text = "blocked: awa3@example.com, AWA4, and others"
        server.script(Fault(403, {"errors": [{"message": text, "field": None}]}))
        outcomes = provider.send([an_email(number) for number in range(10)])
        provider.close()
    assert outcomes[0] == Transient("credentials refused: 403 blocked: […], […], and others")


@pytest.mark.parametrize("field", ["text", "html"])
def test_a_mark_that_cannot_be_written_refuses_its_message_only(field: str) -> None:
    broken = "\ud83d"
    shared = an_email(2, text=broken) if field == "text" else an_email(2, html=broken)
    with SendGridLoopback() as server:
        provider = SendGridProvider("SG.key", server.url)
        outcomes = provider.send([a_copy(0), a_copy(1, **{"-name-": broken}), shared])
        provider.close()
    assert [type(one) for one in outcomes] == [Accepted, Refused, Refused]


def test_a_server_that_knows_no_marks_gets_the_text() -> None:
    with SmtpLoopback() as server:
        provider = SmtpProvider(server.url)
        assert [type(one) for one in provider.send([a_copy(0), a_copy(1)])] == [Accepted] * 2
        provider.close()
        subjects = [mail.parsed["Subject"] for mail in server.mails]
        html = server.mails[1].parsed.get_body(("html",))
    assert subjects == ["Bonjour Awa & 0", "Bonjour Awa & 1"]
    assert html is not None
    assert html.get_content().strip() == "<p>Bonjour Awa &amp; 1</p>"


def test_the_outbox_shows_the_text() -> None:
    store = FakeOutboxStore()
    OutboxProvider(store).send([a_copy(5)])
    assert store.kept == [a_copy(5).filled()]
    assert "-name-" not in repr(store.kept)
