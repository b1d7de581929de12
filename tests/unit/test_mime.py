import email
import email.policy
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.domain.mime import message_id_of, mime_message, needs_smtputf8, split_sender
from notify.domain.outgoing import OutgoingEmail

SENT_AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MAILTO = f"mailto:unsubscribe-{'t' * 45}@unsub.example.com?subject=unsubscribe"
UNSUBSCRIBE = f"<https://example.com/u/{'t' * 28}>, <{MAILTO}>"
MESSAGE = OutgoingEmail(
    message_ref="msg_1",
    sender="Smarttontine, à Dakar <commandes@smarttontine.org>",
    to="awa.diop@example.com",
    subject="Votre commande n° 99812 est expédiée",
    html="<p>Expédiée &amp; en route</p>",
    text="Expédiée\n.et en route\n",
    headers={"List-Unsubscribe": UNSUBSCRIBE, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
    reply_to="Aide <aide@smarttontine.org>",
)


def parsed(message: OutgoingEmail) -> EmailMessage:
    raw = mime_message(message, message_id=message_id_of(message, SENT_AT), date=SENT_AT)
    return email.message_from_bytes(raw, policy=email.policy.default)


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert isinstance(part, EmailMessage)
    text: str = part.get_content()
    return text


def with_headers(headers: Mapping[str, str]) -> OutgoingEmail:
    return replace(MESSAGE, headers=headers)


def test_what_goes_in_comes_out() -> None:
    mail = parsed(MESSAGE)
    assert mail["From"] == '"Smarttontine, à Dakar" <commandes@smarttontine.org>'
    assert mail["To"] == "awa.diop@example.com"
    assert mail["Reply-To"] == "Aide <aide@smarttontine.org>"
    assert mail["Subject"] == MESSAGE.subject
    assert mail["Date"].datetime == SENT_AT
    assert re.fullmatch(r"<msg_1\.[0-9a-f]{20}@smarttontine\.org>", mail["Message-ID"])
    assert mail["List-Unsubscribe"] == UNSUBSCRIBE
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert body(mail, "plain").splitlines() == MESSAGE.text.splitlines()
    assert body(mail, "html").strip() == MESSAGE.html


def test_a_message_id_never_comes_twice() -> None:
    later, elsewhere = SENT_AT + timedelta(microseconds=1), with_headers({"List-Unsubscribe": "<other>"})
    found = [
        message_id_of(MESSAGE, SENT_AT),
        message_id_of(MESSAGE, later),
        message_id_of(elsewhere, SENT_AT),
    ]
    assert len(set(found)) == 3
    assert message_id_of(MESSAGE, SENT_AT) == found[0]


def test_a_long_url_is_never_written_as_encoded_words() -> None:
    raw = mime_message(MESSAGE, message_id=message_id_of(MESSAGE, SENT_AT), date=SENT_AT)
    first, second = UNSUBSCRIBE.split(", ")
    assert f"List-Unsubscribe: {first},\r\n {second}\r\n".encode() in raw
    assert b"\r\nX-One: " + b"a" * 300 + b"\r\n" in mime_message(
        with_headers({"X-One": "a" * 300}), message_id="<1@example.com>", date=SENT_AT
    )


def test_every_line_ends_in_crlf_is_ascii_and_short_enough() -> None:
    raw = mime_message(replace(MESSAGE, html="é" * 5_000), message_id="<1@example.com>", date=SENT_AT)
    assert raw.isascii()
    assert raw.count(b"\n") == raw.count(b"\r\n")
    assert max(map(len, raw.split(b"\r\n"))) <= 998


def test_headers_that_have_fields_are_not_taken_twice() -> None:
    mail = parsed(with_headers({"To": "other@example.com", "subject": "x", "Message-ID": "<2@example.com>"}))
    for name in ("To", "Subject", "Message-ID"):
        assert len(mail.get_all(name, [])) == 1
    assert mail["To"] == MESSAGE.to


def test_a_line_break_in_a_header_is_refused() -> None:
    with pytest.raises(ValueError, match=r"linefeed|line"):
        parsed(with_headers({"List-Id": "a\r\nBcc: other@example.com"}))
    with pytest.raises(ValueError, match="longer"):
        parsed(with_headers({"List-Id": "a" * 1_200}))


def test_addresses_outside_ascii_need_smtputf8() -> None:
    assert not needs_smtputf8(MESSAGE)  # the name may be anything
    message = replace(MESSAGE, to="éloïse@example.com")
    assert needs_smtputf8(message)
    raw = mime_message(message, message_id="<1@example.com>", date=SENT_AT)
    assert "To: éloïse@example.com\r\n".encode() in raw


@pytest.mark.parametrize(
    ("sender", "parts"),
    [
        ("a@example.com", ("", "a@example.com")),
        ("Name <a@example.com>", ("Name", "a@example.com")),
        ('"A, B" <a@example.com>', ("A, B", "a@example.com")),
        ("A, B <a@example.com>", ("A, B", "a@example.com")),
        (" <a@example.com> ", ("", "a@example.com")),
    ],
)
def test_senders_are_split(sender: str, parts: tuple[str, str]) -> None:
    assert split_sender(sender) == parts


@given(
    text=st.text(st.characters(codec="utf-8", exclude_characters="\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"))
)
def test_any_text_comes_through(text: str) -> None:
    came = body(parsed(replace(MESSAGE, text=text)), "plain")
    assert came.replace("\r\n", "\n").rstrip("\n") == text.rstrip("\n")
