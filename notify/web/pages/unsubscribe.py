"""The address in every message: a GET shows what it would stop, any POST stops it (RFC 8058)."""

from math import ceil

from flask import Blueprint, Response

from notify.domain.catalogue import Channel
from notify.domain.errors import TooManyRequestsError, UnreachableError
from notify.domain.ledger import LINK, ONE_CLICK, UNDO
from notify.domain.requests import Proof
from notify.usecases.centre.send_link import SendCentreLink
from notify.usecases.preferences.undo import UndoOptOut
from notify.usecases.preferences.unsubscribe import OptOutView, Unsubscribe
from notify.web.pages.languages import language
from notify.web.pages.opted_out import OptedOutPage
from notify.web.pages.previews import preview_page
from notify.web.pages.rendering import Pages, finish, in_language, route, switch_from
from notify.web.pages.texts import Texts, localised, whole
from notify.web.pages.visits import discard_body, from_our_form, proof


def unsubscribe_blueprint(
    unsubscribe: Unsubscribe, undo: UndoOptOut, send_centre_link: SendCentreLink, pages: Pages
) -> Blueprint:
    """Return `/u/<token>`, `/u/<token>/all`, `/u/<token>/centre` and `/undo/<token>`."""
    views = _OptOutPages(unsubscribe, undo, send_centre_link, pages)
    blueprint = Blueprint("unsubscribe", __name__)
    route(blueprint, "/u/<token>", "show", views.show, "GET")
    route(blueprint, "/u/<token>", "stop", views.stop, "POST")
    route(blueprint, "/u/<token>/all", "stop_channel", views.stop_channel, "POST")
    route(blueprint, "/u/<token>/centre", "send_centre_link", views.send_centre_link, "POST")
    route(blueprint, "/undo/<token>", "take_back", views.take_back, "POST")
    blueprint.after_request(finish)
    return blueprint


class _OptOutPages:
    """The views, and what they call."""

    def __init__(
        self, unsubscribe: Unsubscribe, undo: UndoOptOut, send_centre_link: SendCentreLink, pages: Pages
    ) -> None:
        self._unsubscribe = unsubscribe
        self._undo = undo
        self._send_centre_link = send_centre_link
        self._pages = pages
        self._opted_out = OptedOutPage(pages)

    def show(self, token: str) -> Response:
        """Say what the link stops, with the button that does."""
        view = self._unsubscribe.describe(token)
        locale = language(view.locale)
        t = self._pages.texts(locale)
        switch = switch_from(locale, "show", token=token)
        if view.preview:
            return preview_page(self._pages, locale, "unsubscribe", switch=switch)
        return self._pages.respond(
            "unsubscribe",
            locale,
            switch=switch,
            action=_action("stop", locale, token),
            centre=_centre_action(locale, token, view),
            question=_question(t, view),
            description=localised(view.topic.description, locale) if view.topic else "",
            view=view,
        )

    def stop(self, token: str) -> Response:
        """Stop the topic on the channel, whatever the body says."""
        return self._stop(token, whole_channel=False)

    def stop_channel(self, token: str) -> Response:
        """Stop every topic on the channel."""
        return self._stop(token, whole_channel=True)

    def _stop(self, token: str, *, whole_channel: bool) -> Response:
        given, locale_shown = self._proof(token, whole_channel=whole_channel)
        done = self._unsubscribe(token, given, locale_shown, whole_channel=whole_channel)
        discard_body()
        locale = language(done.view.locale)
        if done.view.preview:
            return preview_page(self._pages, locale, "unsubscribe", switch=None)
        return self._opted_out(token, done, locale, whole_channel=whole_channel)

    def _proof(self, token: str, *, whole_channel: bool) -> tuple[Proof, str | None]:
        """Return the proof and the language of its wording.

        A mail client's POST followed no wording of ours, and should not pay for looking one up.
        """
        if not (whole_channel or from_our_form()):
            return proof(ONE_CLICK, None), None
        shown = self._unsubscribe.describe(token)
        locale = language(shown.locale)
        return proof(LINK, _wording(self._pages.texts(locale), shown, whole_channel=whole_channel)), locale

    def send_centre_link(self, token: str) -> Response:
        """Send the link of the preference centre to the address that got the message."""
        locale = language(self._unsubscribe.describe(token).locale)
        discard_body()
        try:
            asked = self._send_centre_link(token, locale)
        except TooManyRequestsError as error:
            response = self._pages.respond("error", locale, status=429, text="centre_link.wait")
            response.headers["Retry-After"] = str(ceil(error.retry_after.total_seconds()))
            return response
        except UnreachableError:
            return self._pages.respond("error", locale, status=409, text="centre_link.unreachable")
        if asked is None:
            return preview_page(self._pages, locale, "centre", switch=None)
        address = whole(asked.masked)
        return self._pages.respond("centre_link", locale, channel=asked.channel, address=address)

    def take_back(self, token: str) -> Response:
        """Restore what the opt-out had changed."""
        locale = language()
        t = self._pages.texts(locale)
        restored = self._undo(token, proof(UNDO, t("undo.button")), locale)
        discard_body()
        lines = [t.line(topic, channel) for topic, channel in restored]
        return self._pages.respond("undone", locale, lines=lines)


def _action(endpoint: str, locale: str, token: str) -> str:
    """Return where a form of ours is sent: what tells it from a mail client's is in the address."""
    return in_language(endpoint, locale, token=token, by="page")


def _centre_action(locale: str, token: str, view: OptOutView) -> str | None:
    """Return where the centre's link is asked for; an e-mail holds it, and has one button on this page."""
    if view.channel is Channel.EMAIL or not view.address:
        return None
    return in_language("send_centre_link", locale, token=token)


def _question(t: Texts, view: OptOutView) -> str:
    return t("unsubscribe.question", what=t.what(view.topic), by=t.by(view.channel))


def _wording(t: Texts, view: OptOutView, *, whole_channel: bool) -> str:
    """Return what the person read before pressing the button, as it stood on the page."""
    if whole_channel:
        channel = view.channel
        shown = [t(f"stop_all.{part}.{channel}") for part in ("title", "text", "button")]
    else:
        shown = [_question(t, view), view.address or "", t("unsubscribe.button")]
    return " / ".join(part for part in shown if part)
