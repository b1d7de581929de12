"""People who leave half-way through a campaign, each by another way: nothing more comes to them."""

import json
from pathlib import Path

import pytest

from notify.domain.catalogue import Channel
from notify.domain.outgoing import OutgoingEmail
from notify.domain.requests import Choice, Lane
from notify.domain.suppressions import ShopReason
from tests.campaigns import Newsroom
from tests.reporting import Reporting
from tests.world import CLICK

BY_LINK = ("link", "whole channel", "mail", "centre")
OTHERWISE = ("shop", "suppression", "complaint", "erasure")


def leave_by_link(reporting: Reporting, way: str, mail: OutgoingEmail) -> None:
    """Leave by something that stands in a mail."""
    https, _, mailto = mail.headers["List-Unsubscribe"].partition(">")
    link = "/u/" + https.split("/u/")[1]
    centre = mail.filled().text.rsplit("/preferences/", 1)[1].split()[0]
    box = mailto.split("<mailto:")[1].split("?")[0]
    path, form = {
        "link": (link, {}),
        "whole channel": (f"{link}/all", {}),
        "mail": ("/webhooks/sendgrid/inbound", {"envelope": json.dumps({"to": [box]})}),
        "centre": (f"/preferences/{centre}", {"do": "stop_news"}),
    }[way]
    assert reporting.client.post(path, data=form).status_code == 200, way


def leave_otherwise(reporting: Reporting, way: str, mail: OutgoingEmail, recipient: str) -> None:
    """Leave by what the shop or a provider tells."""
    parts = reporting.world.parts
    if way == "shop":
        choice = Choice("company_news", Channel.EMAIL, subscribed=False)
        parts.change_preferences(recipient, [choice], CLICK)
    elif way == "suppression":
        parts.suppressions.bar(mail.to, Channel.EMAIL, ShopReason.MANUAL, None)
    elif way == "complaint":
        reporting.told(reporting.event(mail.message_ref, "spamreport"))
    else:
        parts.erase_recipient(recipient)


@pytest.mark.parametrize("waiting", ["to be made", "in a lane"])
def test_nothing_comes_to_those_who_left_half_way(database_url: str, tmp_path: Path, waiting: str) -> None:
    reporting = Reporting(database_url, tmp_path, unsubscribe_mail_domain="mail.example.org")
    world = reporting.world
    news = Newsroom(world, largest_slice=1)
    everyone = {
        way: news.reader(f"P-{way.replace(' ', '-')}") for way in (*BY_LINK, *OTHERWISE, "none at all")
    }
    news.send()
    news.finish()
    mails = {mail.to.partition("@")[0]: mail for mail in world.email.messages}
    assert len(mails) == len(everyone)

    second = news.send()
    if waiting == "in a lane":
        news.pump()
    for way in BY_LINK:
        leave_by_link(reporting, way, mails[everyone[way].lower()])
    for way in OTHERWISE:
        leave_otherwise(reporting, way, mails[everyone[way].lower()], everyone[way])
    news.pump()
    while world.deliver(Lane.BULK):
        pass
    assert [mail.to for mail in world.email.messages[len(everyone) :]] == ["p-none-at-all@example.com"]
    assert news.progress(second)["sent"] == 1
    world.parts.close()
