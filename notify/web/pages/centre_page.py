"""How the preference centre is shown: the page's words and boxes, made of how things stand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from notify.domain.bars import LIFTED_BY_PERSON
from notify.usecases.centre.pausing import Pause
from notify.usecases.centre.views import CentreRow, CentreView, Notice
from notify.web.pages.centre_forms import key
from notify.web.pages.days import day
from notify.web.pages.languages import OTHER
from notify.web.pages.texts import Texts, localised, whole


@dataclass(frozen=True, slots=True)
class Answer:
    """What a button came to: a note, its words, and an undo token if it can be taken back.

    `locale` is the language to answer in where that has just been chosen; `retry_after` is in seconds.
    """

    view: CentreView
    note: str | None = None
    undo: str | None = None
    status: int = 200
    retry_after: int | None = None
    locale: str | None = None
    words: Mapping[str, str] = field(default_factory=dict)


def context(t: Texts, answer: Answer) -> dict[str, Any]:
    """Return what `centre.html` shows."""
    view = answer.view
    spoken = view.locale if view.locale in OTHER else t.locale
    return {
        "addresses": {channel: whole(address) for channel, address in view.addresses.items()},
        "reached": [whole(one) for by, one in view.addresses.items() if view.bar_of(by) is None],
        "notices": [_notice(t, one, view) for one in view.notices],
        "topics": _by_topic(t, view),
        "can_save": any(row.bar is None for row in view.rows),
        "just_paused": answer.note == "paused",
        "paused": day(view.paused_until, t.locale, view.zone) if view.paused_until else None,
        "pauses": [length.value for length in Pause],
        "spoken": spoken,
        "unspoken": OTHER[spoken],
        "note": t(f"centre.note.{answer.note}", **answer.words) if answer.note else None,
        "undo": answer.undo,
    }


def _notice(t: Texts, notice: Notice, view: CentreView) -> dict[str, str | None]:
    channel, bar, bars_all = notice
    address = f" ({whole(view.addresses[channel])})" if channel in view.addresses else ""
    stopped = [t.topic(row.topic) for row in view.unbarred(channel) if not row.subscribed]
    extent = "all" if bars_all else "more" if stopped else "news"
    sentences = (
        t(f"centre.bar.{bar}.{channel}"),
        t(f"centre.bars.{extent}.{channel}", address=address, topics=t.both(stopped) if stopped else ""),
        t(f"centre.bar_remedy.{bar}"),
    )
    button = t(f"centre.readmit.{channel}") if bar in LIFTED_BY_PERSON else None
    return {"channel": channel, "text": " ".join(filter(None, sentences)), "button": button}


def _by_topic(t: Texts, view: CentreView) -> list[dict[str, object]]:
    """Return the rows grouped by topic, in the order given, with their words."""
    names = dict.fromkeys(row.topic.name for row in view.rows)
    groups = [[row for row in view.rows if row.topic.name == name] for name in names]
    return [
        {
            "name": rows[0].topic.name,
            "title": t.topic(rows[0].topic),
            "description": localised(rows[0].topic.description, t.locale),
            "frequency": localised(rows[0].topic.frequency, t.locale),
            "rows": [_row(t, row, view) for row in rows],
        }
        for rows in groups
    ]


def _row(t: Texts, row: CentreRow, view: CentreView) -> dict[str, object]:
    hint = None
    if row.bar:
        hint = t(f"centre.bar_row.{row.bar}.{row.channel}")
    elif row.pending:
        hint = t("centre.pending")
    elif row.channel not in view.addresses:
        hint = t(f"centre.no_address.{row.channel}")
    return {
        "key": key(row),
        "channel": row.channel,
        "subscribed": row.subscribed,
        "barred": row.bar is not None,
        "hint": hint,
    }
