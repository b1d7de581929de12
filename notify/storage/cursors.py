"""Cursors of lists: opaque to callers; to us the last number seen, and the list it was seen in."""

import base64
import binascii
import hashlib
import re
from typing import Final

from notify.domain.errors import FieldProblem, InvalidRequestError

_OURS: Final = re.compile(rb"after:([1-9][0-9]{0,17}):([0-9a-f]{8})")


def encode(listed: str, number: int) -> str:
    """Return the cursor that goes on after `number` in the list of that name."""
    text = f"after:{number}:{_check(listed, number)}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(listed: str, cursor: str | None) -> int | None:
    """Return the number to go on after; InvalidRequestError if this list gave no such cursor."""
    if cursor is None:
        return None
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        found = _OURS.fullmatch(text)
    except (binascii.Error, ValueError):  # ValueError: letters beyond ASCII
        found = None
    if found is None or found[2].decode() != _check(listed, int(found[1])):
        raise InvalidRequestError([FieldProblem("/cursor", "is not one that this list returned")])
    return int(found[1])


def _check(listed: str, number: int) -> str:
    """Return what tells a cursor that was altered, or taken from another list; it guards no secret."""
    return hashlib.blake2b(f"{listed}:{number}".encode(), digest_size=4).hexdigest()
