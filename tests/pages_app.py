"""An application with the pages alone, on doubles of the use cases."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask import Flask

from notify.domain.outgoing import OutboxEntry, OutgoingEmail, OutgoingSms
from notify.web import errors
from notify.web.pages.centre import centre_blueprint
from notify.web.pages.confirm import confirm_blueprint
from notify.web.pages.failures import failure_pages
from notify.web.pages.index import index_blueprint
from notify.web.pages.outbox import outbox_blueprint
from notify.web.pages.rendering import Pages
from notify.web.pages.unsubscribe import unsubscribe_blueprint
from notify.web.slashes import merge_slashes
from tests.doubles_pages import (
    TOKEN,
    FakeCentre,
    FakeCentreLink,
    FakeConfirm,
    FakeOutbox,
    FakeUndo,
    FakeUnsubscribe,
)

PAGES_DIRECTORY = Path(__file__).parents[1] / "templates" / "pages"
LINK = f"https://notify.example/u/{TOKEN}"

EMAIL = OutgoingEmail(
    message_ref="msg_1",
    sender="Smarttontine <commandes@smarttontine.org>",
    to="awa.diop@example.com",
    subject="Votre commande 99812 est partie",
    html='<html lang="fr"><head><title>x</title></head><body><script>document.title="ran"</script>'
    f'<h1>Partie</h1><p><a href="{LINK}">Me désabonner</a></p></body></html>',
    text=f"Votre commande est partie.\n\nStop : {LINK}\n",
    headers={
        "List-Unsubscribe": f"<{LINK}>, <mailto:u+abc@stop.smarttontine.org>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    },
    reply_to="aide@smarttontine.org",
)
SMS = OutgoingSms(
    "msg_2",
    "Smarttontine",
    "+221771234567",
    "Reçu ! Votre commande 99812 est partie de l’entrepôt, elle arrive demain. Stop SMS: " + LINK,
)
KEPT_AT = datetime(2026, 11, 23, 11, tzinfo=UTC)


@dataclass
class Site:
    """The application, and the doubles behind it."""

    unsubscribe: FakeUnsubscribe = field(default_factory=FakeUnsubscribe)
    centre_link: FakeCentreLink = field(default_factory=FakeCentreLink)
    confirm: FakeConfirm = field(default_factory=FakeConfirm)
    undo: FakeUndo = field(default_factory=FakeUndo)
    centre: FakeCentre = field(default_factory=FakeCentre)
    outbox: FakeOutbox = field(default_factory=lambda: FakeOutbox(kept(2)))

    def app(self) -> Flask:
        app = Flask("pages", static_folder=None)
        pages = Pages(PAGES_DIRECTORY)
        merge_slashes(app)
        app.register_blueprint(unsubscribe_blueprint(self.unsubscribe, self.undo, self.centre_link, pages))
        app.register_blueprint(centre_blueprint(self.centre, self.undo, pages))
        app.register_blueprint(confirm_blueprint(self.confirm, pages))
        app.register_blueprint(outbox_blueprint(self.outbox, pages))
        app.register_blueprint(index_blueprint(pages, outbox=True))
        errors.install(app, failure_pages(pages))
        return app


def kept(count: int) -> list[OutboxEntry]:
    """Return entries 1 to `count`: e-mails are odd, SMS even."""
    return [
        OutboxEntry(number, KEPT_AT + timedelta(minutes=number), EMAIL if number % 2 else SMS)
        for number in range(1, count + 1)
    ]
