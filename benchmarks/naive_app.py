"""What a competent developer writes in a day: one RQ job a recipient, the ORM, Jinja2 and the SendGrid SDK.

The service is compared with it, so it is idiomatic and fair: the template is compiled once a process, the
engine and its connections are kept, the link is signed. It has no consent ledger, no encryption, no claim.
"""

import os
from datetime import UTC, datetime
from functools import cache

from itsdangerous import URLSafeSerializer
from jinja2 import Environment, Template
from sendgrid import SendGridAPIClient  # type: ignore[import-untyped]
from sendgrid.helpers.mail import Content, CustomArg, Header, Mail  # type: ignore[import-untyped]
from sqlalchemy import Engine, ForeignKey, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

_TEXT = """Bonjour {{ name }},

{% for item in items %}- {{ item.title }} : {{ item.text }}
{% endfor %}
Vous recevez ce message parce que vous suivez nos actualités. Pour les arrêter : {{ link }}
"""

_HTML = """<!doctype html><html lang="fr"><head><meta charset="utf-8"><title>{{ subject }}</title></head>
<body style="margin:0;background:#f5f5f2"><table role="presentation" width="100%"><tr><td align="center">
<table role="presentation" width="600" style="background:#fff;font:16px/1.5 sans-serif;color:#222">
<tr><td style="padding:24px"><h1>{{ subject }}</h1><p>Bonjour {{ name }},</p>
{% for item in items %}<h2 style="font-size:18px">{{ item.title }}</h2><p>{{ item.text }}</p>
<p><a href="{{ item.url }}" style="color:#0a5">Lire la suite</a></p>{% endfor %}
<p style="font-size:13px;color:#666">Vous recevez ce message parce que vous suivez nos actualités.
<a href="{{ link }}">Arrêter ces messages</a></p></td></tr></table></td></tr></table></body></html>
"""

_ITEMS = [
    {
        "title": f"Nouveauté {number}",
        "text": "Une courte présentation, comme en porte toute lettre d'information, en deux phrases. " * 3,
        "url": f"https://www.example.org/nouveautes/{number}",
    }
    for number in range(1, 6)
]


class Base(DeclarativeBase):
    """Root of the tables."""


class Recipient(Base):
    """A customer."""

    __tablename__ = "naive_recipients"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str]
    name: Mapped[str]
    subscribed: Mapped[bool]


class SentEmail(Base):
    """An e-mail that was sent."""

    __tablename__ = "naive_sent_emails"
    id: Mapped[int] = mapped_column(primary_key=True)
    recipient_id: Mapped[int] = mapped_column(ForeignKey("naive_recipients.id"), index=True)
    campaign_id: Mapped[int]
    status: Mapped[int]
    provider_message_id: Mapped[str | None]
    sent_at: Mapped[datetime]


@cache
def engine() -> Engine:
    """Return this process's engine."""
    return create_engine(os.environ["NAIVE_DATABASE_URL"])


@cache
def templates() -> tuple[Template, Template]:
    """Return the compiled templates, HTML and text."""
    return Environment(autoescape=True).from_string(_HTML), Environment(autoescape=False).from_string(_TEXT)  # noqa: S701 - the second is plain text


def send_newsletter(campaign_id: int, recipient_id: int) -> None:
    """Send one recipient their copy."""
    with Session(engine()) as session:
        recipient = session.get_one(Recipient, recipient_id)
        if not recipient.subscribed:
            return
        token = URLSafeSerializer(os.environ["NAIVE_SECRET"], salt="unsubscribe").dumps(
            {"recipient": recipient.id, "campaign": campaign_id}
        )
        link = f"https://www.example.org/u/{token}"
        subject = "Les nouvelles de la semaine"
        html, text = (
            template.render(subject=subject, name=recipient.name, items=_ITEMS, link=link)
            for template in templates()
        )
        mail = Mail("nouvelles@example.org", recipient.email, subject)
        mail.add_content(Content("text/plain", text))
        mail.add_content(Content("text/html", html))
        mail.add_header(Header("List-Unsubscribe", f"<{link}>"))
        mail.add_header(Header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
        mail.add_custom_arg(CustomArg("message_id", f"{campaign_id}-{recipient.id}", p=0))
        answer = SendGridAPIClient("SG.naive", host=os.environ["NAIVE_SENDGRID_URL"]).send(mail)
        session.add(
            SentEmail(
                recipient_id=recipient.id,
                campaign_id=campaign_id,
                status=answer.status_code,
                provider_message_id=answer.headers.get("X-Message-Id"),
                sent_at=datetime.now(UTC),
            )
        )
        session.commit()
