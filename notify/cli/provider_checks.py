"""The checks of `notify doctor` on providers' credentials: one harmless request each."""

import json
import smtplib
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from email.utils import parsedate_to_datetime
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from notify.cli.findings import Finding
from notify.domain.errors import ConfigurationError
from notify.providers.keep_alive import Answer, BrokenCallError, Endpoint, NotSentError, basic_auth
from notify.providers.smtp import SmtpAddress
from notify.providers.tls import default_tls
from notify.providers.twilio import DEFAULT_URL
from notify.settings import Settings

_TIMEOUT_SECONDS: Final = 5.0
_NEEDED_SCOPE: Final = "mail.send"


def check_providers(settings: Settings, skews: list[float]) -> Iterator[Finding]:
    """Ask every provider that is set up whether it knows us; adds what its clock says to `skews`."""
    names = settings.providers
    if "sendgrid" in names:
        yield _sendgrid(settings, skews)
    if "twilio" in names:
        yield _twilio(settings, skews)
    if "smtp" in names:
        yield _smtp(settings)
    if "outbox" in names:
        yield Finding.ok("Outbox", "messages of a channel without a provider are kept and shown on /outbox")


def _sendgrid(settings: Settings, skews: list[float]) -> Finding:
    headers = {"Authorization": f"Bearer {settings.sendgrid_api_key}"}
    url = f"{settings.sendgrid_api_url.rstrip('/')}/v3/scopes"
    answer = _asked("SendGrid", url, headers, "SENDGRID_API_URL", skews)
    if isinstance(answer, Finding):
        return answer
    if answer.status != HTTPStatus.OK:
        return _refused("SendGrid", answer, "SENDGRID_API_KEY")
    if _NEEDED_SCOPE not in _json(answer).get("scopes", ()):
        remedy = "Give it the permission Mail Send in SendGrid, Settings, API Keys."
        return Finding.broken("SendGrid", "the key is known, but may not send", remedy)
    return Finding.ok("SendGrid", "knows the key, which may send")


def _twilio(settings: Settings, skews: list[float]) -> Finding:
    sid = settings.twilio_account_sid or ""
    url = f"{(settings.twilio_api_url or DEFAULT_URL).rstrip('/')}/2010-04-01/Accounts/{sid}.json"
    headers = {"Authorization": basic_auth(sid, settings.twilio_token)}
    answer = _asked("Twilio", url, headers, "TWILIO_API_URL", skews)
    if isinstance(answer, Finding):
        return answer
    if answer.status != HTTPStatus.OK:
        return _refused("Twilio", answer, "TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN")
    account = _json(answer).get("status")
    if account != "active":
        return Finding.broken(
            "Twilio", f"the account is {account or 'in no known state'}", "See Twilio's console."
        )
    return Finding.ok("Twilio", "knows the account, which is active")


def _smtp(settings: Settings) -> Finding:
    try:
        where = SmtpAddress.parse(settings.smtp_url or "")
        open_smtp = partial(smtplib.SMTP_SSL, context=default_tls()) if where.tls else smtplib.SMTP
        with open_smtp(where.host, where.port, timeout=_TIMEOUT_SECONDS) as connection:
            if where.starttls:
                connection.starttls(context=default_tls())
            if where.user:
                connection.login(where.user, where.password or "")
            connection.noop()
    except ConfigurationError as error:
        return Finding.broken("SMTP", str(error), "Correct SMTP_URL.")
    except smtplib.SMTPAuthenticationError:
        return Finding.broken("SMTP", "the server refuses user or password", "Correct SMTP_URL.")
    except (smtplib.SMTPException, OSError) as error:
        remedy = "Check SMTP_URL, and that this machine may reach the server."
        return Finding.broken("SMTP", f"no dialogue with the server ({type(error).__name__})", remedy)
    return Finding.ok("SMTP", "the server lets us in")


def _asked(
    name: str, url: str, headers: dict[str, str], variable: str, skews: list[float]
) -> Answer | Finding:
    """Ask once; a finding if there was no answer."""
    remedy = f"Check {variable}, and that this machine may reach it (firewall, proxy, DNS)."
    try:
        with closing(Endpoint(url, _TIMEOUT_SECONDS)) as endpoint:
            answer = endpoint.call("GET", url, None, headers)
    except (NotSentError, BrokenCallError, ValueError) as error:
        return Finding.broken(name, str(error), remedy)
    told = answer.headers.get("Date")
    if told:
        with suppress(ValueError):
            skews.append(parsedate_to_datetime(told).timestamp() - time.time())
    return answer


def _refused(name: str, answer: Answer, variables: str) -> Finding:
    if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
        return Finding.broken(name, f"refuses the credentials ({answer.status})", f"Correct {variables}.")
    return Finding.check(name, f"answered {answer.status}", "Try again; see its status page.")


def _json(answer: Answer) -> dict[str, Any]:
    try:
        found = json.loads(answer.body or b"")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
