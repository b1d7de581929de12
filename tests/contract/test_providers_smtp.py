"""SMTP over real sockets: the dialogue, and which reply or drop has which outcome."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from notify.domain.errors import ConfigurationError
from notify.domain.outcome import Accepted, AddressFault, Ambiguous, Outcome, Refused, Transient
from notify.providers.smtp import SmtpProvider
from tests.contract.outgoing import an_email
from tests.loopback.certificates import tls_pair
from tests.loopback.smtp import SmtpFault, SmtpLoopback, Step

TIMEOUT = 0.5
PATIENT = 15.0  # a busy machine keeps everybody waiting, and that is no time-out


@pytest.fixture
def server() -> Iterator[SmtpLoopback]:
    with SmtpLoopback() as running:
        yield running


@pytest.fixture
def provider(server: SmtpLoopback) -> Iterator[SmtpProvider]:
    made = SmtpProvider(server.url, PATIENT)
    yield made
    made.close()


@pytest.fixture
def hasty(server: SmtpLoopback) -> Iterator[SmtpProvider]:
    made = SmtpProvider(server.url, TIMEOUT)
    yield made
    made.close()


def test_what_the_server_gets(server: SmtpLoopback, provider: SmtpProvider) -> None:
    message = an_email(1, text=".dots\n..stay\nÀ bientôt")
    assert provider.send([message]) == [Accepted("Q1")]
    [mail] = server.mails
    assert (mail.sender, mail.to) == ("commandes@smarttontine.org", ["awa1@example.com"])
    parsed = mail.parsed
    assert parsed["Message-ID"].startswith("<msg_1.")
    assert parsed["Message-ID"].endswith("@smarttontine.org>")
    assert parsed["Subject"] == message.subject
    assert {name: parsed[name] for name in message.headers} == message.headers
    text = parsed.get_body(("plain",))
    assert text is not None
    assert text.get_content().split() == message.text.split()


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (SmtpFault("greeting", "554 no service"), Transient),
        (SmtpFault("greeting", "421 busy"), Transient),
        (SmtpFault("greeting", drop=True), Transient),
        (SmtpFault("EHLO", drop=True), Transient),
        (SmtpFault("MAIL", "451 4.3.0 later"), Transient),
        (SmtpFault("MAIL", "550 5.7.1 sender refused"), Refused),
        (SmtpFault("MAIL", "530 5.7.0 authentication required"), Transient),
        (SmtpFault("MAIL", "421 4.7.0 too many"), Transient),
        (SmtpFault("MAIL", drop=True), Transient),
        (SmtpFault("RCPT", "450 4.2.1 mailbox busy"), Transient),
        (SmtpFault("RCPT", "550 5.1.1 no such user"), Refused),
        (SmtpFault("RCPT", "251 will forward"), Accepted),
        (SmtpFault("RCPT", "what?"), Transient),
        (SmtpFault("DATA", "451 4.3.0 later"), Transient),
        (SmtpFault("DATA", "554 5.5.1 no"), Refused),
        (SmtpFault("DATA", drop=True), Transient),
        (SmtpFault("end of data", "451 4.7.1 greylisted"), Transient),
        (SmtpFault("end of data", "421 4.3.2 closing"), Transient),
        (SmtpFault("end of data", "554 5.7.1 spam"), Refused),
        (SmtpFault("end of data", drop=True), Ambiguous),
        (SmtpFault("end of data", "what?"), Ambiguous),
    ],
)
def test_each_fault_has_its_outcome(
    server: SmtpLoopback, provider: SmtpProvider, fault: SmtpFault, kind: type[Outcome]
) -> None:
    server.script(fault)
    [outcome] = provider.send([an_email()])
    assert type(outcome) is kind
    assert isinstance(provider.send([an_email()])[0], Accepted)


@pytest.mark.parametrize(
    ("step", "kind"), [("greeting", Transient), ("RCPT", Transient), ("end of data", Ambiguous)]
)
def test_a_reply_that_does_not_come_in_time(
    server: SmtpLoopback, hasty: SmtpProvider, provider: SmtpProvider, step: Step, kind: type[Outcome]
) -> None:
    server.script(SmtpFault(step, delay=3 * TIMEOUT))
    assert type(hasty.send([an_email()])[0]) is kind
    assert isinstance(provider.send([an_email()])[0], Accepted)


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
def test_a_kept_connection_that_dies_before_the_message_is_out_is_replaced(
    server: SmtpLoopback, provider: SmtpProvider, step: Step
) -> None:
    provider.send([an_email(1)])
    server.script(SmtpFault(step, drop=True))
    assert isinstance(provider.send([an_email(2)])[0], Accepted)
    assert [mail.to for mail in server.mails] == [["awa1@example.com"], ["awa2@example.com"]]
    assert server.connections == 2


def test_a_time_out_on_a_kept_connection_is_not_waited_for_twice(
    server: SmtpLoopback, hasty: SmtpProvider
) -> None:
    hasty.send([an_email(1)])
    server.script(SmtpFault("RCPT", delay=3 * TIMEOUT))
    [outcome] = hasty.send([an_email(2)])
    assert outcome == Transient("no reply in time before the message was sent")
    assert server.connections == 1


def test_a_message_that_may_have_arrived_is_never_sent_again(
    server: SmtpLoopback, provider: SmtpProvider
) -> None:
    provider.send([an_email(1)])
    server.script(SmtpFault("end of data", drop=True))
    assert isinstance(provider.send([an_email(2)])[0], Ambiguous)
    assert [mail.to for mail in server.mails] == [["awa1@example.com"], ["awa2@example.com"]]


def test_one_connection_serves_a_batch_refusals_included(
    server: SmtpLoopback, provider: SmtpProvider
) -> None:
    server.script(SmtpFault("RCPT"), SmtpFault("RCPT", "550 5.1.1 <awa1@example.com>: no such user"))
    outcomes = provider.send([an_email(number) for number in range(4)])
    assert [type(outcome) for outcome in outcomes] == [Accepted, Refused, Accepted, Accepted]
    assert outcomes[1] == Refused("550 5.1.1 <[…]>: no such user", AddressFault.BAD)
    assert server.connections == 1


def test_a_connection_that_idled_is_asked_first(server: SmtpLoopback, provider: SmtpProvider) -> None:
    provider.send([an_email()])
    time.sleep(1.1)
    assert isinstance(provider.send([an_email()])[0], Accepted)
    assert "NOOP" in server.commands
    server.drop_connections()
    time.sleep(1.1)
    assert isinstance(provider.send([an_email()])[0], Accepted)
    assert server.connections == 2


def test_login_and_its_failure() -> None:
    with SmtpLoopback(login=("shop", "secret")) as server:
        good = SmtpProvider(server.url)
        assert isinstance(good.send([an_email()])[0], Accepted)
        bad = SmtpProvider(server.url.replace("secret", "wrong"))
        outcomes = bad.send([an_email(1), an_email(2)])
        assert outcomes[0] == Transient("credentials refused (535)")
        assert isinstance(outcomes[1], Transient)
        good.close()
        bad.close()


@pytest.mark.parametrize("starttls", [True, False])
def test_tls_from_the_start_or_by_starttls(tmp_path: Path, *, starttls: bool) -> None:
    server_side, client_side = tls_pair(tmp_path)
    with SmtpLoopback(tls=server_side, starttls=starttls) as server:
        trusting = SmtpProvider(server.url, tls=client_side)
        assert [type(one) for one in trusting.send([an_email(1), an_email(2)])] == [Accepted, Accepted]
        [refused] = SmtpProvider(server.url).send([an_email()])
        assert isinstance(refused, Transient)
        assert "TLS" in refused.reason
        assert len(server.mails) == 2
        trusting.close()


def test_no_plain_text_where_tls_was_asked_for(server: SmtpLoopback) -> None:
    [outcome] = SmtpProvider(f"{server.url}?starttls=1").send([an_email()])
    assert isinstance(outcome, Transient)
    assert "STARTTLS" in outcome.reason
    assert server.mails == []


def test_addresses_outside_ascii() -> None:
    message = an_email(to="éloïse@example.com")
    with SmtpLoopback() as server:
        provider = SmtpProvider(server.url)
        assert isinstance(provider.send([message])[0], Accepted)
        assert server.mails[0].to == ["éloïse@example.com"]
        assert server.mails[0].options == "SMTPUTF8 BODY=8BITMIME"
        provider.close()
    with SmtpLoopback(smtputf8=False) as server:
        provider = SmtpProvider(server.url)
        outcomes = provider.send([message, an_email()])
        assert outcomes[0] == Refused("the server takes no addresses outside ASCII (SMTPUTF8)")
        assert isinstance(outcomes[1], Accepted)
        provider.close()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "host:25",
        "http://host",
        "smtp://",
        "smtp://host:port",
        "smtp://user:pa@ss@host?tls=1",
        "smtp://h?starttls=x",
    ],
)
def test_a_wrong_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        SmtpProvider(url)
    assert "pa@ss" not in str(caught.value)
