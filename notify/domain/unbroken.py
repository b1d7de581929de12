"""Keeps "e-mail" on one line: its hyphen is where a narrow screen would break it."""

import re
from typing import Final

INLINE: Final = '<span style="white-space:nowrap">'
"""What opens the span in mails, where classes are not sure to count."""

# The hyphen that never breaks (U+2011) has no glyph on old phones, and no search finds the word with it.
_WORD_OR_MARKUP: Final = re.compile(
    r"<(title|style|pre)\b.*?</\1>|<[^>]*>|(?<![\w@.-])([Ee]-mails?(?:-là)?)(?![\w@-])", re.DOTALL
)


def unbroken(html: str, opening: str) -> str:
    """Return `html` with each "e-mail" that is read in it in a span, which `opening` opens; tags stay."""
    return _WORD_OR_MARKUP.sub(lambda it: f"{opening}{it[2]}</span>" if it[2] else it[0], html)
