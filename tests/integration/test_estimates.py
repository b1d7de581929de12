"""Before a campaign is sent: whom it reaches, and what its SMS will cost."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from notify.domain.catalogue import Channel
from notify.domain.errors import ConflictError
from notify.domain.requests import Choice
from notify.domain.suppressions import ShopReason
from notify.usecases.api_keys import KeyScope
from tests.campaign_office import Office
from tests.campaigns import Newsroom
from tests.doubles_api import bearer
from tests.world import CLICK, World, settings_for

BOTH = tuple(Channel)
PRICES = '{"currency": "EUR", "SN": "0.045", "FR": "0.0725"}'


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    """Give a world whose SMS have prices, and may go to France, Senegal and Ghana."""
    settings = settings_for(database_url, tmp_path / "data")
    given = {"sms_prices": PRICES, "sms_countries": "FR,SN,GH"}
    read = type(settings)(NOTIFY_DATA_DIR=tmp_path, **given)  # type: ignore[arg-type,call-arg]
    found = World(settings.model_copy(update={name: getattr(read, name) for name in given}))
    yield found
    found.parts.close()


@pytest.fixture
def news(world: World) -> Newsroom:
    """Give an audience in which everybody but the first three is left out for a reason of their own."""
    found = Newsroom(world)
    found.reader("C-1", channels=BOTH, phone="+33612345678")
    found.reader("C-2", channels=BOTH, phone="+221771234567", country="SN", locale="en")
    found.reader("C-3", channels=BOTH, phone="+221771234568", country="SN", locale="fr")
    found.reader("C-4", channels=BOTH, phone="+33612345678", email="c-1@example.com")  # shares both
    found.reader("C-5", channels=BOTH, phone="+12125550123")
    found.stranger("C-6", email="c-6@example.com", country="FR")
    found.reader("C-7", channels=BOTH, phone="+33612345677")
    world.parts.change_preferences(
        "C-7", [Choice("company_news", channel, subscribed=False) for channel in Channel], CLICK
    )
    found.reader("C-8", channels=BOTH, phone="+33612345676")
    world.parts.suppressions.bar("+33612345676", Channel.SMS, ShopReason.MANUAL, None)
    return found


def test_it_agrees_with_what_is_sent(news: Newsroom) -> None:
    campaign = news.draft(channels=BOTH)["id"]
    estimate = news.desk.estimate(campaign)
    assert estimate["recipients"] == {
        "email": {"eligible": 5, "left_out": {"duplicate_address": 1, "no_consent": 1, "unsubscribed": 1}},
        "sms": {
            "eligible": 3,
            "left_out": {
                "country_not_allowed": 1,
                "duplicate_address": 1,
                "no_address": 1,
                "suppressed": 1,
                "unsubscribed": 1,
            },
        },
    }
    sms = estimate["sms"]
    assert sms
    assert [(one["country"], one["messages"], one["segments"], one["price"]) for one in sms["countries"]] == [
        ("FR", 1, 1, {"amount": "0.0725", "currency": "EUR"}),
        ("SN", 2, 2, {"amount": "0.090", "currency": "EUR"}),
    ]
    assert (sms["messages"], sms["segments"], sms["exact"]) == (3, 3, True)
    assert sms["price"] == {"amount": "0.1625", "currency": "EUR"}
    sent = news.send(channels=BOTH)
    news.finish()
    page = news.world.parts.lookups.messages(campaign_id=sent, limit=100, locale="en")["items"]
    went = Counter(one["channel"] for one in page if one["status"] == "sent")
    assert went == {name: found["eligible"] for name, found in estimate["recipients"].items()}
    skipped = Counter((one["channel"], one["reason"]) for one in page if one["status"] == "skipped")
    for (channel, reason), number in skipped.items():
        assert estimate["recipients"][channel]["left_out"][reason] == number
    with pytest.raises(ConflictError):
        news.desk.estimate(sent)


def test_a_dear_text_and_its_culprit(news: Newsroom) -> None:
    """One ç makes two segments of what was one; without a price for one country there is no total."""
    news.reader("C-9", channels=BOTH, phone="+233201234567", country="GH")
    text = "Votre reçu est prêt : " + "a" * 30
    campaign = news.draft(channels=(Channel.SMS,), content={"fr": {"sms": text}})["id"]
    sms = news.desk.estimate(campaign)["sms"]
    assert sms
    assert sms["texts"]["fr"]["encoding"] == "UCS-2"
    assert sms["texts"]["fr"]["culprits"] == ["ç", "ê"]
    assert sms["texts"]["fr"]["segments"] == sms["texts"]["fr"]["most_segments"] == 2
    assert sms["countries"][1] == {"country": "GH", "messages": 1, "segments": 2, "price": None}
    assert (sms["segments"], sms["price"], sms["exact"]) == (8, None, True)


def test_texts_that_differ_by_person_are_bounded(news: Newsroom) -> None:
    campaign = news.draft(
        channels=(Channel.SMS,), content={"fr": {"sms": "Bonjour {{ name | default('vous') }}"}}
    )["id"]
    sms = news.desk.estimate(campaign)["sms"]
    assert sms
    assert (sms["exact"], sms["texts"]["fr"]["segments"]) == (False, 1)
    assert sms["segments"] == 3 * sms["texts"]["fr"]["most_segments"] == 9


def test_the_call(world: World) -> None:
    office = Office(world)
    office.news.reader("C-1", channels=BOTH, phone="+33612345678")
    campaign = office.write(channels=["email", "sms"], expires_at="2026-12-24T18:00:00Z")
    estimate: dict[str, Any] = office.act(campaign, "estimate")
    assert estimate["recipients"]["sms"] == {"eligible": 1, "left_out": {}}
    assert estimate["sms"]["price"] == {"amount": "0.0725", "currency": "EUR"}
    assert office.look(campaign)["status"] == "draft"
    assert office.look(campaign)["expires_at"] == "2026-12-24T18:00:00.000Z"
    office.act(campaign, "schedule", {"send_at": "2026-12-01T10:00:00Z"})
    assert office.act(campaign, "estimate") == estimate
    office.act("cmp_99", "estimate", status=404)


def test_a_preview_has_the_price_of_a_country(world: World) -> None:
    office = Office(world)
    body = {"data": {"sms": "Les nouvelles"}, "country": "SN"}
    office.headers = bearer(
        world.parts.create_key("shop", frozenset({KeyScope.SEND}), test=False, expires_at=None)
    )
    shown = office.call("POST", "/v1/templates/newsletter/preview", body)["sms"]
    assert shown["price"] == {"amount": "0.045", "currency": "EUR"}
    assert shown["characters"] == len(shown["text"])
    shown = office.call("POST", "/v1/templates/newsletter/preview", {**body, "country": "GH"})["sms"]
    assert shown["price"] is None
