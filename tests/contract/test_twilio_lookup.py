"""Looking an SMS up in Twilio's list, after a call whose end nobody saw."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from notify.domain.errors import UnavailableError
from notify.domain.events import EventKind
from notify.domain.outcome import Accepted, Ambiguous
from notify.providers.twilio import TwilioProvider
from tests.contract.outgoing import an_sms
from tests.loopback.server import Fault
from tests.loopback.twilio import TwilioLoopback

TO = "+221771234567"
LINK = "https://example.com/u/token7"


@pytest.fixture
def server() -> Iterator[TwilioLoopback]:
    with TwilioLoopback(token="token") as running:
        yield running


@pytest.fixture
def provider(server: TwilioLoopback) -> Iterator[TwilioProvider]:
    made = TwilioProvider("AC1", "token", server.url, 0.5)
    yield made
    made.close()


def now() -> datetime:
    return datetime.now(UTC)


def test_a_message_whose_answer_was_lost_is_found(server: TwilioLoopback, provider: TwilioProvider) -> None:
    server.script(Fault(reset="after"))
    assert isinstance(provider.send([an_sms(7, to=TO)])[0], Ambiguous)
    provider.send([an_sms(8, to=TO), an_sms(77, to=TO)])
    found = provider.find(TO, LINK, now())
    assert found is not None
    assert found.provider_message_id == server.messages[0]["sid"]
    assert (found.kind, found.hard) == (EventKind.PROCESSED, None)
    assert abs(found.at - now()) < timedelta(minutes=1)


def test_a_message_that_never_arrived_is_not(server: TwilioLoopback, provider: TwilioProvider) -> None:
    server.script(Fault(reset="before"))
    assert isinstance(provider.send([an_sms(7, to=TO)])[0], Ambiguous)
    # The same link with a tail, and the same text to another number, are others.
    provider.send([an_sms(70, to=TO), an_sms(7, to="+221770000009")])
    assert provider.find(TO, LINK, now()) is None


def test_what_is_older_is_another_message(provider: TwilioProvider) -> None:
    provider.send([an_sms(7, to=TO)])
    assert provider.find(TO, LINK, now() + timedelta(minutes=10)) is None
    assert provider.find(TO, LINK, now() + timedelta(minutes=1)) is not None  # clocks differ


def test_a_long_list_is_read_page_by_page(server: TwilioLoopback, provider: TwilioProvider) -> None:
    provider.send([an_sms(7, to=TO)])
    for _ in range(250):
        assert isinstance(provider.send([an_sms(8, to=TO)])[0], Accepted)
    found = provider.find(TO, LINK, now())
    assert found is not None
    assert found.provider_message_id == server.messages[0]["sid"]
    assert len([call for call in server.received if call.method == "GET"]) == 3


def test_how_it_ended_is_told(server: TwilioLoopback, provider: TwilioProvider) -> None:
    provider.send([an_sms(7, to=TO)])
    server.settle(server.messages[0]["sid"], "undelivered", 30005)
    found = provider.find(TO, LINK, now())
    assert found is not None
    assert (found.kind, found.hard, found.detail) == (EventKind.FAILED, True, "undelivered 30005")


@pytest.mark.parametrize(
    "fault",
    [
        Fault(429, {"code": 20429, "message": "Too Many Requests"}),
        Fault(500),
        Fault(200, "<html>"),
        Fault(200, {"messages": [{"sid": "SM1"}]}),
        Fault(reset="after"),
        Fault(delay=1.0),
    ],
)
def test_a_list_that_cannot_be_read_says_nothing(
    server: TwilioLoopback, provider: TwilioProvider, fault: Fault
) -> None:
    provider.send([an_sms(7, to=TO)])
    server.always(fault)
    with pytest.raises(UnavailableError) as caught:
        provider.find(TO, LINK, now())
    assert TO not in str(caught.value)
    assert "token7" not in str(caught.value)


def test_nothing_at_the_address_says_nothing() -> None:
    with pytest.raises(UnavailableError):
        TwilioProvider("AC1", "token", "http://127.0.0.1:1").find(TO, LINK, now())
