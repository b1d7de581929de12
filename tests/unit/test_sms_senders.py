"""Which sender writes to whom, which of them can be answered, and what a STOP to each ends."""

import json
from pathlib import Path
from typing import Any

import pytest

from notify.domain.catalogue import Purpose
from notify.domain.consent import Scope
from notify.domain.errors import ConfigurationError
from notify.domain.sms_senders import SmsSender, SmsSenders, read_senders
from notify.settings import load_settings

ORDERS, NEWS = Purpose.TRANSACTIONAL, Purpose.MARKETING
SERVICE = "MG0123456789abcdef0123456789abcdef"


def senders(table: Any = None, orders: str = "Smarttontin", news: str = "SmartNews") -> SmsSenders:
    return SmsSenders(orders, news, read_senders(table) if table else None)


def test_the_country_decides_then_every_country_then_the_rest() -> None:
    found = senders({"FR": {"marketing": {"sender": "36105"}}, "*": {"transactional": {"sender": SERVICE}}})
    assert found.of("FR", NEWS) == SmsSender("36105", two_way=True)
    assert found.of("FR", ORDERS).sender == SERVICE
    assert found.of("SN", NEWS).sender == "SmartNews"
    assert found.of(None, ORDERS).sender == SERVICE


@pytest.mark.parametrize(
    ("sender", "country", "stop"),
    [
        ("36105", "FR", "36105"),
        ("+33757901234", "FR", ""),
        (SERVICE, None, ""),
        ("Smarttontin", "FR", None),
        ("36105", "CI", None),
        ("+33757901234", "CI", None),
    ],
)
def test_what_a_message_says_of_stop(sender: str, country: str | None, stop: str | None) -> None:
    assert senders(news=sender).of(country, NEWS).stop == stop


def test_what_is_declared_for_all_countries_is_not_believed_where_no_answer_can_come() -> None:
    table = {"*": {"marketing": {"sender": "36105", "two_way": True}}}
    assert not senders(table).of("CI", NEWS).two_way
    assert senders(table).of("FR", NEWS).two_way


@pytest.mark.parametrize(
    ("asked", "scope"),
    [
        (("SmartNews",), Scope.MARKETING),
        (("smartnews",), Scope.MARKETING),
        (("36105",), Scope.MARKETING),
        (("+33757900000", SERVICE), Scope.MARKETING),
        (("Smarttontin",), Scope.ALL),
        (("38105",), Scope.ALL),
        (("36105", "38105"), Scope.ALL),
        (("+33700000000",), Scope.ALL),
        (("",), Scope.ALL),
    ],
)
def test_a_stop_ends_what_its_sender_serves(asked: tuple[str, ...], scope: Scope) -> None:
    table = {
        "FR": {"marketing": {"sender": "36105"}, "transactional": {"sender": "38105"}},
        "BE": {"marketing": {"sender": SERVICE}},
    }
    assert senders(table).scope(*asked) is scope


def test_a_stop_to_a_sender_that_orders_share_ends_all() -> None:
    assert senders(orders="Shop", news="Shop").scope("Shop") is Scope.ALL


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("36105", "must be a JSON object of objects"),
        ("{", "must be JSON"),
        ('{"fr": {"marketing": {"sender": "36105"}}}', "two capital letters"),
        ('{"FR": {"news": {"sender": "36105"}}}', "each purpose must be one of transactional, marketing"),
        ('{"FR": {"marketing": "36105"}}', "must be a JSON object of objects"),
        ('{"FR": {"marketing": {"sender": "0612345678"}}}', "FR: a sender is a number with its +"),
        ('{"FR": {"marketing": {"sender": "36105", "two_ways": true}}}', "nothing else"),
        ('{"FR": {"marketing": {"sender": "Shop", "two_way": true}}}', "FR: two_way cannot be true"),
        ('{"CI": {"marketing": {"sender": "36105", "two_way": true}}}', "CI: two_way cannot be true"),
        ('{"FR": {"marketing": {"sender": "36105", "two_way": "yes"}}}', "two_way is true or false"),
    ],
)
def test_what_is_wrong_is_said_with_the_variable(
    value: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMS_SENDERS", value)
    with pytest.raises(ConfigurationError) as caught:
        load_settings(tmp_path)
    assert str(caught.value).startswith("SMS_SENDERS: ")
    assert words in str(caught.value)


def test_the_variable_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMS_SENDERS", json.dumps({"FR": {"marketing": {"sender": "36105"}}}))
    assert load_settings(tmp_path).sms_senders == {"FR": {NEWS: SmsSender("36105", two_way=True)}}
