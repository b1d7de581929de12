"""Campaigns from draft to sent: exactly one message for whoever is in, and numbers that add up."""

import pytest

from tests.campaigns import Newsroom
from tests.world import World


@pytest.fixture
def news(world: World) -> Newsroom:
    """Give a newsroom, once on each engine."""
    return Newsroom(world)


def test_a_newsletter_reaches_everyone_who_wants_it_once(world: World, news: Newsroom) -> None:
    for name in ("A", "B", "C"):
        news.reader(name)
    news.stranger("D", email="d@example.com", country="FR")
    campaign = news.send()
    news.finish()
    assert sorted(one.to for one in world.email.messages) == [
        "a@example.com",
        "b@example.com",
        "c@example.com",
    ]
    assert news.progress(campaign) == {"total": 3, "sent": 3}
    found = news.look(campaign)
    assert found["status"] == "sent"
    assert found["finished_at"] is not None
