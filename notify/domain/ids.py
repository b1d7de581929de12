"""Public ids: a prefix that says what it is, and the database's number. Callers treat them as opaque."""

import re
from typing import Final

from notify.domain.errors import NotFoundError

NOTIFICATION: Final = "ntf"
MESSAGE: Final = "msg"
CONSENT: Final = "cns"
CAMPAIGN: Final = "cmp"
WEBHOOK_ENDPOINT: Final = "whe"
WEBHOOK_EVENT: Final = "evt"
WEBHOOK_DELIVERY: Final = "whd"
SUPPRESSION: Final = "sup"

_NUMBER: Final = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


def public(prefix: str, number: int) -> str:
    """Return the public id of a number."""
    return f"{prefix}_{number}"


def number_of(prefix: str, text: str) -> int:
    """Return the number behind a public id; NotFoundError if it cannot be one of ours."""
    head, _, tail = text.partition("_")
    if head != prefix or not _NUMBER.fullmatch(tail):
        raise NotFoundError(f"no {prefix} of that id")
    return int(tail)
