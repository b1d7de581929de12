"""The checks of `notify doctor` on whether providers can report what became of messages."""

from collections.abc import Iterator
from typing import Final

from notify.cli.findings import Finding
from notify.domain.errors import ConfigurationError
from notify.providers.sendgrid_events import SendGridEvents
from notify.settings import Settings

_GUIDE: Final = "docs/operating.md, Reports of providers, says how."


def reports(settings: Settings) -> Iterator[Finding]:
    """Look whether the providers in use have a way to report."""
    used = settings.providers
    if "sendgrid" in used:
        yield _sendgrid(settings)
    if "twilio" in used and settings.sms_receipts_url is None:
        text = "Twilio cannot reach us: no SMS will ever be called delivered"
        yield Finding.check("Reports", text, "Set PUBLIC_URL=https://…")
    elif "twilio" in used:
        yield Finding.ok("Reports", "Twilio is asked to post receipts")


def _sendgrid(settings: Settings) -> Finding:
    if not settings.sendgrid_webhook_public_key:
        text = "SendGrid's are refused: nothing will ever be called delivered, bounced or complained of"
        return Finding.check("Reports", text, f"Set SENDGRID_WEBHOOK_PUBLIC_KEY; {_GUIDE}")
    try:
        SendGridEvents(settings.sendgrid_webhook_public_key)
    except ConfigurationError as error:
        return Finding.broken("Reports", str(error), _GUIDE)
    return Finding.ok("Reports", "SendGrid's are taken if they are signed")
