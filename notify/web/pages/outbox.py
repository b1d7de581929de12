"""The local outbox: what would have been sent, for developers; only where the outbox is the provider."""

import re
from typing import Final

from flask import Blueprint, Response, abort, request, url_for

from notify.domain.mime import message_id_of, mime_message
from notify.domain.outgoing import OutboxEntry, OutgoingEmail, OutgoingSms
from notify.domain.segments import count, split
from notify.ports import OutboxReader
from notify.web.pages.languages import OTHER, language
from notify.web.pages.rendering import Pages, finish, in_language, route

_PER_PAGE: Final = 50
_MAX_ID: Final = 2**63 - 1
_VIEWS: Final = ("html", "text", "headers", "source")
_HEAD: Final = re.compile(r"<head[^>]*>", re.IGNORECASE)

_MAIL_POLICY: Final = (
    # Scripts and forms of a mail never run; its links open in a tab of their own.
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src data: https: http:; frame-ancestors 'self'"
)


def outbox_blueprint(outbox: OutboxReader, pages: Pages) -> Blueprint:
    """Return `/outbox`, `/outbox/<id>` and what that page frames."""
    views = _OutboxPages(outbox, pages)
    blueprint = Blueprint("outbox", __name__)
    route(blueprint, "/outbox", "index", views.index, "GET")
    entry = f"/outbox/<int(max={_MAX_ID}):entry_id>"
    route(blueprint, entry, "entry", views.entry, "GET")
    route(blueprint, f"{entry}/mail.html", "mail", views.mail, "GET")
    route(blueprint, f"{entry}/mail.eml", "source", views.source, "GET")
    blueprint.after_request(finish)
    return blueprint


class _OutboxPages:
    """The views, and what they read."""

    def __init__(self, outbox: OutboxReader, pages: Pages) -> None:
        self._outbox = outbox
        self._pages = pages

    def index(self) -> Response:
        """List what was kept, newest first."""
        locale = language()
        before = _seen()
        found = list(self._outbox.entries(before, _PER_PAGE + 1))
        shown = found[:_PER_PAGE]
        older = {"before": str(shown[-1].id)} if len(found) > _PER_PAGE else None
        here = {"before": str(before)} if before is not None else {}
        return self._pages.respond(
            "outbox",
            locale,
            outbox=True,
            switch=in_language("index", OTHER[locale], **here),
            entries=[_line(entry, locale) for entry in shown],
            older=in_language("index", locale, **older) if older else None,
            newest=in_language("index", locale) if here else None,
        )

    def entry(self, entry_id: int) -> Response:
        """Show one message."""
        entry = self._entry(entry_id)
        if isinstance(entry.message, OutgoingSms):
            return self._sms(entry, entry.message)
        return self._parts(entry, entry.message)

    def _sms(self, entry: OutboxEntry, message: OutgoingSms) -> Response:
        """Show an SMS, cut as it is billed."""
        locale = language()
        return self._pages.respond(
            "outbox_sms",
            locale,
            outbox=True,
            switch=_address(entry, OTHER[locale]),
            back=in_language("index", locale),
            entry=entry,
            parts=split(message.text),
            billed=count(message.text),
        )

    def _parts(self, entry: OutboxEntry, message: OutgoingEmail) -> Response:
        """Show an e-mail, one part of it at a time."""
        locale = language()
        asked = request.args.get("view")
        view = asked if asked in _VIEWS else _VIEWS[0]
        return self._pages.respond(
            "outbox_email",
            locale,
            outbox=True,
            switch=_address(entry, OTHER[locale], view=view),
            back=in_language("index", locale),
            entry=entry,
            view=view,
            tabs=[(name, _address(entry, locale, view=name)) for name in _VIEWS],
            headers=_headers(message),
            source=_source(entry, message).decode("utf-8", "replace") if view == "source" else "",
            frame=url_for(".mail", entry_id=entry.id),
            download=url_for(".source", entry_id=entry.id),
        )

    def mail(self, entry_id: int) -> Response:
        """Give an e-mail's HTML alone, made harmless by its policy."""
        message = self._email(self._entry(entry_id))
        html = _HEAD.sub(lambda head: f'{head[0]}<base target="_blank">', message.html, count=1)
        response = Response(html, mimetype="text/html")
        response.headers["Content-Security-Policy"] = _MAIL_POLICY
        return response

    def source(self, entry_id: int) -> Response:
        """Give an e-mail as a file that mail clients open."""
        entry = self._entry(entry_id)
        response = Response(_source(entry, self._email(entry)), mimetype="message/rfc822")
        response.headers["Content-Disposition"] = f'attachment; filename="outbox-{entry.id}.eml"'
        return response

    def _entry(self, entry_id: int) -> OutboxEntry:
        return self._outbox.entry(entry_id) or abort(404)

    def _email(self, entry: OutboxEntry) -> OutgoingEmail:
        return entry.message if isinstance(entry.message, OutgoingEmail) else abort(404)


def _seen() -> int | None:
    """Return the id that the page before ended with; nonsense leads to the first page."""
    before = request.args.get("before", type=int)
    return before if before is not None and 0 < before <= _MAX_ID else None


def _address(entry: OutboxEntry, locale: str, **values: str) -> str:
    return in_language("entry", locale, entry_id=str(entry.id), **values)


def _line(entry: OutboxEntry, locale: str) -> dict[str, object]:
    message = entry.message
    email = isinstance(message, OutgoingEmail)
    return {
        "channel": "email" if email else "sms",
        "to": message.to,
        "about": message.subject if isinstance(message, OutgoingEmail) else message.text,
        "segments": 0 if isinstance(message, OutgoingEmail) else count(message.text).segments,
        "kept_at": entry.kept_at,
        "address": _address(entry, locale),
    }


def _headers(message: OutgoingEmail) -> list[tuple[str, str]]:
    own = [("From", message.sender), ("To", message.to), ("Subject", message.subject)]
    reply_to = [("Reply-To", message.reply_to)] if message.reply_to else []
    return [*own, *reply_to, *message.headers.items()]


def _source(entry: OutboxEntry, message: OutgoingEmail) -> bytes:
    return mime_message(message, message_id=message_id_of(message, entry.kept_at), date=entry.kept_at)
