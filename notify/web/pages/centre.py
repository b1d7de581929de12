"""The preference centre: every topic on every channel, in forms that need no JavaScript."""

from collections.abc import Callable
from math import ceil
from typing import Final

from flask import Blueprint, Response, abort, request

from notify.domain.bars import LIFTED_BY_PERSON
from notify.domain.catalogue import LOCALES, Channel
from notify.domain.confirmations import Kind
from notify.domain.errors import InvalidTokenError, TooManyRequestsError, UnreachableError
from notify.domain.ledger import UNDO
from notify.domain.requests import Choice
from notify.usecases.centre.preference_centre import PreferenceCentre, Saved
from notify.usecases.centre.views import CentreView
from notify.usecases.preferences.undo import UndoOptOut
from notify.web.pages.centre_forms import (
    PAUSES,
    changed,
    choices_proof,
    named_channel,
    section_proof,
    shown,
)
from notify.web.pages.centre_page import Answer, context
from notify.web.pages.history import history_page
from notify.web.pages.languages import language
from notify.web.pages.previews import preview_page
from notify.web.pages.rendering import Pages, finish, in_language, route, switch_from
from notify.web.pages.texts import Texts, whole
from notify.web.pages.visits import proof

_FORM_LIMIT: Final = 65_536


def centre_blueprint(centre: PreferenceCentre, undo: UndoOptOut, pages: Pages) -> Blueprint:
    """Return `/preferences/<token>` and the history behind it."""
    views = _CentrePages(centre, undo, pages)
    blueprint = Blueprint("centre", __name__)
    route(blueprint, "/preferences/<token>", "show", views.show, "GET")
    route(blueprint, "/preferences/<token>", "change", views.change, "POST")
    route(blueprint, "/preferences/<token>/history", "history", history_page(centre, pages), "GET")
    blueprint.after_request(finish)
    return blueprint


class _CentrePages:
    """The views, and what they call."""

    def __init__(self, centre: PreferenceCentre, undo: UndoOptOut, pages: Pages) -> None:
        self._centre = centre
        self._undo = undo
        self._pages = pages
        self._acts: dict[str, Callable[[str, CentreView, str], Answer]] = {
            "save": self._save,
            "stop_news": self._stop,
            "stop_everything": self._stop,
            **dict.fromkeys(PAUSES, self._pause),
            "resume": self._resume,
            "readmit": self._readmit,
            "language": self._speak,
            "export": self._request,
            "erase": self._request,
            "disown": self._disown,
            "undo": self._take_back,
        }

    def show(self, token: str) -> Response:
        """Show how things stand."""
        view = self._centre.describe(token)
        return self._page(token, Answer(view), language(view.locale))

    def change(self, token: str) -> Response:
        """Do what the pressed button says; `do` in the form names it."""
        request.max_content_length = _FORM_LIMIT
        view = self._centre.describe(token)
        locale = language(view.locale)
        if view.preview:
            return self._page(token, Answer(view), locale)
        act = self._acts.get(request.form.get("do", ""))
        if act is None:
            abort(400)
        answer = act(token, view, locale)
        return self._page(token, answer, answer.locale or locale)

    def _save(self, token: str, view: CentreView, locale: str) -> Answer:
        asked = changed(view)
        # Ticked on a page from before it was barred.
        chosen = [(row, on) for row, on in asked if not (on and row.bar)]
        if not chosen:
            return Answer(view, "barred" if asked else "same")
        choices = [Choice(row.topic.name, row.channel, subscribed) for row, subscribed in chosen]
        t = self._pages.texts(locale)
        given = choices_proof(t, chosen)
        done = self._centre.change(token, choices, given, locale)
        if done.asked or done.refused:
            return _to_be_confirmed(t, done)
        return Answer(done.view, "saved" if done.undo else "same", done.undo)

    def _stop(self, token: str, _view: CentreView, locale: str) -> Answer:
        what = request.form["do"]
        stop = self._centre.stop_news if what == "stop_news" else self._centre.stop_everything
        now, undo = stop(token, section_proof(self._pages.texts(locale), what), locale)
        return Answer(now, f"{what}_done", undo)

    def _pause(self, token: str, _view: CentreView, locale: str) -> Answer:
        pressed = request.form["do"]
        given = section_proof(self._pages.texts(locale), "pause", pressed)
        return Answer(self._centre.pause(token, PAUSES[pressed], given, locale), "paused")

    def _resume(self, token: str, view: CentreView, locale: str) -> Answer:
        if view.paused_until is None:  # pressed twice, or over by now
            return Answer(view, "resumed")
        t = self._pages.texts(locale)
        return Answer(self._centre.resume(token, shown(t("centre.paused.button")), locale), "resumed")

    def _readmit(self, token: str, view: CentreView, locale: str) -> Answer:
        channel = named_channel(list(Channel))
        bars = [one.bar for one in view.notices if one.channel is channel and one.bar in LIFTED_BY_PERSON]
        if not bars:
            return Answer(view, "same")
        t = self._pages.texts(locale)
        wording = [*(t(f"centre.bar_remedy.{bar}") for bar in bars), t(f"centre.readmit.{channel}")]
        done = self._centre.readmit(token, channel, shown(*filter(None, wording)), locale)
        if done.asked or done.refused:
            return _to_be_confirmed(t, done)
        return Answer(done.view, f"readmitted.{channel}")

    def _speak(self, token: str, _view: CentreView, locale: str) -> Answer:
        wanted = request.form.get("locale")
        if wanted not in LOCALES:
            abort(400)
        given = shown(self._pages.texts(locale)(f"centre.language.button.{wanted}"))
        return Answer(self._centre.speak(token, wanted, given, locale), "spoken", locale=wanted)

    def _request(self, token: str, view: CentreView, locale: str) -> Answer:
        kind = Kind(request.form["do"])
        try:
            asked = self._centre.request(token, kind, locale)
        except UnreachableError:
            return Answer(view, "unreachable", status=409)
        except TooManyRequestsError as error:
            return Answer(view, "asked_late", status=429, retry_after=ceil(error.retry_after.total_seconds()))
        where = whole(asked.masked) if asked else ""
        return Answer(view, f"asked_{kind}", words={"address": where})

    def _disown(self, token: str, view: CentreView, locale: str) -> Answer:
        channel = named_channel(list(Channel))
        if channel not in view.addresses:
            if view.bar_of(channel) is None:
                abort(400)
            return Answer(view, f"disowned.{channel}")  # pressed twice
        t = self._pages.texts(locale)
        address = whole(view.addresses[channel])
        given = shown(t("centre.disown.text"), t("centre.disown.button", address=address))
        return Answer(self._centre.disown(token, channel, given, locale), f"disowned.{channel}")

    def _take_back(self, token: str, view: CentreView, locale: str) -> Answer:
        t = self._pages.texts(locale)
        try:
            self._undo(request.form.get("undo", ""), proof(UNDO, t("centre.undo")), locale)
        except InvalidTokenError:
            return Answer(view, "undo_late", status=409)
        return Answer(self._centre.describe(token), "undone")

    def _page(self, token: str, answer: Answer, locale: str) -> Response:
        switch = switch_from(locale, "show", token=token)
        if answer.view.preview:
            return preview_page(self._pages, locale, "centre", switch=switch)
        response = self._pages.respond(
            "centre",
            locale,
            status=answer.status,
            switch=switch,
            action=in_language("change", locale, token=token),
            history=in_language("history", locale, token=token),
            **context(self._pages.texts(locale), answer),
        )
        if answer.retry_after is not None:
            response.headers["Retry-After"] = str(answer.retry_after)
        return response


def _to_be_confirmed(t: Texts, done: Saved) -> Answer:
    words = {
        "address": t.both([whole(one.masked) for one in done.asked]) if done.asked else "",
        "rest": t("centre.note.rest") if done.undo else "",
    }
    return Answer(done.view, "to_confirm" if done.asked else "not_asked", done.undo, words=words)
