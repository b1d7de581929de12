"""SendGrid over real sockets: what is sent, and which answer has which outcome."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from notify.domain.outcome import Accepted, AddressFault, Ambiguous, Outcome, Refused, Transient
from notify.providers.keep_alive import Endpoint
from notify.providers.sendgrid import SendGridProvider
from notify.providers.tls import default_tls
from tests.contract.outgoing import an_email
from tests.loopback.certificates import tls_pair
from tests.loopback.sendgrid import SendGridLoopback
from tests.loopback.server import Fault

TIMEOUT = 0.5
PATIENT = 15.0  # a busy machine keeps everybody waiting, and that is no time-out
OWN = {"errors": [{"message": "Internal error", "field": None, "help": None}]}


@pytest.fixture
def server() -> Iterator[SendGridLoopback]:
    with SendGridLoopback(key="SG.key") as running:
        yield running


@pytest.fixture
def provider(server: SendGridLoopback) -> Iterator[SendGridProvider]:
    made = SendGridProvider("SG.key", server.url, PATIENT)
    yield made
    made.close()


def test_what_sendgrid_gets(server: SendGridLoopback, provider: SendGridProvider) -> None:
    first, second = an_email(1), an_email(2)
    second = replace(second, headers={**second.headers, "Reply-To": "other@example.com", "X-SG-EID": "1"})
    outcomes = provider.send([first, second])
    [call] = server.received
    assert (call.method, call.path) == ("POST", "/v3/mail/send")
    assert call.headers["authorization"] == "Bearer SG.key"
    assert call.headers["user-agent"].startswith("sendgrid/")
    assert call.json == {
        "personalizations": [
            {
                "to": [{"email": "awa1@example.com"}],
                "headers": dict(first.headers),
                "custom_args": {"message_id": "msg_1"},
            },
            {
                "to": [{"email": "awa2@example.com"}],
                "headers": dict(an_email(2).headers),
                "custom_args": {"message_id": "msg_2"},
            },
        ],
        "from": {"email": "commandes@smarttontine.org", "name": "Smarttontine"},
        "reply_to": {"email": "aide@smarttontine.org"},
        "subject": "Votre commande est expédiée",
        "content": [
            {"type": "text/plain", "value": "Expédiée"},
            {"type": "text/html", "value": "<p>Expédiée</p>"},
        ],
        "tracking_settings": {
            "click_tracking": {"enable": False, "enable_text": False},
            "open_tracking": {"enable": False},
            "subscription_tracking": {"enable": False},
            "ganalytics": {"enable": False},
        },
    }
    ids = {outcome.provider_message_id for outcome in outcomes if isinstance(outcome, Accepted)}
    assert len(ids) == 1
    assert None not in ids


def test_messages_alike_share_calls_of_a_thousand(
    server: SendGridLoopback, provider: SendGridProvider
) -> None:
    batch = [an_email(number) for number in range(2_001)] + [an_email(9_999, subject="Other")]
    outcomes = provider.send(batch)
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert [len(call.json["personalizations"]) for call in server.received] == [1_000, 1_000, 1, 1]


def test_a_base_address_may_have_a_path(server: SendGridLoopback) -> None:
    provider = SendGridProvider("SG.key", f"{server.url}/proxy/sendgrid/")
    assert isinstance(provider.send([an_email()])[0], Accepted)
    assert server.received[0].path == "/proxy/sendgrid/v3/mail/send"
    provider.close()


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(400, {"errors": [{"message": "Bad", "field": "subject"}]}), Refused),
        (Fault(400, "<html>"), Refused),
        (Fault(400, {"errors": [{"message": f"personalizations.{'9' * 6_000}.to", "field": None}]}), Refused),
        (Fault(429, headers={"Retry-After": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"}), Transient),
        (Fault(422, OWN), Refused),
        (Fault(413, OWN), Refused),
        (Fault(401, OWN), Transient),
        (Fault(403, OWN), Transient),
        (Fault(404, OWN), Transient),
        (Fault(408), Transient),
        (Fault(429, OWN), Transient),
        (Fault(429, "not even JSON"), Transient),
        (Fault(429, "x" * 50, cut=True), Transient),
        (Fault(500, OWN), Transient),
        (Fault(500), Ambiguous),
        (Fault(500, "<html>Internal Server Error</html>"), Ambiguous),
        (Fault(500, {"errors": "a proxy's own JSON"}), Ambiguous),
        (Fault(502, OWN), Ambiguous),
        (Fault(503), Transient),
        (Fault(503, OWN), Transient),
        (Fault(504, "<html>"), Ambiguous),
        (Fault(504, OWN), Ambiguous),
        (Fault(200, "<html>a captive portal</html>"), Ambiguous),
        (Fault(302, headers={"Location": "http://127.0.0.1:1/"}), Ambiguous),
        (Fault(reset="before"), Ambiguous),
        (Fault(reset="after"), Ambiguous),
        (Fault(raw=b""), Ambiguous),
        (Fault(raw=b"HTTP/1.1 2"), Ambiguous),
        (Fault(raw=b"\x00\xff garbage \r\n\r\n"), Ambiguous),
        (Fault(raw=b"HTTP/1.1 202 Accepted\r\nX-Message-Id: 1\r\nContent-Length: 9\r\n\r\n"), Accepted),
        (Fault(raw=b"HTTP/1.1 503 No\r\nContent-Length: " + b"9" * 6_000 + b"\r\n\r\n"), Transient),
    ],
)
def test_each_fault_has_its_outcome(
    server: SendGridLoopback, provider: SendGridProvider, fault: Fault, kind: type[Outcome]
) -> None:
    server.script(fault)
    [outcome] = provider.send([an_email()])
    assert type(outcome) is kind
    assert len(server.received) <= 1  # never tried again here
    assert isinstance(provider.send([an_email()])[0], Accepted)


def test_the_wait_that_sendgrid_asks_for(server: SendGridLoopback, provider: SendGridProvider) -> None:
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 30))
    for headers, seconds in (
        ({"Retry-After": "3"}, 3),
        ({"Retry-After": date}, 30),
        ({"X-RateLimit-Reset": str(int(time.time()) + 20)}, 20),
    ):
        server.script(Fault(429, OWN, headers))
        [outcome] = provider.send([an_email()])
        assert isinstance(outcome, Transient)
        assert outcome.retry_after == pytest.approx(seconds, abs=2)


def test_a_bad_address_costs_one_more_call(server: SendGridLoopback, provider: SendGridProvider) -> None:
    batch = [an_email(number) for number in range(10)]
    batch[3], batch[7] = an_email(3, to="awa at example"), an_email(7, to="nobody")
    outcomes = provider.send(batch)
    assert [number for number, outcome in enumerate(outcomes) if isinstance(outcome, Refused)] == [3, 7]
    assert outcomes[3] == Refused("400 Does not contain a valid address.", AddressFault.BAD)
    assert all(
        isinstance(outcome, Accepted) for outcome in outcomes if outcome not in {outcomes[3], outcomes[7]}
    )
    assert [len(call.json["personalizations"]) for call in server.received] == [10, 8]


def test_a_refusal_that_names_nobody_is_halved(server: SendGridLoopback, provider: SendGridProvider) -> None:
    nameless = Fault(400, {"errors": [{"message": "Bad Request", "field": None}]})
    server.script(nameless, nameless, nameless, None)
    outcomes = provider.send([an_email(number) for number in range(4)])
    assert outcomes[0] == Refused("400 Bad Request")
    assert [type(outcome) for outcome in outcomes[1:]] == [Accepted] * 3
    assert [len(call.json["personalizations"]) for call in server.received] == [4, 2, 1, 1, 2]


def test_what_all_share_is_refused_for_all_at_once(
    server: SendGridLoopback, provider: SendGridProvider
) -> None:
    outcomes = provider.send([an_email(number, sender="no address") for number in range(100)])
    assert outcomes == [Refused("400 The from email does not contain a valid address.")] * 100
    assert len(server.received) == 1


def test_what_is_too_large_is_split(server: SendGridLoopback, provider: SendGridProvider) -> None:
    server.most_bytes = 2_000
    outcomes = provider.send([an_email(number) for number in range(16)])
    assert [type(outcome) for outcome in outcomes] == [Accepted] * 16
    taken = [call for call in server.received if len(call.body) <= 2_000]
    assert sum(len(call.json["personalizations"]) for call in taken) == 16


@pytest.mark.parametrize("fault", [Fault(429, OWN), Fault(503), Fault(401, OWN)])
def test_the_rest_is_not_called_when_it_would_meet_the_same(
    server: SendGridLoopback, provider: SendGridProvider, fault: Fault
) -> None:
    server.always(fault)
    outcomes = provider.send([an_email(number, subject=str(number)) for number in range(50)])
    assert len(server.received) == 1
    assert all(isinstance(outcome, Transient) for outcome in outcomes[1:])


def test_nothing_is_called_after_an_answer_that_does_not_come_in_time(
    server: SendGridLoopback, provider: SendGridProvider
) -> None:
    hasty = SendGridProvider("SG.key", server.url, TIMEOUT)
    server.always(Fault(delay=4 * TIMEOUT))
    outcomes = hasty.send([an_email(number, subject=str(number)) for number in range(50)])
    assert len(server.received) == 1
    assert [type(outcome) for outcome in outcomes] == [Ambiguous] + [Transient] * 49
    server.always(None)
    assert isinstance(provider.send([an_email()])[0], Accepted)
    hasty.close()


def test_errors_are_kept_without_the_address(server: SendGridLoopback, provider: SendGridProvider) -> None:
    text = "The address awa0@example.com (AWA0) is on https://example.com/list, call +221 77 123 45 67"
    server.script(Fault(400, {"errors": [{"message": text, "field": "personalizations.0.to.0.email"}]}))
    assert provider.send([an_email(0)]) == [Refused("400 The address […] ([…]) is on […] call […]")]


def test_connections_are_kept(server: SendGridLoopback, provider: SendGridProvider) -> None:
    for number in range(20):
        provider.send([an_email(number)])
    assert len(server.received) == 20
    assert server.connections == 1


def test_fifty_threads_need_fifty_connections_at_most(server: SendGridLoopback) -> None:
    provider = SendGridProvider("SG.key", server.url, PATIENT)
    with ThreadPoolExecutor(50) as pool:
        outcomes = list(pool.map(lambda number: provider.send([an_email(number)])[0], range(1_000)))
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert server.connections <= 50


def test_a_connection_the_far_side_closed_is_not_used(
    server: SendGridLoopback, provider: SendGridProvider
) -> None:
    assert isinstance(provider.send([an_email()])[0], Accepted)
    server.drop_connections()
    time.sleep(0.05)
    assert isinstance(provider.send([an_email()])[0], Accepted)
    assert server.connections == 2


def test_an_idle_connection_is_retired_before_the_far_side_drops_it(server: SendGridLoopback) -> None:
    for idle, connections in ((PATIENT, 1), (0.1, 3)):
        endpoint = Endpoint(server.url, PATIENT, idle=idle)
        for pause in (0.0, 0.2):
            time.sleep(pause)
            endpoint.call("GET", f"{server.url}/v3/scopes", None, {"Authorization": "Bearer SG.key"})
        assert server.connections == connections
        endpoint.close()


def test_tls_is_checked_and_kept_alive(tmp_path: Path) -> None:
    server_side, client_side = tls_pair(tmp_path)
    with SendGridLoopback(tls=server_side) as server:
        trusting = SendGridProvider("SG.key", server.url, tls=client_side)
        assert [type(trusting.send([an_email()])[0]) for _ in range(5)] == [Accepted] * 5
        assert server.connections == 1
        strict = SendGridProvider("SG.key", server.url)
        assert strict.send([an_email()]) == [Transient("TLS failed")]
        assert len(server.received) == 5
        trusting.close()
        strict.close()


def test_tls_to_a_plain_port_is_transient() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer_in_plain() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(10_000)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=answer_in_plain)
        thread.start()
        provider = SendGridProvider("SG.key", f"https://127.0.0.1:{listener.getsockname()[1]}", PATIENT)
        assert provider.send([an_email()]) == [Transient("TLS failed")]
        thread.join()


@pytest.mark.parametrize("tls", [False, True])
def test_a_far_side_that_is_mute(*, tls: bool) -> None:
    """Before TLS is up nothing was sent; a plain request was out."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"{'https' if tls else 'http'}://127.0.0.1:{mute.getsockname()[1]}"
        provider = SendGridProvider("SG.key", url, TIMEOUT)
        expected = Transient("no connection in time") if tls else Ambiguous("no answer in time")
        assert provider.send([an_email()]) == [expected]


def test_a_drop_during_the_tls_handshake_is_transient() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            connection, _ = listener.accept()
            connection.recv(10)
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        provider = SendGridProvider("SG.key", f"https://127.0.0.1:{listener.getsockname()[1]}", PATIENT)
        [outcome] = provider.send([an_email()])
        thread.join()
    assert isinstance(outcome, Transient)


def test_a_body_that_was_not_taken_in_whole_is_transient() -> None:
    """The far side stops reading: what it has is not a request."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        provider = SendGridProvider("SG.key", f"http://127.0.0.1:{mute.getsockname()[1]}", TIMEOUT)
        outcomes = provider.send([an_email(text="x" * 20_000_000)])
    assert outcomes == [Transient("the request could not be written in time")]


@pytest.mark.parametrize("url", ["ftp://example.com", "api.sendgrid.com", "http://"])
def test_an_address_must_be_http(url: str) -> None:
    with pytest.raises(ValueError, match="http"):
        SendGridProvider("SG.key", url)


def test_the_standard_trust_is_not_weakened() -> None:
    assert default_tls().verify_mode is ssl.CERT_REQUIRED
    assert default_tls().check_hostname
