"""Every public page in every state: where it is, what is pressed on the way, and who visits it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final, NamedTuple

from notify.domain.bars import Bar
from notify.domain.catalogue import Channel, Purpose, Topic
from notify.domain.history import PastChoice
from tests.doubles_pages import CENTRE_TOKEN, NOW, TOKEN, TOPICS, UNDO_TOKEN
from tests.pages_app import Site

U: Final = f"/u/{TOKEN}"
CENTRE: Final = f"/preferences/{CENTRE_TOKEN}"


class State(NamedTuple):
    """A page, reached by pressing `presses` in turn; `prepare` makes the site what it is about.

    `speaks` is its language where that was chosen on the way.
    """

    path: str
    presses: tuple[str, ...] = ()
    prepare: Callable[[Site], None] = lambda _: None
    speaks: str | None = None


def _paused(site: Site) -> None:
    site.centre.paused_until = NOW + timedelta(days=30)


def _barred(site: Site) -> None:
    site.centre.bars = {Channel.EMAIL: (None, Bar.COMPLAINED), Channel.SMS: (Bar.STOPPED, Bar.STOPPED)}


def _bounced(site: Site) -> None:
    site.centre.bars = {Channel.EMAIL: (Bar.BOUNCED, Bar.BOUNCED)}
    site.centre.addresses.pop(Channel.SMS)


def _asks_twice(site: Site) -> None:
    site.centre.asks_twice = ["surveys"]


def _preview(site: Site) -> None:
    site.centre.preview = True
    site.unsubscribe.view = replace(site.unsubscribe.view, preview=True)


def _down(site: Site) -> None:
    site.unsubscribe.down = True


def _twelve_topics(site: Site) -> None:
    long = "Notifications-de-réapprovisionnement-des-articles-suivis et autres nouvelles de vos boutiques"
    words = {"fr": long, "en": long}
    more = [Topic(90 + n, f"topic_{n}", Purpose.MARKETING, words, words, words) for n in range(8)]
    site.centre.topics = [*TOPICS, *more]
    site.centre.stands |= {(topic.name, channel): True for topic in more for channel in Channel}


def _past(site: Site) -> None:
    ways = ("one_click", "shop", "stop", "pause", "preference_centre", "undo")
    past = [
        PastChoice(10 + n, NOW - timedelta(days=n), 2 + n % 3, Channel.EMAIL, bool(n % 2), way, None)
        for n, way in enumerate(ways * 10)
    ]
    site.centre.past = [*past, PastChoice(1, NOW - timedelta(days=90), None, None, True, "shop", "2026-01")]


STATES: Final[dict[str, State]] = {
    "front": State("/"),
    "question": State(U),
    "done": State(U, ("button",)),
    "all done": State(U, ("button", "button.stop")),
    "undone": State(U, ("button", "form[action^='/undo/'] button")),
    "tab brought back": State(f"/undo/{UNDO_TOKEN}"),
    "link of a preview": State(U, (), _preview),
    "bad link": State("/u/unknown"),
    "not now": State(U, (), _down),
    "centre": State(CENTRE),
    "saved": State(
        CENTRE, ("label >> nth=2", "button[value=save]", "summary", "summary >> nth=1", "summary >> nth=2")
    ),
    "paused": State(CENTRE, ("button[value=pause_30]",)),
    "resumed": State(CENTRE, ("button[value=resume]",), _paused),
    "barred": State(CENTRE, (), _barred),
    "readmitted": State(CENTRE, ("button[value=readmit]",), _barred),
    "bounced": State(CENTRE, (), _bounced),
    "to be confirmed": State(CENTRE, ("label >> nth=6", "button[value=save]"), _asks_twice),
    "data asked for": State(CENTRE, ("summary >> nth=1", "button[value=export]")),
    "language chosen": State(CENTRE, ("summary", "button[value=language]"), speaks="en"),
    "disowned": State(CENTRE, ("summary >> nth=2", "button[value=disown]")),
    "nothing saved": State(CENTRE, ("button[value=save]",)),
    "twelve topics": State(CENTRE, (), _twelve_topics),
    "history": State(f"{CENTRE}/history", (), _past),
    "no history": State(f"{CENTRE}/history"),
    "to confirm": State("/confirm/subscribe"),
    "confirmed": State("/confirm/subscribe", ("button",)),
    "to erase": State("/confirm/erase"),
    "into the centre": State("/confirm/centre", ("button",)),
    "link used up": State("/confirm/unknown"),
    "link sent": State(U, ("button", "form[action*='/centre'] button")),
    "outbox": State("/outbox"),
    "mail": State("/outbox/1"),
    "mail text": State("/outbox/1", ("nav a >> nth=1",)),
    "mail headers": State("/outbox/1", ("nav a >> nth=2",)),
    "mail source": State("/outbox/1", ("nav a >> nth=3",)),
    "sms": State("/outbox/2"),
}
