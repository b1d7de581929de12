"""The preference centre: every topic on every channel, in forms that need no JavaScript."""

from collections.abc import Callable
from typing import Final

from flask import Blueprint, Response, abort, request

from notify.domain.errors import InvalidTokenError
from notify.domain.requests import Choice, Proof
from notify.usecases.preference_centre import CentreRow, CentreView, PreferenceCentre
from notify.usecases.undo import UndoOptOut
from notify.web.pages.languages import language
from notify.web.pages.previews import preview_page
from notify.web.pages.rendering import Pages, finish, in_language, route, switch_from
from notify.web.pages.texts import Texts, localised, whole
from notify.web.pages.visits import proof

_FORM_LIMIT: Final = 65_536
_SOURCE: Final = "preference_centre"


def centre_blueprint(centre: PreferenceCentre, undo: UndoOptOut, pages: Pages) -> Blueprint:
    """Return `/preferences/<token>`."""
    views = _CentrePages(centre, undo, pages)
    blueprint = Blueprint("centre", __name__)
    route(blueprint, "/preferences/<token>", "show", views.show, "GET")
    route(blueprint, "/preferences/<token>", "change", views.change, "POST")
    blueprint.after_request(finish)
    return blueprint


class _CentrePages:
    """The views, and what they call."""

    def __init__(self, centre: PreferenceCentre, undo: UndoOptOut, pages: Pages) -> None:
        self._centre = centre
        self._undo = undo
        self._pages = pages
        self._acts: dict[str, Callable[[str, CentreView, str], Response]] = {
            "save": self._save,
            "stop_news": self._stop,
            "stop_everything": self._stop,
            "disown": self._disown,
            "undo": self._take_back,
        }

    def show(self, token: str) -> Response:
        """Show how things stand."""
        view = self._centre.describe(token)
        return self._page(token, view, language(view.locale))

    def change(self, token: str) -> Response:
        """Do what the pressed button says; `do` in the form names it."""
        request.max_content_length = _FORM_LIMIT
        view = self._centre.describe(token)
        if view.preview:
            return self._page(token, view, language(view.locale))
        act = self._acts.get(request.form.get("do", ""))
        if act is None:
            abort(400)
        return act(token, view, language(view.locale))

    def _save(self, token: str, view: CentreView, locale: str) -> Response:
        t = self._pages.texts(locale)
        asked = _changed(view)
        # Ticked on a page from before it was barred.
        changed = [(row, on) for row, on in asked if not (on and row.channel in view.barred)]
        if not changed:
            return self._page(token, view, locale, note="barred" if asked else "same")
        wording = _choices_wording(t, changed)
        choices = [Choice(row.topic.name, row.channel, subscribed) for row, subscribed in changed]
        now, undo = self._centre.change(token, choices, proof(_SOURCE, wording), locale)
        return self._page(token, now, locale, note="saved" if undo else "same", undo=undo)

    def _stop(self, token: str, _view: CentreView, locale: str) -> Response:
        t = self._pages.texts(locale)
        what = request.form["do"]
        given = proof(_SOURCE, _wording(t, f"centre.{what}"))
        stop = self._centre.stop_news if what == "stop_news" else self._centre.stop_everything
        now, undo = stop(token, given, locale)
        return self._page(token, now, locale, note=f"{what}_done", undo=undo)

    def _disown(self, token: str, view: CentreView, locale: str) -> Response:
        wanted = request.form.get("channel")
        barred = next((channel for channel in view.barred if channel == wanted), None)
        if barred:  # pressed twice
            return self._page(token, view, locale, note=f"disowned.{barred}")
        channel = next((c for c in view.addresses if c == wanted), None)
        if channel is None:
            abort(400)
        address = view.addresses[channel]
        given = self._disown_proof(self._pages.texts(locale), address)
        now = self._centre.disown(token, channel, given, locale)
        return self._page(token, now, locale, note=f"disowned.{channel}")

    def _disown_proof(self, t: Texts, address: str) -> Proof:
        return proof(_SOURCE, f"{t('centre.disown.text')} / {t('centre.disown.button', address=address)}")

    def _take_back(self, token: str, view: CentreView, locale: str) -> Response:
        t = self._pages.texts(locale)
        try:
            self._undo(request.form.get("undo", ""), proof("undo", t("centre.undo")), locale)
        except InvalidTokenError:
            return self._page(token, view, locale, note="undo_late", status=409)
        return self._page(token, self._centre.describe(token), locale, note="undone")

    def _page(
        self,
        token: str,
        view: CentreView,
        locale: str,
        *,
        note: str | None = None,
        undo: str | None = None,
        status: int = 200,
    ) -> Response:
        switch = switch_from(locale, "show", token=token)
        if view.preview:
            return preview_page(self._pages, locale, "centre", switch=switch)
        return self._pages.respond(
            "centre",
            locale,
            status=status,
            switch=switch,
            action=in_language("change", locale, token=token),
            addresses={channel: whole(address) for channel, address in view.addresses.items()},
            barred=sorted(view.barred),
            can_save=any(row.channel not in view.barred for row in view.rows),
            topics=_by_topic(self._pages.texts(locale), view),
            note=note,
            undo=undo,
        )


def _key(row: CentreRow) -> str:
    return f"{row.topic.name}.{row.channel}"


def _changed(view: CentreView) -> list[tuple[CentreRow, bool]]:
    """Return the rows whose box differs from how it was shown.

    Against how it was shown, not how it stands: a page left open must not bring back what was stopped since.
    """
    was = set(request.form.getlist("was"))
    now = set(request.form.getlist("on"))
    return [(row, _key(row) in now) for row in view.rows if (_key(row) in now) != (_key(row) in was)]


def _choices_wording(t: Texts, changed: list[tuple[CentreRow, bool]]) -> str:
    lines = [
        t(f"centre.chose.{'yes' if subscribed else 'no'}", line=t.line(row.topic, row.channel))
        for row, subscribed in changed
    ]
    return " / ".join([*lines, t("centre.save")])


def _wording(t: Texts, section: str) -> str:
    return " / ".join(t(f"{section}.{part}") for part in ("title", "text", "button"))


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
            "rows": [
                {"key": _key(row), "channel": row.channel, "subscribed": row.subscribed} for row in rows
            ],
        }
        for rows in groups
    ]
