"""The history of a person's own choices, in plain words, newest first."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

from flask import Response, abort, request

from notify.domain.catalogue import CONFIRMATIONS, Topic
from notify.domain.history import PastChoice
from notify.domain.ledger import BARRING_WAYS, OWN_WAYS, START, STOP, SUPPRESSED
from notify.usecases.centre.preference_centre import PreferenceCentre
from notify.web.pages.days import day, hour
from notify.web.pages.languages import language
from notify.web.pages.previews import preview_page
from notify.web.pages.rendering import Pages, in_language, switch_from
from notify.web.pages.texts import Texts

_MOST_DIGITS: Final = 18


def history_page(centre: PreferenceCentre, pages: Pages) -> Callable[..., Response]:
    """Return the view of `/preferences/<token>/history`."""

    def history(token: str) -> Response:
        before = _before()
        view, past = centre.history(token, before)
        locale = language(view.locale)
        switch = switch_from(locale, "history", token=token, **_page(before))
        if view.preview:
            return preview_page(pages, locale, "centre", switch=switch)
        t = pages.texts(locale)
        topics = {topic.number: topic for topic in (CONFIRMATIONS, *(row.topic for row in view.rows))}
        return pages.respond(
            "history",
            locale,
            switch=switch,
            items=list(_items(t, past.choices, topics, view.zone)),
            back=in_language("show", locale, token=token),
            newest=in_language("history", locale, token=token) if before else None,
            older=in_language("history", locale, token=token, **_page(past.older)) if past.older else None,
        )

    return history


def _before() -> int | None:
    """Return where the page starts; 404 for what no link of ours says."""
    given = request.args.get("before")
    if given is None:
        return None
    if not (given.isascii() and given.isdecimal() and len(given) <= _MOST_DIGITS):
        abort(404)
    return int(given)


def _page(before: int | None) -> dict[str, str]:
    return {"before": str(before)} if before else {}


def _items(
    t: Texts, choices: Sequence[PastChoice], topics: Mapping[int, Topic], zone: ZoneInfo
) -> Iterator[dict[str, object]]:
    """Tell together what was chosen at once."""
    for (at, way, subscribed, version), together in groupby(
        choices, key=lambda one: (one.at, one.way, one.subscribed, one.policy_version)
    ):
        group = list(together)
        chosen = [one for one in group if one.topic is not None]
        yield {
            "at": at,
            "when": t("history.when", day=day(at, t.locale, zone), hour=hour(at, zone)),
            "what": t(_headline(way, subscribed=subscribed) if chosen else "history.accepted"),
            "lines": _lines(t, chosen, topics),
            "version": version if not chosen else None,
            "how": _how(t, group[0], zone),
        }


def _headline(way: str, *, subscribed: bool) -> str:
    if way == SUPPRESSED:
        way = START if subscribed else STOP
    if way in BARRING_WAYS:
        return f"history.what.{way}"
    return f"history.what.{'yes' if subscribed else 'no'}"


def _lines(t: Texts, choices: Sequence[PastChoice], topics: Mapping[int, Topic]) -> list[str]:
    """Return one line for each topic, with all its channels."""
    by_topic: dict[int, list[str]] = {}
    for one in reversed(choices):
        if one.topic is not None and one.channel is not None:
            by_topic.setdefault(one.topic, []).append(t.by(one.channel))
    return [
        t("line", title=t.topic(topics[number]) if number in topics else t("history.gone"), by=t.both(ways))
        for number, ways in by_topic.items()
    ]


def _how(t: Texts, choice: PastChoice, zone: ZoneInfo) -> str:
    way = choice.way if choice.way in OWN_WAYS else "shop"
    return t(f"history.way.{way}", message=_message(t, choice, zone))


def _message(t: Texts, choice: PastChoice, zone: ZoneInfo) -> str:
    """Return which message led to it, as far as that is known."""
    channel = choice.message_channel or choice.channel
    if channel is None:
        return t("history.message.gone")
    if choice.message_at is None:
        return t(f"history.message.some.{channel}")
    return t(f"history.message.{channel}", day=day(choice.message_at, t.locale, zone))
