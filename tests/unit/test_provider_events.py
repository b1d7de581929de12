"""Signatures and vocabularies of the providers' webhooks. Vectors are the vendors' own."""

import base64
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from notify.domain.errors import ConfigurationError
from notify.domain.events import EventKind, ProviderEvent
from notify.domain.webhook_posts import MalformedPostError, SignedPost
from notify.providers import sendgrid_events, twilio_events
from notify.providers.sendgrid_events import SendGridEvents
from notify.providers.twilio_events import TwilioReceipts

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)

# SendGrid's published example (its SDKs' tests): the line break at the end is signed too.
SG_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eN"
    "Ec6wEA3F+g=="
)
SG_SIGNATURE = (
    "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM="
)
SG_TIMESTAMP = "1600112502"
SG_EVENT = {
    "email": "hello@world.com",
    "event": "dropped",
    "reason": "Bounced Address",
    "sg_event_id": "ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",
    "sg_message_id": "LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",
    "smtp-id": "<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>",
    "timestamp": 1600112492,
}
SG_BODY = orjson.dumps([SG_EVENT]) + b"\r\n"

# Twilio's published examples (its SDKs' tests).
TW_TOKEN = "12345"
TW_URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
TW_FORM = urlencode(
    {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
).encode()
TW_SIGNATURE = "RSOYDt4T1cUTdK1PDd93/VVr8B8="
TW_JSON = b'{"property": "value", "boolean": true}'
TW_JSON_URL = f"{TW_URL}&bodySHA256={sha256(TW_JSON).hexdigest()}"
TW_JSON_SIGNATURE = "a9nBmqA0ju/hNViExpshrM61xv4="
FORM = "application/x-www-form-urlencoded"
SID = "SM" + "0a" * 16


def test_sendgrids_own_example_is_genuine() -> None:
    assert sendgrid_events.verify(SG_KEY, SG_SIGNATURE, SG_TIMESTAMP, SG_BODY)
    pem = sendgrid_events.load_key(SG_KEY).public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert sendgrid_events.verify(pem.decode(), SG_SIGNATURE, SG_TIMESTAMP, SG_BODY)


@pytest.mark.parametrize(
    ("signature", "timestamp", "body"),
    [
        (SG_SIGNATURE, SG_TIMESTAMP, SG_BODY.strip()),
        (SG_SIGNATURE, SG_TIMESTAMP, SG_BODY.replace(b"hello", b"other")),
        (SG_SIGNATURE, "1600112503", SG_BODY),
        (SG_SIGNATURE, "", SG_BODY),
        ("", SG_TIMESTAMP, SG_BODY),
        ("not base64!", SG_TIMESTAMP, SG_BODY),
        ("é", "é", SG_BODY),
        (base64.b64encode(b"not DER").decode(), SG_TIMESTAMP, SG_BODY),
    ],
)
def test_what_sendgrid_did_not_sign_is_not(signature: str, timestamp: str, body: bytes) -> None:
    assert not sendgrid_events.verify(SG_KEY, signature, timestamp, body)


def test_no_bit_of_what_sendgrid_signed_can_change() -> None:
    for place in range(len(SG_BODY)):
        assert not sendgrid_events.verify(SG_KEY, SG_SIGNATURE, SG_TIMESTAMP, flipped(SG_BODY, place))
    for place in range(len(SG_TIMESTAMP)):
        timestamp = flipped(SG_TIMESTAMP.encode(), place).decode()
        assert not sendgrid_events.verify(SG_KEY, SG_SIGNATURE, timestamp, SG_BODY)
    signature = base64.b64decode(SG_SIGNATURE)
    for place in range(len(signature)):
        forged = base64.b64encode(flipped(signature, place)).decode()
        assert not sendgrid_events.verify(SG_KEY, forged, SG_TIMESTAMP, SG_BODY)


def flipped(text: bytes, place: int) -> bytes:
    """Return a text with the lowest bit of one byte turned over."""
    return text[:place] + bytes([text[place] ^ 1]) + text[place + 1 :]


def test_another_key_signs_nothing_for_us() -> None:
    theirs = ec.generate_private_key(ec.SECP256R1())
    signature = theirs.sign(SG_TIMESTAMP.encode() + SG_BODY, ec.ECDSA(hashes.SHA256()))
    assert not sendgrid_events.verify(SG_KEY, base64.b64encode(signature).decode(), SG_TIMESTAMP, SG_BODY)


@pytest.mark.parametrize("key", ["secret", "", "AAAA", base64.b64encode(b"x" * 91).decode()])
def test_a_wrong_verification_key_is_a_setting_to_mend(key: str) -> None:
    with pytest.raises(ConfigurationError, match="SENDGRID_WEBHOOK_PUBLIC_KEY"):
        sendgrid_events.load_key(key)


def test_a_key_of_another_curve_is_refused() -> None:
    der = (
        ec.generate_private_key(ec.SECP384R1())
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    with pytest.raises(ConfigurationError):
        sendgrid_events.load_key(base64.b64encode(der).decode())


def test_without_a_key_nothing_is_genuine() -> None:
    headers = {
        sendgrid_events.SIGNATURE_HEADER: SG_SIGNATURE,
        sendgrid_events.TIMESTAMP_HEADER: SG_TIMESTAMP,
    }
    post = SignedPost("/webhooks/sendgrid/events", headers, SG_BODY)
    assert SendGridEvents(SG_KEY).is_genuine(post)
    assert not SendGridEvents(None).is_genuine(post)
    assert not SendGridEvents(SG_KEY).is_genuine(SignedPost(post.path, {}, SG_BODY))
    receipt = SignedPost(
        "/myapp.php?foo=1&bar=2", {"x-twilio-signature": TW_SIGNATURE, "content-type": FORM}, TW_FORM
    )
    assert TwilioReceipts(TW_TOKEN, "https://mycompany.com").is_genuine(receipt)
    assert not TwilioReceipts(None, "https://mycompany.com").is_genuine(receipt)
    assert not TwilioReceipts(TW_TOKEN, "https://other.com").is_genuine(receipt)


def an_event(word: Any, **more: Any) -> ProviderEvent:
    [event] = sendgrid_events.parse(orjson.dumps([{**SG_EVENT, "event": word, **more}]), NOW)
    return event


def test_what_a_sendgrid_event_tells() -> None:
    ours = {"message_id": "msg_42"}
    assert an_event("dropped", **ours) == ProviderEvent(
        provider="sendgrid",
        event_id="ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",
        kind=EventKind.DROPPED,
        at=datetime(2020, 9, 14, 19, 41, 32, tzinfo=UTC),
        message_ref="msg_42",
        provider_message_id="LRzXl_NHStOGhQ4kofSm_A",
        detail="Bounced Address",
        hard=True,
    )


@pytest.mark.parametrize(
    ("event", "kind", "hard"),
    [
        ({"event": "processed"}, EventKind.PROCESSED, None),
        ({"event": "delivered", "response": "250 OK"}, EventKind.DELIVERED, None),
        ({"event": "deferred", "response": "450 later"}, EventKind.DEFERRED, False),
        ({"event": "bounce", "type": "bounce"}, EventKind.BOUNCED, True),
        ({"event": "bounce", "type": "blocked"}, EventKind.BOUNCED, False),
        ({"event": "bounce"}, EventKind.BOUNCED, None),
        ({"event": "dropped", "reason": "Invalid"}, EventKind.DROPPED, True),
        ({"event": "dropped", "reason": "Unsubscribed Address"}, EventKind.DROPPED, None),
        ({"event": "dropped", "reason": "Spam Content"}, EventKind.DROPPED, False),
        ({"event": "dropped", "reason": "a new one"}, EventKind.DROPPED, None),
        ({"event": "spamreport"}, EventKind.COMPLAINED, None),
        ({"event": "unsubscribe"}, EventKind.UNSUBSCRIBED, None),
        ({"event": "group_unsubscribe"}, EventKind.UNSUBSCRIBED, None),
        ({"event": "group_resubscribe"}, EventKind.UNKNOWN, None),
        ({"event": "open"}, EventKind.OPENED, None),
        ({"event": "click", "url": "https://example.com/u/secret"}, EventKind.CLICKED, None),
        ({"event": "teleported"}, EventKind.UNKNOWN, None),
        ({"event": 7}, EventKind.UNKNOWN, None),
    ],
)
def test_sendgrids_words(event: dict[str, Any], kind: EventKind, hard: bool | None) -> None:  # noqa: FBT001
    found = an_event(event.pop("event"), **{"reason": None, **event})
    assert (found.kind, found.hard) == (kind, hard)
    assert "secret" not in (found.detail or "")


def test_what_the_far_side_said_is_kept_without_the_address() -> None:
    found = an_event(
        "bounce",
        status="5.1.1",
        reason="550 5.1.1 <hello@world.com> HELLO is no user here, see https://world.com/help",
    )
    assert found.detail == "550 5.1.1 <[…]> […] is no user here, see […]"
    assert an_event("deferred", reason=None, response="450 busy", status="4.0.0").detail == "4.0.0 450 busy"


def test_an_unknown_word_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    an_event("teleported")
    an_event("Awa Diop <awa@example.com>")
    twilio_events.event_of(SID, "vanished", None, NOW)
    assert "teleported" in caplog.text
    assert "vanished" in caplog.text
    assert "awa" not in caplog.text


def test_ids_that_will_not_do_are_replaced_by_a_digest() -> None:
    first, same, other = (
        an_event("processed", sg_event_id="x" * 101),
        an_event("processed", sg_event_id="x" * 101),
        an_event("processed", sg_event_id="x" * 102),
    )
    assert first.event_id == same.event_id != other.event_id
    assert len(first.event_id) <= 100
    assert an_event("processed", sg_event_id=None).event_id != an_event("open", sg_event_id=None).event_id


@pytest.mark.parametrize("timestamp", [None, "soon", True, 1e300, [], -1e20])
def test_an_event_without_a_time_has_that_of_its_post(timestamp: object) -> None:
    assert an_event("open", timestamp=timestamp).at == NOW


def test_ids_of_another_system_on_the_account_are_not_ours() -> None:
    for theirs in (None, 7, "awa@example.com", "x" * 65, ""):
        assert an_event("open", message_id=theirs).message_ref is None
    assert an_event("open", sg_message_id=None).provider_message_id is None
    assert an_event(
        "open", sg_message_id="14c5d75ce93.dfd.64b469.filter0001.166.5515.0"
    ).provider_message_id == ("14c5d75ce93.dfd.64b469")


def test_what_is_no_event_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    events = sendgrid_events.parse(orjson.dumps([SG_EVENT, 7, None, SG_EVENT]), NOW)
    assert len(events) == 2
    assert "2 items" in caplog.text


@pytest.mark.parametrize("body", [b"", b"{}", b"7", b"[", b"\xff", b'{"event": "open"}'])
def test_a_malformed_sendgrid_post(body: bytes) -> None:
    with pytest.raises(MalformedPostError):
        sendgrid_events.parse(body, NOW)
    source = SendGridEvents(SG_KEY)
    with pytest.raises(MalformedPostError):
        source.events_in(source.text_of(SignedPost("/", {}, body)), NOW)


@pytest.mark.parametrize(
    ("url", "body", "kind", "signature"),
    [
        (TW_URL, TW_FORM, FORM, TW_SIGNATURE),
        (TW_URL, TW_FORM, f"{FORM}; charset=UTF-8", TW_SIGNATURE),
        (TW_URL.replace(".com", ".com:1234"), TW_FORM, FORM, TW_SIGNATURE),
        # Signed with the port that the address leaves out.
        (TW_URL, TW_FORM, FORM, "kvajT1Ptam85bY51eRf/AJRuM3w="),
        (
            TW_URL,
            b"Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234",
            FORM,
            "IK+Dwps556ElfBT0I3Rgjkr1wJU=",
        ),
        (TW_JSON_URL, TW_JSON, "application/json", TW_JSON_SIGNATURE),
    ],
)
def test_twilios_own_examples_are_genuine(url: str, body: bytes, kind: str, signature: str) -> None:
    assert twilio_events.verify(TW_TOKEN, url, signature, body, kind)
    assert not twilio_events.verify("another token", url, signature, body, kind)
    assert not twilio_events.verify(TW_TOKEN, f"{url}&extra=1", signature, body, kind)
    assert not twilio_events.verify(TW_TOKEN, url, signature, body + b"1", kind)
    for place in range(len(body)):
        assert not twilio_events.verify(TW_TOKEN, url, signature, flipped(body, place), kind)
    for forged in ("", "é", signature[:-1], signature.lower()):
        assert not twilio_events.verify(TW_TOKEN, url, forged, body, kind)


def test_a_body_that_is_not_in_the_signature_is_not_trusted() -> None:
    """The URL alone is signed here: any body would fit."""
    bare = RequestValidator(TW_TOKEN).compute_signature(TW_URL, {})
    assert twilio_events.verify(TW_TOKEN, TW_URL, bare, b"", FORM)
    assert not twilio_events.verify(TW_TOKEN, TW_URL, bare, TW_JSON, "application/json")
    assert not twilio_events.verify(TW_TOKEN, TW_URL, bare, TW_FORM, "")
    assert not twilio_events.verify(TW_TOKEN, TW_URL, bare, TW_FORM, FORM)
    assert not twilio_events.verify(TW_TOKEN, TW_URL, bare, b"\xff=%ff", FORM)


@pytest.mark.parametrize(
    ("status", "code", "kind", "hard", "detail"),
    [
        ("accepted", None, EventKind.PROCESSED, None, None),
        ("queued", None, EventKind.PROCESSED, None, None),
        ("sending", None, EventKind.PROCESSED, None, None),
        ("sent", None, EventKind.SENT, None, None),
        ("delivered", None, EventKind.DELIVERED, None, None),
        ("delivered", "30008", EventKind.DELIVERED, None, None),  # codes linger
        ("undelivered", "30003", EventKind.FAILED, False, "undelivered 30003"),
        ("undelivered", "30005", EventKind.FAILED, True, "undelivered 30005"),
        ("failed", "21610", EventKind.FAILED, None, "failed 21610"),
        ("failed", "99999", EventKind.FAILED, None, "failed 99999"),
        ("failed", None, EventKind.FAILED, None, None),
        ("failed", "²", EventKind.FAILED, None, None),
        ("read", None, EventKind.OPENED, None, None),
        ("vanished", None, EventKind.UNKNOWN, None, None),
    ],
)
def test_twilios_words(
    status: str,
    code: str | None,
    kind: EventKind,
    hard: bool | None,  # noqa: FBT001
    detail: str | None,
) -> None:
    form = {"MessageSid": SID, "MessageStatus": status, "To": "+221771234567"}
    body = urlencode(form | ({"ErrorCode": code} if code else {}))
    source = TwilioReceipts(TW_TOKEN, "https://example.com")
    assert source.events_in(source.text_of(SignedPost("/", {}, body.encode())), NOW) == [
        ProviderEvent(
            "twilio", f"{SID}:{status}", kind, NOW, None, SID, detail, hard, stopped=code == "21610"
        )
    ]


@pytest.mark.parametrize(
    "body",
    [b"", b"MessageSid=x&MessageStatus=sent", b"MessageSid=" + SID.encode(), b"\xff", b"MessageSid=%ff"],
)
def test_a_malformed_receipt(body: bytes) -> None:
    with pytest.raises(MalformedPostError):
        TwilioReceipts(TW_TOKEN, "https://example.com").text_of(SignedPost("/", {}, body))
