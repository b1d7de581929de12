"""Twilio over real sockets: what is sent, and which answer has which outcome."""

import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from notify.domain.outcome import Accepted, AddressFault, Ambiguous, Outcome, Refused, Transient
from notify.providers.twilio import PERMANENT, TRANSIENT, TwilioProvider
from tests.contract.outgoing import an_sms
from tests.loopback.certificates import tls_pair
from tests.loopback.server import Fault
from tests.loopback.twilio import TwilioLoopback

TIMEOUT = 0.5
PATIENT = 15.0  # a busy machine keeps everybody waiting, and that is no time-out
SERVICE = "MG0123456789abcdef0123456789abcdef"


def refusal(status: int, code: int, message: str = "no") -> Fault:
    """Return an error as Twilio writes it."""
    return Fault(status, {"code": code, "message": message, "more_info": "", "status": status})


@pytest.fixture
def server() -> Iterator[TwilioLoopback]:
    with TwilioLoopback(token="token") as running:
        yield running


@pytest.fixture
def provider(server: TwilioLoopback) -> Iterator[TwilioProvider]:
    made = TwilioProvider("AC1", "token", server.url, PATIENT)
    yield made
    made.close()


def test_what_twilio_gets(server: TwilioLoopback, provider: TwilioProvider) -> None:
    outcomes = provider.send([an_sms(1), an_sms(2, valid_for=600, sender=SERVICE)])
    first, second = server.received
    assert (first.method, first.path) == ("POST", "/2010-04-01/Accounts/AC1/Messages.json")
    assert first.headers["user-agent"].startswith("twilio-python/")
    assert first.form == {"To": an_sms(1).to, "From": "Smarttontin", "Body": an_sms(1).text}
    assert second.form == {
        "To": an_sms(2).to,
        "MessagingServiceSid": SERVICE,
        "Body": an_sms(2).text,
        "ValidityPeriod": "600",
    }
    assert outcomes == [Accepted(message["sid"]) for message in server.messages]


def test_the_address_for_receipts_goes_along(server: TwilioLoopback) -> None:
    callback = "https://notify.example.com/webhooks/twilio/status"
    provider = TwilioProvider("AC1", "token", f"{server.url}/prefix/", status_callback=callback)
    assert isinstance(provider.send([an_sms()])[0], Accepted)
    assert server.received[0].form["StatusCallback"] == f"{callback}?message=msg_0"
    assert server.received[0].path.startswith("/prefix/2010-04-01/")
    provider.close()


@pytest.mark.parametrize(
    ("valid_for", "sent"), [(0, "1"), (-5, "1"), (1, "1"), (36_000, "36000"), (99_999, "36000")]
)
def test_validity_stays_within_what_twilio_takes(
    server: TwilioLoopback, provider: TwilioProvider, valid_for: int, sent: str
) -> None:
    assert isinstance(provider.send([an_sms(valid_for=valid_for)])[0], Accepted)
    assert server.received[0].form["ValidityPeriod"] == sent


def test_a_name_that_begins_like_a_service_is_a_name(
    server: TwilioLoopback, provider: TwilioProvider
) -> None:
    provider.send([an_sms(sender="MGlobal")])
    assert server.received[0].form["From"] == "MGlobal"


@pytest.mark.parametrize("code", PERMANENT)
def test_permanent_codes(server: TwilioLoopback, provider: TwilioProvider, code: int) -> None:
    server.script(refusal(400, code))
    bad = dict.fromkeys((21211, 21614, 21635, 30005, 30006), AddressFault.BAD)
    fault = (bad | {21610: AddressFault.STOPPED}).get(code)
    assert provider.send([an_sms()]) == [Refused(f"{code} {PERMANENT[code]}", fault)]


@pytest.mark.parametrize("code", TRANSIENT)
def test_transient_codes(server: TwilioLoopback, provider: TwilioProvider, code: int) -> None:
    server.script(refusal(400, code))
    wait = 1.0 if code == 20429 else None  # a limit without a Retry-After
    assert provider.send([an_sms()]) == [Transient(f"{code} {TRANSIENT[code]}", wait)]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (refusal(400, 99999), Refused),
        (refusal(409, 99999), Refused),
        (Fault(400, "<html>"), Refused),
        (Fault(400, {"type": "t", "title": "Bad", "status": 400, "code": 99999}), Refused),
        (refusal(401, 20003), Transient),
        (refusal(403, 99999), Transient),
        (refusal(404, 20404), Transient),
        (refusal(429, 20429), Transient),
        (Fault(429, "busy"), Transient),
        (refusal(429, 21610), Transient),
        (refusal(500, 20500), Transient),
        (refusal(500, 30500), Transient),
        (Fault(500), Ambiguous),
        (Fault(500, "<html>"), Ambiguous),
        (Fault(500, {"code": "x"}), Ambiguous),
        (refusal(502, 20500), Ambiguous),
        (refusal(503, 20503), Transient),
        (Fault(503, "<html>"), Transient),
        (refusal(504, 30500), Ambiguous),
        (Fault(201, ""), Ambiguous),
        (Fault(201, "{"), Ambiguous),
        (Fault(201, "[]"), Ambiguous),
        (Fault(201, {"status": "queued"}), Ambiguous),
        (Fault(201, {"sid": None}), Ambiguous),
        (Fault(201, b"\xff\xfe"), Ambiguous),
        (Fault(201, {"sid": "SM1", "body": "x" * 500}, cut=True), Ambiguous),
        (Fault(302, headers={"Location": "http://127.0.0.1:1/"}), Ambiguous),
        (Fault(reset="before"), Ambiguous),
        (Fault(reset="after"), Ambiguous),
        (Fault(raw=b""), Ambiguous),
        (Fault(raw=b"garbage\r\n\r\n"), Ambiguous),
    ],
)
def test_each_fault_has_its_outcome(
    server: TwilioLoopback, provider: TwilioProvider, fault: Fault, kind: type[Outcome]
) -> None:
    server.script(fault)
    [outcome] = provider.send([an_sms()])
    assert type(outcome) is kind
    assert len(server.received) <= 1  # never tried again here
    assert isinstance(provider.send([an_sms()])[0], Accepted)


def test_the_wait_that_twilio_asks_for(server: TwilioLoopback, provider: TwilioProvider) -> None:
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 30))
    for value, seconds in (("3", 3), (date, 30)):
        body = {"code": 20429, "message": "Too Many Requests", "status": 429}
        server.script(Fault(429, body, {"Retry-After": value}))
        [outcome] = provider.send([an_sms()])
        assert isinstance(outcome, Transient)
        assert outcome.retry_after == pytest.approx(seconds, abs=2)


def test_an_unknown_code_is_logged_and_kept_without_the_number(
    server: TwilioLoopback, provider: TwilioProvider, caplog: pytest.LogCaptureFixture
) -> None:
    server.script(refusal(400, 21999, f"The number {an_sms(5).to} is somehow wrong"))
    assert provider.send([an_sms(5)]) == [Refused("400 21999 The number […] is somehow wrong")]
    [record] = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "21999" in record.getMessage()
    assert an_sms(5).to not in record.getMessage()


@pytest.mark.parametrize("fault", [refusal(429, 20429), Fault(503), refusal(401, 20003)])
def test_the_rest_is_not_called_when_it_would_meet_the_same(
    server: TwilioLoopback, provider: TwilioProvider, fault: Fault
) -> None:
    server.always(fault)
    outcomes = provider.send([an_sms(number) for number in range(50)])
    assert len(server.received) == 1
    assert len(outcomes) == 50
    assert all(isinstance(outcome, Transient) for outcome in outcomes[1:])


def test_nothing_is_called_after_an_answer_that_does_not_come_in_time(
    server: TwilioLoopback, provider: TwilioProvider
) -> None:
    hasty = TwilioProvider("AC1", "token", server.url, TIMEOUT)
    server.always(Fault(delay=4 * TIMEOUT))
    outcomes = hasty.send([an_sms(number) for number in range(50)])
    assert len(server.received) == 1
    assert [type(outcome) for outcome in outcomes] == [Ambiguous] + [Transient] * 49
    server.always(None)
    assert isinstance(provider.send([an_sms()])[0], Accepted)
    hasty.close()


def test_threads_get_their_own_answers(server: TwilioLoopback) -> None:
    """A sid that belongs to another message would settle the wrong one."""
    provider = TwilioProvider("AC1", "token", server.url, PATIENT)
    with ThreadPoolExecutor(50) as pool:
        outcomes = list(pool.map(lambda number: provider.send([an_sms(number)])[0], range(1_000)))
    to = {message["sid"]: message["to"] for message in server.messages}
    ids = [outcome.provider_message_id for outcome in outcomes if isinstance(outcome, Accepted)]
    assert [to[sid or ""] for sid in ids] == [an_sms(number).to for number in range(1_000)]
    assert server.connections <= 50


def test_connections_are_kept(server: TwilioLoopback, provider: TwilioProvider) -> None:
    for number in range(20):
        provider.send([an_sms(number)])
    assert (len(server.received), server.connections) == (20, 1)


def test_tls_is_checked(tmp_path: Path) -> None:
    server_side, client_side = tls_pair(tmp_path)
    with TwilioLoopback(tls=server_side) as server:
        trusting = TwilioProvider("AC1", "token", server.url, tls=client_side)
        assert isinstance(trusting.send([an_sms()])[0], Accepted)
        assert TwilioProvider("AC1", "token", server.url).send([an_sms()]) == [Transient("TLS failed")]
        trusting.close()


def test_a_list_can_be_asked_for_by_number_and_day(server: TwilioLoopback, provider: TwilioProvider) -> None:
    """The loopback answers the look-up that settles what is unknown, to the SDK itself."""
    from twilio.rest import Client  # type: ignore[import-untyped]  # noqa: PLC0415

    provider.send([an_sms(1), an_sms(2)])
    client = Client("AC1", "token")
    client.api.base_url = server.url
    found = client.messages.list(
        to=an_sms(2).to, date_sent=time.strftime("%Y-%m-%d", time.gmtime()), limit=20
    )
    assert [message.sid for message in found] == [server.messages[1]["sid"]]
    assert client.messages.list(to=an_sms(2).to, date_sent="2001-01-01", limit=20) == []
    client.http_client.session.close()
