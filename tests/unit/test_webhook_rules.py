"""Outbound webhooks: signatures, retries, and which addresses may be called."""

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest

from notify.domain.outbound import EVENT_TYPES, OutboundEvent, listens
from notify.domain.webhook_calls import PAUSES, Phase, PostAnswer, Waiting, follow
from notify.domain.webhook_signatures import key_of, make_secret, sign
from notify.domain.webhook_urls import UrlRule
from notify.providers.shop_endpoints import ShopEndpoints
from notify.settings import load_settings
from notify.usecases.outbound_webhooks.places import MOST_EACH, EndpointPlaces

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PUBLIC = "93.184.215.14"


def test_the_vector_published_with_standard_webhooks_is_signed_as_it_says() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    made = sign([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert sign([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232315}') != made


@pytest.mark.parametrize("size", [23, 65])
def test_secrets_are_as_long_as_the_specification_wants_them(size: int) -> None:
    with pytest.raises(ValueError, match="24 to 64 bytes"):
        key_of("whsec_" + base64.b64encode(bytes(size)).decode())
    assert len(key_of(make_secret())) == 32


@pytest.mark.parametrize(
    ("events", "told"),
    [
        (["*"], set(EVENT_TYPES)),
        (["message.*"], {one for one in EVENT_TYPES if one.startswith("message.")}),
        (["preference.changed"], {"preference.changed"}),
    ],
)
def test_endpoints_listen_to_what_they_name(events: list[str], told: set[str]) -> None:
    assert {one for one in EVENT_TYPES if listens(events, one)} == told


def test_a_delivery_is_tried_for_a_day_and_then_given_up() -> None:
    event = OutboundEvent("ping", NOW, {})
    waits, attempts = [], 0
    while (
        called := follow(Waiting(1, 1, event, attempts), PostAnswer(500), NOW, 0.0)
    ).phase is Phase.WAITING:
        waits.append((called.due_at - NOW).total_seconds())
        attempts = called.attempts
    assert called.phase is Phase.GIVEN_UP
    assert waits == list(PAUSES)
    assert 24 * 3600 <= sum(waits) < 30 * 3600


def test_an_endpoint_that_asks_for_time_is_given_it() -> None:
    waiting = Waiting(1, 1, OutboundEvent("ping", NOW, {}), 0)
    called = follow(waiting, PostAnswer(429, retry_after=90.0), NOW, 0.0)
    assert (called.due_at - NOW).total_seconds() == 90


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example.com/hook",
        "ftp://shop.example.com/hook",
        "https://user:secret@shop.example.com/hook",
        "https://shop.example.com/hook#part",
        "https://shop.example.com:99999/hook",
        "https:///hook",
        "https://shop.example.com/ho ok",
        "https://münchen.example/hook",
        "https://127.0.0.1/hook",
        "https://[::1]/hook",
        "https://10.1.2.3/hook",
        "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:10.0.0.1]/hook",
        "https://[64:ff9b::a00:1]/hook",
        "https://[2002:a00:1::]/hook",
        "https://[fd00::1]/hook",
        "https://100.64.0.1/hook",
        "https://0.0.0.0/hook",
        "https://224.0.0.1/hook",
        "https://[fec0::1]/hook",
        "https://192.0.0.8/hook",
        "https://[3fff::1]/hook",
        "https://" + "a" * 2_000,
    ],
)
def test_addresses_that_are_not_of_the_public_internet_are_refused(url: str) -> None:
    assert UrlRule().problem(url)


@pytest.mark.parametrize(
    ("rule", "url"),
    [
        (UrlRule(), "https://shop.example.com/hook?key=1"),
        (UrlRule(), f"https://{PUBLIC}:8443/hook"),
        (UrlRule(), "https://[2606:4700::6810:84e5]/hook"),
        (UrlRule(loopback=True), "http://127.0.0.1:9000/hook"),
        (UrlRule(loopback=True), "http://localhost:9000/hook"),
        (UrlRule(private_hosts={"shop.internal"}), "http://shop.internal/hook"),
        (UrlRule(private_hosts={"10.0.0.7"}), "http://10.0.0.7/hook"),
    ],
)
def test_addresses_that_are_allowed(rule: UrlRule, url: str) -> None:
    assert rule.problem(url) is None


@pytest.mark.parametrize(
    ("environment", "trial"),
    [
        ({"EMAIL_PROVIDER": "smtp", "SMTP_URL": "smtp://localhost"}, False),
        ({"EMAIL_PROVIDER": "sendgrid", "SENDGRID_API_KEY": "k"}, False),
        ({"EMAIL_PROVIDER": "sendgrid", "SENDGRID_API_KEY": "k", "SENDGRID_API_URL": "http://[::1]:9"}, True),
        ({"EMAIL_PROVIDER": "outbox"}, True),
    ],
)
def test_this_machine_may_be_told_where_nobody_else_is_reached(
    environment: dict[str, str], *, trial: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PUBLIC_URL": "https://notify.example.org", **environment}.items():
        monkeypatch.setenv(name, value)
    assert load_settings(tmp_path).is_trial == trial


@pytest.mark.parametrize("inside", ["127.0.0.1", "10.0.0.5", "::1", "fe80::1%eth0", "::ffff:192.168.1.1"])
def test_a_name_that_leads_into_the_network_is_refused_when_it_is_given_and_when_it_is_called(
    inside: str,
) -> None:
    answers = [PUBLIC, inside]

    def resolve(_host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(2, 1, 6, "", (answers[-1], port))]

    calls = ShopEndpoints(UrlRule(), resolve=resolve)
    assert calls.problem("https://rebound.example.com/hook") == "must be an address of the public internet"
    answers.append(PUBLIC)
    assert calls.problem("https://rebound.example.com/hook") is None
    answers.append(inside)
    answer = calls.post("https://rebound.example.com/hook", b"{}", {})
    assert (answer.status, answer.detail) == (None, "no connection (NotPublicError)")


def test_an_endpoint_that_fails_has_one_call_at_a_time_and_rests() -> None:
    places = EndpointPlaces()
    assert places.share([1, 2], 24, NOW) == {1: MOST_EACH, 2: MOST_EACH}
    places.give_back({1: MOST_EACH - 1, 2: MOST_EACH})
    places.finished(1, [PostAnswer(None, "no answer in time")], NOW)
    assert places.share([1, 2], 24, NOW) == {2: MOST_EACH}
    later = NOW.replace(second=2)
    assert places.share([1, 2], 24, later) == {1: 1}
    places.finished(1, [PostAnswer(204)], later)
    assert places.share([1], 24, later) == {1: MOST_EACH}
