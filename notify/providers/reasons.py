"""A provider's own words as a reason that may be stored and logged: without anything personal in them."""

import re
from typing import Final

_LONGEST: Final = 200
_GONE: Final = "[…]"
_PERSONAL: Final = re.compile(
    r"https?://\S+"  # an unsubscribe link is a credential
    r"|\S+@\S+"
    r"|\+?\d(?:[ ().\-/\u00a0\u202f]?\d){6,}",
)
_SHORTEST_NAME: Final = 3


def without_personal_data(text: str, *known: str) -> str:
    """Return `text` on one line of at most 200 characters, without URLs, addresses and long numbers.

    `known` are the addresses of the message: they go wherever they stand, the part before the @ too.
    """
    for value in known:
        for part in (value, value.partition("@")[0]):
            if len(part) >= _SHORTEST_NAME:
                text = re.sub(re.escape(part), _GONE, text, flags=re.IGNORECASE)
    line = " ".join(_PERSONAL.sub(_GONE, text).split())
    printable = "".join(character for character in line if character.isprintable())
    return printable if len(printable) <= _LONGEST else printable[: _LONGEST - 1] + "…"
