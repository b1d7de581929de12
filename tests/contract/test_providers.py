"""What holds for every provider, its double included."""

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from notify.domain.outcome import Accepted, Refused, Transient
from notify.ports import Provider
from notify.providers.outbox import OutboxProvider
from notify.providers.sendgrid import SendGridProvider
from notify.providers.smtp import SmtpProvider
from notify.providers.twilio import TwilioProvider
from tests.contract.outgoing import an_email, an_sms
from tests.doubles import FakeOutboxStore, FakeProvider
from tests.loopback.sendgrid import SendGridLoopback
from tests.loopback.smtp import SmtpFault, SmtpLoopback
from tests.loopback.twilio import TwilioLoopback
from tests.ports import free_port


@dataclass(frozen=True)
class Case:
    """A provider, its messages, and what the far side took of them (their addresses)."""

    provider: Provider[Any]
    message: Callable[..., Any]
    taken: Callable[[], Sequence[str]]
    refuse_one: Callable[[], str]
    """Prepares the far side to refuse one address for good, and returns that address."""


@pytest.fixture
def fake() -> Case:
    provider = FakeProvider[Any]()

    def refuse_one() -> str:
        provider.script(Accepted("1"), Refused("no such person"), Accepted("3"))
        return "nobody"

    return Case(provider, an_email, lambda: [one.to for one in provider.messages], refuse_one)


@pytest.fixture
def outbox() -> Case:
    store = FakeOutboxStore()
    return Case(OutboxProvider(store), an_email, lambda: [one.to for one in store.kept], lambda: "anybody")


@pytest.fixture
def sendgrid() -> Iterator[Case]:
    with SendGridLoopback() as server:
        provider = SendGridProvider("SG.key", server.url)
        taken = lambda: [one["to"][0]["email"] for one in server.messages]  # noqa: E731
        yield Case(provider, an_email, taken, lambda: "not an address")
        provider.close()


@pytest.fixture
def smtp() -> Iterator[Case]:
    with SmtpLoopback() as server:
        provider = SmtpProvider(server.url)

        def refuse_one() -> str:
            server.script(SmtpFault("RCPT"), SmtpFault("RCPT", "550 5.1.1 no such user"))
            return "nobody@example.com"

        yield Case(provider, an_email, lambda: [mail.to[0] for mail in server.mails], refuse_one)
        provider.close()


@pytest.fixture
def twilio() -> Iterator[Case]:
    with TwilioLoopback() as server:
        provider = TwilioProvider("AC1", "token", server.url)

        def refuse_one() -> str:
            server.opted_out.add("+221779999999")
            return "+221779999999"

        yield Case(provider, an_sms, lambda: [one["to"] for one in server.messages], refuse_one)
        provider.close()


@pytest.fixture(params=["fake", "outbox", "sendgrid", "smtp", "twilio"])
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=["fake", "sendgrid", "smtp", "twilio"])
def selective(request: pytest.FixtureRequest) -> Case:
    """One that can refuse a message; the outbox takes all."""
    found: Case = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=["sendgrid", "smtp", "twilio"])
def wired(request: pytest.FixtureRequest) -> Case:
    """One that writes messages to a socket."""
    found: Case = request.getfixturevalue(request.param)
    return found


def test_each_message_has_its_outcome_in_order(case: Case) -> None:
    batch = [case.message(number) for number in range(5)]
    outcomes = case.provider.send(batch)
    assert [type(outcome) for outcome in outcomes] == [Accepted] * 5
    assert list(case.taken()) == [message.to for message in batch]


def test_nothing_to_send_is_no_call(case: Case) -> None:
    assert list(case.provider.send([])) == []
    assert list(case.taken()) == []


def test_one_that_is_refused_leaves_the_rest_alone(selective: Case) -> None:
    bad = selective.refuse_one()
    batch = [selective.message(0), selective.message(1, to=bad), selective.message(2)]
    outcomes = selective.provider.send(batch)
    assert [type(outcome) for outcome in outcomes] == [Accepted, Refused, Accepted]


def test_names_are_distinct_words(case: Case) -> None:
    assert case.provider.name in {"fake", "outbox", "sendgrid", "smtp", "twilio"}


def test_many_threads_at_once(case: Case) -> None:
    """Each message arrives once, and gets an outcome of its own."""
    numbers = range(200)
    with ThreadPoolExecutor(50) as pool:
        outcomes = list(pool.map(lambda number: case.provider.send([case.message(number)]), numbers))
    assert all(len(one) == 1 and isinstance(one[0], Accepted) for one in outcomes)
    assert sorted(case.taken()) == sorted(case.message(number).to for number in numbers)


def test_what_cannot_be_written_is_refused_without_a_call(wired: Case) -> None:
    case = wired
    outcomes = case.provider.send(
        [case.message(0), case.message(1, text="half a pair: \ud83d"), case.message(2)]
    )
    assert [type(outcome) for outcome in outcomes] == [Accepted, Refused, Accepted]
    assert len(case.taken()) == 2


def test_nothing_personal_is_logged_at_any_level(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    bad = case.refuse_one()
    message = case.message(7)
    case.provider.send([message, case.message(8, to=bad), message])
    for secret in (message.to, bad, "Expédiée", "expédiée", "token7"):
        assert secret not in caplog.text


def test_the_sdks_loggers_are_silent(wired: Case, caplog: pytest.LogCaptureFixture) -> None:
    """They print numbers and whole bodies, whoever else in the process uses the SDKs."""
    caplog.set_level(logging.DEBUG)
    for name in ("twilio.http_client", "python_http_client.client", "urllib3.connectionpool"):
        logging.getLogger(name).error("To=+221771234567")
    assert caplog.text == ""


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "no-such-host.invalid:{port}"])
def test_out_of_reach_is_transient_for_all_and_raises_nothing(host: str) -> None:
    where = host.format(port=free_port())
    emails, texts = [an_email(1), an_email(2, subject="Other")], [an_sms(1), an_sms(2)]
    for outcomes in (
        SendGridProvider("SG.key", f"http://{where}").send(emails),
        TwilioProvider("AC1", "token", f"http://{where}").send(texts),
        SmtpProvider(f"smtp://{where}").send(emails),
    ):
        assert [type(outcome) for outcome in outcomes] == [Transient, Transient]
        reason = "refused" if "127" in host else "looked up"
        assert all(reason in outcome.reason for outcome in outcomes if isinstance(outcome, Transient))


def test_the_outbox_says_when_it_could_not_keep() -> None:
    store = FakeOutboxStore(OSError("disk full at awa@example.com"))
    outcomes = OutboxProvider(store).send([an_email(1), an_email(2)])
    assert outcomes == [Transient("the outbox could not be written (OSError)")] * 2
