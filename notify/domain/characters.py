"""Characters that act instead of showing, and how to take them out of a value that is put into a message."""

import re
from typing import Final

# Bidirectional overrides turn text around, and would let data rewrite the sentence it stands in.
CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
BIDI: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def shown(text: str) -> str:
    """Return `text` on one line, without what acts: control characters become a space."""
    # Spaces other than the plain one are not "printable" either; they are kept.
    return text if text.isprintable() else BIDI.sub("", CONTROL.sub(" ", text))
