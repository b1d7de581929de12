"""What a request to a page tells: who sent the form, and from where."""

from contextlib import suppress
from typing import Final

from flask import request
from werkzeug.exceptions import HTTPException

from notify.domain.requests import Proof
from notify.web.unread_bodies import read_away

_AGENT_LIMIT: Final = 300


def proof(source: str, wording: str | None) -> Proof:
    """Return the proof of a choice made by this request."""
    agent = request.user_agent.string[:_AGENT_LIMIT] or None
    return Proof(source, wording, ip=request.remote_addr, user_agent=agent)


def from_our_form() -> bool:
    """Whether the form of our own page was sent; its address says so, since the body is never looked at.

    It labels the ledger entry, and decides nothing.
    """
    return request.args.get("by") == "page"


def discard_body() -> None:
    """Read off what the client still sends, so that it gets to read the answer; never an error.

    Some senders announce a body and break off (RFC 8058 section 8.3 itself is malformed).
    """
    with suppress(HTTPException, OSError):
        read_away(request.stream)
