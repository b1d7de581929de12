"""Cursors of lists: opaque to callers, the last number seen to us."""

import base64
import binascii
import re
from typing import Final

from notify.domain.errors import FieldProblem, InvalidRequestError

_OURS: Final = re.compile(rb"after:([1-9][0-9]{0,17})")


def encode(number: int) -> str:
    """Return the cursor that goes on after `number`."""
    return base64.urlsafe_b64encode(f"after:{number}".encode()).decode().rstrip("=")


def decode(cursor: str | None) -> int | None:
    """Return the number to go on after; InvalidRequestError if the cursor is not one of ours."""
    if cursor is None:
        return None
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        found = _OURS.fullmatch(text)
    except binascii.Error:
        found = None
    if found is None:
        raise InvalidRequestError([FieldProblem("/cursor", "is not one that a list returned")])
    return int(found[1])
