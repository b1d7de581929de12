"""The page behind the link in a message that asks to confirm: a GET shows what it does, a POST does it."""

from typing import Final

from flask import Blueprint, Response

from notify.domain.packed_json import PackedJson
from notify.usecases.preferences.confirm import Confirm, Confirmed, ConfirmView
from notify.web.api.answers import sent_whole
from notify.web.pages.days import day
from notify.web.pages.languages import language
from notify.web.pages.rendering import Pages, finish, in_language, route, switch_from
from notify.web.pages.texts import Texts, whole
from notify.web.pages.visits import discard_body, proof

_FILE: Final = "smarttontine.json"


def confirm_blueprint(confirm: Confirm, pages: Pages) -> Blueprint:
    """Return `/confirm/<token>`."""
    views = _ConfirmPages(confirm, pages)
    blueprint = Blueprint("confirm", __name__)
    route(blueprint, "/confirm/<token>", "show", views.show, "GET")
    route(blueprint, "/confirm/<token>", "act", views.act, "POST")
    blueprint.after_request(finish)
    return blueprint


class _ConfirmPages:
    """The views, and what they call."""

    def __init__(self, confirm: Confirm, pages: Pages) -> None:
        self._confirm = confirm
        self._pages = pages

    def show(self, token: str) -> Response:
        """Say what the link does, with the button that does it."""
        view = self._confirm.describe(token)
        locale = language(view.locale)
        return self._pages.respond(
            "confirm",
            locale,
            switch=switch_from(locale, "show", token=token),
            action=in_language("act", locale, token=token),
            kind=view.kind,
            address=whole(view.address),
            text=_text(self._pages.texts(locale), view, "text"),
            lines=_lines(self._pages.texts(locale), view),
        )

    def act(self, token: str) -> Response:
        """Do it, whatever the body says."""
        shown = self._confirm.describe(token)
        locale = language(shown.locale)
        given = proof("confirmation", _wording(self._pages.texts(locale), shown))
        done = self._confirm(token, given, locale)
        discard_body()
        if done.exported is not None:
            return _download(done.exported)
        return self._done(done, locale)

    def _done(self, done: Confirmed, locale: str) -> Response:
        return self._pages.respond(
            "confirmed",
            locale,
            kind=done.view.kind,
            address=whole(done.view.address),
            text=_text(self._pages.texts(locale), done.view, "after"),
            lines=_lines(self._pages.texts(locale), done.view),
            centre=done.centre_url,
        )


def _lines(t: Texts, view: ConfirmView) -> list[str]:
    return [t.line(topic, view.channel) for topic in view.topics]


def _text(t: Texts, view: ConfirmView, key: str) -> str:
    """Return the words of `key`, or that what was subscribed to comes after a pause only."""
    if view.topics and view.paused_until:
        return t("confirm.subscribe.paused", day=day(view.paused_until, t.locale, view.zone))
    return t(f"confirm.{view.kind}.{key}")


def _wording(t: Texts, view: ConfirmView) -> str:
    """Return what the person read before pressing the button, as it stood on the page."""
    shown = [t(f"confirm.{view.kind}.title"), _text(t, view, "text"), *_lines(t, view)]
    return " / ".join([*shown, t(f"confirm.{view.kind}.button")])


def _download(exported: PackedJson) -> Response:
    response = sent_whole(exported)
    response.headers["Content-Disposition"] = f'attachment; filename="{_FILE}"'
    return response
