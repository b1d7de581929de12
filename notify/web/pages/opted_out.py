"""The answer to an opt-out: mail programs ask for thousands a minute, so each kind is rendered only once."""

import re
from collections.abc import Hashable
from typing import Final

from flask import Response, request
from markupsafe import escape

from notify.usecases.preferences.unsubscribe import OptOutDone, OptOutView
from notify.web.pages.rendering import Pages, in_language
from notify.web.pages.texts import Texts, whole

_MARK: Final = re.compile("qz(address|undo|token)zq")
"""Stands in what is kept for what differs from answer to answer."""

_MOST_KEPT: Final = 500


class OptedOutPage:
    """Says what was stopped, and offers the undo and to stop the whole channel."""

    def __init__(self, pages: Pages) -> None:
        """Render by `pages`."""
        self._pages = pages
        self._kept: dict[Hashable, list[str]] = {}

    def __call__(self, token: str, done: OptOutDone, locale: str, *, whole_channel: bool) -> Response:
        """Answer the opt-out by this token, which is URL-safe, as undo tokens are."""
        view = done.view
        address, undo = bool(view.address), bool(done.undo)
        topic = view.topic.number if view.topic else None
        key = (request.script_root, locale, topic, view.channel, address, undo, whole_channel)
        parts = self._kept.get(key)
        if parts is None:
            parts = _MARK.split(self._rendered(view, locale, undo=undo, whole_channel=whole_channel))
            if len(self._kept) < _MOST_KEPT:
                self._kept[key] = parts
        values = {"address": str(escape(whole(view.address or ""))), "undo": done.undo or "", "token": token}
        filled = [values[part] if index % 2 else part for index, part in enumerate(parts)]
        return self._pages.response("".join(filled), locale)

    def _rendered(self, view: OptOutView, locale: str, *, undo: bool, whole_channel: bool) -> str:
        token = "qztokenzq"  # noqa: S105 - the mark of one
        centre = in_language("send_centre_link", locale, token=token)
        stop_all = in_language("stop_channel", locale, token=token, by="page")
        return self._pages.rendered(
            "unsubscribed",
            locale,
            outcome=_outcome(self._pages.texts(locale), view, whole_channel=whole_channel),
            undo=in_language("take_back", locale, token="qzundozq") if undo else None,  # noqa: S106
            stop_all=None if whole_channel else stop_all,
            centre=centre if view.address else None,
            channel=view.channel,
        )


def _outcome(t: Texts, view: OptOutView, *, whole_channel: bool) -> str:
    at = t(f"at.{view.channel}", address="qzaddresszq") if view.address else ""
    if whole_channel:
        return t(f"done.channel.{view.channel}", at=at)
    return t("done.topic", what=t.what(view.topic), by=t.by(view.channel), at=at)
